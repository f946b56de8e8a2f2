#!/usr/bin/env bash
# Fetches Debian's Go (86 MB, unpacked into build/go, not installed) and writes no_proxy_go.h anew with its answers.
# Not a test by itself: the answers change only with Go, and the fetch costs more than all unit tests together.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
dir=$(cd "$here/../../.." && pwd)/build/go
if [ ! -x "$dir/root/usr/lib/go-1.19/bin/go" ]; then
  mkdir -p "$dir/debs"
  cd "$dir/debs"
  apt-get -q -o APT::Sandbox::User=root -o Debug::NoLocking=1 download \
    golang-1.19-go golang-1.19-src golang-golang-x-net-dev golang-golang-x-text-dev
  for deb in *.deb; do dpkg-deb -x "$deb" "$dir/root"; done
fi
export GOROOT=$dir/root/usr/lib/go-1.19 GOPATH=$dir/root/usr/share/gocode GOCACHE=$dir/cache
export GO111MODULE=off GOFLAGS= CGO_ENABLED=0
"$GOROOT/bin/go" run "$here/no_proxy_go.go" > "$dir/answers"
mv "$dir/answers" "$here/no_proxy_go.h"
