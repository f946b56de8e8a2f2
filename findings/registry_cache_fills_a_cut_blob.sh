#!/usr/bin/env bash
# The docker registry as a pull-through cache continues a blob that its remote has cut with an error document, within
# the blob's own length.
#
#   version     docker-registry 2.8.2+ds1-1 (Debian 12, amd64)
#   behaviour   While a blob that is not cached yet is passed on, its response's head is long sent. If the remote's
#               connection ends in the middle, the handler returns the error, and the registry writes the usual JSON
#               document for it into the same response, behind the half blob; the head's Content-Length is the whole
#               blob's, so the document is taken for the next bytes of it.
#   seen        of a blob of 1,048,576 bytes of which the remote sends 524,288, the client gets these and, right behind
#               them, {"errors":[{"code":"UNKNOWN",...}]}; then the connection ends, short of its length.
#   follows     a client that resumes at the byte at which its download ended (Range) has the document in its blob, and
#               fails with a wrong digest at the end; one that begins again is right. The bytes before the end of a
#               response that was cut are worth nothing behind such a cache.
#
# Needs python3, curl, and the network for some 10 MB of packages, which are unpacked into a folder of its own. Exits 0 as
# long as it is so.
set -euo pipefail

version=2.8.2+ds1-1
folder=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done; rm -rf "$folder"' EXIT
cd "$folder"

apt-get -q -o APT::Sandbox::User=root download "docker-registry=$version" > apt.log 2>&1 ||
  { cat apt.log >&2; echo "cannot fetch the package" >&2; exit 2; }
dpkg-deb -x docker-registry_*.deb root

cat > remote.py <<'SOURCE'
import hashlib, http.server, os

blob = os.urandom(512) * 2048
digest = "sha256:" + hashlib.sha256(blob).hexdigest()


class Remote(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if "/blobs/" in self.path:
            self.send_header("Docker-Content-Digest", digest)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(blob)))
        else:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        if "/blobs/" in self.path:
            self.wfile.write(blob[: len(blob) // 2])
            self.close_connection = True

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remote)
with open("half", "wb") as half:
    half.write(blob[: len(blob) // 2])
with open("remote.tmp", "w") as ready:
    print(server.server_port, digest, file=ready)
os.rename("remote.tmp", "remote")
server.serve_forever()
SOURCE
python3 remote.py &
pids+=($!)
for _ in {1..100}; do [ -e remote ] && break; sleep 0.1; done
read -r remote digest < remote

port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > config.yml <<CONFIG
version: 0.1
storage: {filesystem: {rootdirectory: $folder/storage}}
http: {addr: 127.0.0.1:$port}
proxy: {remoteurl: "http://127.0.0.1:$remote"}
CONFIG
env -u http_proxy -u HTTP_PROXY root/usr/bin/docker-registry serve config.yml > registry.log 2>&1 &
pids+=($!)
for _ in {1..100}; do curl -s --noproxy '*' "http://127.0.0.1:$port/v2/" > /dev/null && break; sleep 0.1; done

status=0
curl -s --noproxy '*' -D head -o got "http://127.0.0.1:$port/v2/some/image/blobs/$digest" || status=$?
behind=$(tail -c +524289 got)
echo "curl's status: $status (18: the end came too early), $(grep -i '^content-length' head | tr -d '\r')"
echo "bytes: $(wc -c < got), behind the half: $behind"
grep -qi '^content-length: 1048576' head || { echo "changed: another length" >&2; exit 1; }
cmp -s <(head -c 524288 got) half || { echo "changed: not the half blob" >&2; exit 1; }
[[ $behind == '{"errors":['* ]] || { echo "changed: no document behind the half blob" >&2; exit 1; }
