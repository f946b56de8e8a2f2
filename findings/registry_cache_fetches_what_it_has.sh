#!/usr/bin/env bash
# The docker registry as a pull-through cache fetches a layer four times for two images that share it.
#
#   version     docker-registry 2.8.2+ds1-1 (Debian 12, amd64)
#   behaviour   Of a blob that is not kept yet, one download from the remote goes to the client, and a second one, at the same
#               time, to the disk. The disk holds each digest once, for all repositories, but whether it is there is asked
#               within one repository: for the same blob in another one both downloads are made again, and the second one ends
#               in the file that was there.
#   expected    one download of a digest, as the client's bytes could be kept, and as the store goes by digest
#   seen        first pull from some/one: 2 downloads; second pull: none; first pull from some/two: 2 downloads; one file.
#   follows     over a slow line the first pull through such a cache takes twice the bytes, and images of one family, as
#               kube-apiserver and kube-proxy, share nothing on their way. A docker that has the layer does not ask for it.
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
unset http_proxy HTTP_PROXY

# A registry that has the same blob in every repository, and a line in a file for each download of it.
cat > remote.py <<'SOURCE'
import hashlib, http.server, os

blob = os.urandom(65536)
digest = "sha256:" + hashlib.sha256(blob).hexdigest()


class Remote(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        body = blob if "/blobs/" in self.path else b""
        self.send_response(200)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Docker-Content-Digest", digest)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def do_GET(self):
        if "/blobs/" in self.path:
            with open("downloads", "a") as downloads:
                print(self.path, file=downloads)
        self.wfile.write(self.do_HEAD())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remote)
with open("remote.tmp", "w") as ready:
    print(server.server_port, digest, file=ready)
os.rename("remote.tmp", "remote")
server.serve_forever()
SOURCE
: > downloads
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
root/usr/bin/docker-registry serve config.yml > registry.log 2>&1 &
pids+=($!)
for _ in {1..100}; do curl -s --noproxy '*' "http://127.0.0.1:$port/v2/" > /dev/null && break; sleep 0.1; done

# pull REPOSITORY DOWNLOADS: the blob comes, is kept, and has cost this many downloads.
pull() {
  local before after
  before=$(wc -l < downloads)
  curl -sSf --noproxy '*' -o got "http://127.0.0.1:$port/v2/some/$1/blobs/$digest"
  [ "sha256:$(sha256sum < got | cut -d ' ' -f 1)" = "$digest" ] || { echo "it is another blob" >&2; exit 2; }
  for _ in {1..100}; do [ -e "storage/docker/registry/v2/repositories/some/$1/_layers/sha256/${digest:7}/link" ] && break; sleep 0.1; done
  sleep 0.5
  after=$(wc -l < downloads)
  echo "some/$1: $((after - before)) downloads"
  [ $((after - before)) = "$2" ] || { echo "changed: expected $2" >&2; exit 1; }
}
pull one 2
pull one 0
pull two 2
files=$(find storage -name data | wc -l)
echo "files: $files"
[ "$files" = 1 ] || { echo "changed: expected 1" >&2; exit 1; }
