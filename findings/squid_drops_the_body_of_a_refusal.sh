#!/usr/bin/env bash
# squid hands on a parent's refusal of a CONNECT with the length of its body, and without the body.
#
#   version     squid 5.7-2+deb12u6 (Debian 12, amd64)
#   behaviour   Where a cache_peer refuses a CONNECT, the client gets its status and fields, Content-Length among them, and then
#               the end of the connection. The reason phrase is the standard one of the status, whatever the peer's was.
#   expected    the peer's body, as for GET, or a page of squid's own
#   seen        the peer answers "502 some reason" with Content-Length: 11 and 11 bytes, in one piece or in two. For GET the bytes
#               come. For CONNECT "502 Bad Gateway" comes, and Content-Length: 11, and no byte.
#   follows     what a parent has to say is lost in both places where programs look for it (Go shows the phrase, others the body),
#               and who reads the body has an error of its own, as it was cut. A field of the peer's (Proxy-Status) does come.
#
# Needs python3, and the network for some 5 MB of packages, which are unpacked into a folder of its own. Exits 0 as long as it is
# so.
set -euo pipefail

version=5.7-2+deb12u6
folder=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; rm -rf "$folder"' EXIT
cd "$folder"
# As root squid becomes the user proxy.
chmod 755 .

apt-get -q -o APT::Sandbox::User=root download "squid=$version" "squid-common=$version" squid-langpack libecap3 libltdl7 libnetfilter-conntrack3 \
  libnfnetlink0 libmnl0 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libkeyutils1 libtdb1 > apt.log 2>&1 ||
  { cat apt.log >&2; echo "cannot fetch the packages" >&2; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu

# The parent: it refuses everything. Behind a client's "slow" its body comes a while after the head.
cat > parent.py <<'SOURCE'
import os, socketserver, time


class Parent(socketserver.StreamRequestHandler):
    def handle(self):
        slow = False
        while line := self.rfile.readline().strip():
            slow = slow or b"slow" in line
        head = b"HTTP/1.1 502 some reason\r\nContent-Type: text/plain\r\nContent-Length: 11\r\nProxy-Status: some-proxy\r\n\r\n"
        self.wfile.write(head if slow else head + b"some reason")
        if slow:
            time.sleep(0.5)
            self.wfile.write(b"some reason")


server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Parent)
with open("ready.tmp", "w") as ready:
    print(server.server_address[1], file=ready)
os.rename("ready.tmp", "ready")
server.serve_forever()
SOURCE
python3 parent.py 2> parent.log &
pids+=($!)
for _ in {1..100}; do [ -e ready ] && break; sleep 0.1; done

port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > squid.conf <<CONFIG
http_port 127.0.0.1:$port
http_access allow all
cache_peer 127.0.0.1 parent $(cat ready) 0 no-query default
never_direct allow all
cache deny all
access_log none
cache_log /dev/null
pid_filename none
pinger_enable off
shutdown_lifetime 0 seconds
coredump_dir none
visible_hostname some-squid
unlinkd_program $folder/root/usr/lib/squid/unlinkd
logfile_daemon $folder/root/usr/lib/squid/log_file_daemon
mime_table $folder/root/usr/share/squid/mime.conf
icon_directory $folder/root/usr/share/squid/icons
error_directory $folder/root/usr/share/squid-langpack/templates
CONFIG
root/usr/sbin/squid -N -n "some$$" -f squid.conf > squid.log 2>&1 &
pids+=($!)

# ask METHOD TARGET WHEN: the status line, the length and the body that come.
cat > ask.py <<'SOURCE'
import socket, sys, time

port, method, target, when = sys.argv[1:]
for _ in range(100):
    try:
        connection = socket.create_connection(("127.0.0.1", int(port)), 20)
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
else:
    sys.exit("squid does not listen")
with connection:
    host = target.removeprefix("http://").rstrip("/")
    connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-When: {when}\r\nConnection: close\r\n\r\n".encode())
    answer = b""
    while more := connection.recv(4096):
        answer += more
head, _, body = answer.decode().partition("\r\n\r\n")
fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
print(head.split("\r\n")[0][9:], ", length ", fields.get("Content-Length"), ", ", fields.get("Proxy-Status"), ", body: ", body or "none", sep="")
SOURCE
status=0
# expect METHOD TARGET WHEN ANSWER
expect() {
  local got
  got=$(timeout 60 python3 ask.py "$port" "$1" "$2" "$3" 2>&1 | tail -n 1) || true
  echo "$1, the body $3: $got"
  [ "$got" = "$4" ] || { cat squid.log >&2; echo "changed: expected $4" >&2; status=1; }
}
for when in at-once slow; do
  expect GET http://some.invalid/ "$when" "502 Bad Gateway, length 11, some-proxy, body: some reason"
  expect CONNECT some.invalid:443 "$when" "502 Bad Gateway, length 11, some-proxy, body: none"
done
exit $status
