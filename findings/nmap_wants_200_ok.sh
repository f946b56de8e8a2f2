#!/usr/bin/env bash
# nmap takes a proxy's answer to CONNECT for a refusal unless its reason phrase is "OK".
#
#   version     nmap 7.93+dfsg1-1 (Debian 12, amd64)
#   behaviour   With --proxies http://..., a connection of a script or of version detection goes through a CONNECT. Of the
#               answer nmap looks for the text "200 OK". Most proxies answer "200 Connection established", and a client
#               should not read a reason phrase (RFC 9112, section 4). The connection then fails with "PROXY ERROR", though
#               the tunnel is open, and is closed.
#   seen        behind a proxy that answers "HTTP/1.1 200 OK" the script gets its page; behind the same proxy that answers
#               "HTTP/1.1 200 Connection established": PROXY ERROR. ncat of the same version takes both.
#   follows     squid, tinyproxy and most others are no use to nmap --proxies; a proxy's log shows tunnels that were opened
#               and closed without a byte. ncat, socat or proxychains4 in front of it are a way round.
#
# Needs python3, and the network for some 7 MB of packages, which are unpacked into a folder of its own. Exits 0 as long as
# it is so.
set -euo pipefail

version=7.93+dfsg1-1
folder=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done; rm -rf "$folder"' EXIT
cd "$folder"

apt-get -q -o APT::Sandbox::User=root download "nmap=$version" "nmap-common=$version" "ncat=$version" libblas3 libdbus-1-3 \
  liblinear4 liblua5.3-0 libpcap0.8 libpcre3 libssh2-1 lua-lpeg > apt.log 2>&1 ||
  { cat apt.log >&2; echo "cannot fetch the packages" >&2; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries:$libraries/blas NMAPDIR=$folder/root/usr/share/nmap

# A proxy that opens any tunnel, with the reason phrase that it was started with, and is its far end, too.
cat > proxy.py <<'SOURCE'
import os, socketserver, sys


class Proxy(socketserver.StreamRequestHandler):
    def head(self):
        while self.rfile.readline().strip():
            pass

    def handle(self):
        self.head()
        self.wfile.write(b"HTTP/1.1 200 " + sys.argv[2].encode() + b"\r\n\r\n")
        self.head()
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nthe page\n")


server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy)
with open(sys.argv[1] + ".tmp", "w") as ready:
    print(server.server_address[1], file=ready)
os.rename(sys.argv[1] + ".tmp", sys.argv[1])
server.serve_forever()
SOURCE
cat > page.nse <<'SOURCE'
prerule = function() return true end
action = function()
  local s = nmap.new_socket()
  local connected, why = s:connect("127.0.0.1", 80)
  if not connected then return why end
  s:send("GET / HTTP/1.0\r\n\r\n")
  local _, data = s:receive()
  return data
end
SOURCE

# through PROGRAM NAME: what the program gets through the proxy of this name.
through() {
  local proxy
  proxy=127.0.0.1:$(cat "$2")
  case $1 in
    nmap) timeout 30 root/usr/bin/nmap -n -sn --script "$folder/page.nse" --proxies "http://$proxy" 2>&1 || true ;;
    ncat) timeout 30 root/usr/bin/ncat --proxy "$proxy" --proxy-type http 127.0.0.1 80 2>&1 <<< $'GET / HTTP/1.0\r\n\r' || true ;;
  esac
}

for phrase in "OK" "Connection established"; do
  python3 proxy.py "port of $phrase" "$phrase" > proxy.log 2>&1 &
  pids+=($!)
  for _ in {1..100}; do [ -e "port of $phrase" ] && break; sleep 0.1; done
done

status=0
expect() {
  local got
  got=$(through "$1" "port of $2")
  echo "$1, \"200 $2\": $(grep -o -e 'the page' -e 'PROXY ERROR' <<< "$got" || echo "neither: $got")"
  [[ $got == *"$3"* ]] || { echo "changed: expected $3" >&2; status=1; }
}
expect nmap "OK" "the page"
expect nmap "Connection established" "PROXY ERROR"
expect ncat "OK" "the page"
expect ncat "Connection established" "the page"
exit $status
