#!/usr/bin/env bash
# dockerd before 23.0 does not start with "proxies" in daemon.json, and the key that it complains of stands at no level
# where a user would look for it.
#
#   version     docker.io 20.10.24+dfsg1-1+deb12u1+b6 (Debian 12, amd64)
#   behaviour   An unknown key of daemon.json whose value is an object is not named: the object is opened, and the keys in it
#               are reported as if they stood at the top.
#   expected    the directive "proxies", as for {"proxy": "x"} the directive "proxy" is named
#   seen        {"proxies": {"https-proxy": "..."}}: "the following directives don't match any configuration option:
#               https-proxy". Who then looks up "https-proxy" finds it documented, as the flag --https-proxy and as a key
#               within "proxies", both since 23.0, and nothing that says why it is refused.
#   follows     a program that writes "proxies" has to look at the engine's version first (the daemon does not start at all);
#               before 23.0 there is only the environment, as by a drop-in of the unit.
#
# Needs the network for some 30 MB of packages, which are unpacked into a folder of its own, and nothing is started: the daemon
# ends at its configuration. Exits 0 as long as it is so.
set -euo pipefail

version=20.10.24+dfsg1-1+deb12u1+b6
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get -q -o APT::Sandbox::User=root download "docker.io=$version" libdevmapper1.02.1 libsystemd0 libgcrypt20 \
  liblz4-1 libcap2 libselinux1 libudev1 > apt.log 2>&1 ||
  { cat apt.log >&2; echo "cannot fetch the packages" >&2; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu

# complaint JSON: what the daemon says of a configuration.
complaint() {
  printf '%s\n' "$1" > daemon.json
  timeout 20 "$folder/root/usr/sbin/dockerd" --config-file "$folder/daemon.json" --data-root "$folder/data" \
    --exec-root "$folder/exec" --pidfile "$folder/pid" -H "unix://$folder/socket" 2>&1 | sed "s|$folder/||" || true
}
expect() {
  local said
  said=$(complaint "$1")
  echo "$1"
  echo "  $said"
  [ "$said" = "unable to configure the Docker daemon with file daemon.json: the following directives don't match any configuration option: $2" ] ||
    { echo "it is no longer so" >&2; exit 1; }
}

expect '{"proxy": "x"}' proxy
expect '{"proxies": {"https-proxy": "http://127.0.0.1:3128"}}' https-proxy
