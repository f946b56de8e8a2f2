#!/usr/bin/env bash
# apt.conf decodes %XX in a value, unless all of the value stands in quotes. One character outside of them, and what is
# within is decoded, too.
#
#   version     apt 2.6.2 (Debian 12, amd64)
#   behaviour   A value of nothing but "..." is taken as it is. Of any other, each % with two hexadecimal digits becomes that
#               character, also between quotes that the value has. apt.conf(5) does not mention it.
#   seen        "p%41q" stays p%41q;  p%41q is pAq;  "p%41"q is pAq, where the quotes cover the escape;  "p%41" "q" stays
#               p%41 q.
#   follows     A password in Acquire::http::Proxy is escaped for a URL (%40 for @). It stays so only while all of the URL is
#               in quotes; a program that reads or writes such files has to do the same.
#
# Needs the network for some 2 MB of packages, which are unpacked into a folder of its own. Exits 0 as long as it is so.
set -euo pipefail

version=2.6.2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get -q -o APT::Sandbox::User=root download "apt=$version" "libapt-pkg6.0=$version" > apt.log 2>&1 ||
  { cat apt.log >&2; echo "cannot fetch the packages" >&2; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu

root/usr/bin/apt-config --version | head -n 1 | grep -F "apt $version " || { echo "it is another version" >&2; exit 2; }

: > none
status=0
# expect WRITTEN VALUE: what apt reads where a file has this.
expect() {
  local value
  printf 'Test::Value %s;\n' "$1" > conf
  value=$(APT_CONFIG=$folder/none root/usr/bin/apt-config -c conf dump --format '%f %v%n' | sed -n 's/^Test::Value //p')
  echo "$1 is read as $value"
  [ "$value" = "$2" ] || { echo "changed: expected $2" >&2; status=1; }
}
expect '"p%41q"' 'p%41q'
expect 'p%41q' 'pAq'
expect '"p%41"q' 'pAq'
expect '"p%41" "q"' 'p%41 q'
exit $status
