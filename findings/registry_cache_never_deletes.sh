#!/usr/bin/env bash
# The docker registry as a pull-through cache says that what it keeps ends after 7 days, and deletes none of it. If it is
# allowed to delete, it also deletes what other images need.
#
#   version     docker-registry 2.8.2+ds1-1 (Debian 12, amd64)
#   behaviour   scheduler-state.json has a day of expiry for each blob and manifest, 7 days after its fetch; pulls in between
#               change nothing of it. On that day the registry deletes it by the ways of its API, which are closed by default
#               (storage.delete.enabled). The error goes to the log, the entry is dropped, and the file stays for good. With
#               storage.delete.enabled the blob's data is deleted, though other repositories whose own entry has not ended
#               link to it.
#   seen        by default: "Scheduler error returned from OnExpire(...): operation unsupported", the data is there, the list of
#               what ends is empty. With storage.delete.enabled: the data is gone, the link of the other repository stays, and
#               without the remote its blob is an error.
#   follows     a cache's disk only fills. Who sets storage.delete.enabled frees it, and pays with layers that are fetched again
#               before their time, or are missing while the remote is.
#
# The days are not waited for: the registry is stopped, and the date in its file is set back. Needs python3, curl, and the
# network for some 10 MB of packages, which are unpacked into a folder of its own. Exits 0 as long as it is so.
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

# A registry that has the same blob in every repository.
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
        self.wfile.write(self.do_HEAD())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remote)
with open("remote.tmp", "w") as ready:
    print(server.server_port, digest, file=ready)
os.rename("remote.tmp", "remote")
server.serve_forever()
SOURCE
python3 remote.py &
remote_pid=$!
pids+=("$remote_pid")
for _ in {1..100}; do [ -e remote ] && break; sleep 0.1; done
read -r remote digest < remote

changed() { cat registry.log >&2; echo "changed: $1" >&2; exit 1; }

start() {
  root/usr/bin/docker-registry serve config.yml > registry.log 2>&1 &
  registry=$!
  pids+=("$registry")
  for _ in {1..100}; do curl -s --noproxy '*' "http://127.0.0.1:$port/v2/" > /dev/null && break; sleep 0.1; done
}
# get REPOSITORY: the status of its blob.
get() { curl -s --noproxy '*' -o got -w '%{http_code}' "http://127.0.0.1:$port/v2/$1/blobs/$digest" || true; }
state() { grep -o '"ExpiryData":"[^"]*"' storage/scheduler-state.json || true; }
# until_saved NUMBER: the file, which is written every 5 s, has this many entries.
until_saved() {
  for _ in {1..150}; do [ -e storage/scheduler-state.json ] && [ "$(state | wc -l)" = "$1" ] && return; sleep 0.1; done
  changed "not $1 entries: $(cat storage/scheduler-state.json)"
}
data=storage/docker/registry/v2/blobs/sha256/${digest:7:2}/${digest:7}/data

# life DELETE: two repositories are pulled from, and the entry of one comes to its end.
life() {
  rm -rf storage
  port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
  cat > config.yml <<CONFIG
version: 0.1
storage: {filesystem: {rootdirectory: $folder/storage}$1}
http: {addr: 127.0.0.1:$port}
proxy: {remoteurl: "http://127.0.0.1:$remote"}
CONFIG
  start
  [ "$(get some/one)" = 200 ] || changed "no blob"
  until_saved 1
  before=$(state)
  [ "$(get some/one)$(get some/two)" = 200200 ] || changed "no blob"
  until_saved 2
  state | grep -qF "$before" || changed "a pull has moved the day of expiry"
  python3 - <<'SOURCE'
import datetime, json

with open("storage/scheduler-state.json") as file:
    state = json.load(file)
for name, entry in state.items():
    days = datetime.datetime.fromisoformat(entry["ExpiryData"][:19]) - datetime.datetime.utcnow()
    print(name[:8], "ends in", round(days.total_seconds() / 86400), "days")
    if name.startswith("some/one@"):
        entry["ExpiryData"] = "2020-01-01T00:00:00Z"
with open("state", "w") as file:
    json.dump(state, file)
SOURCE
  kill "$registry"
  wait "$registry" || true
  mv state storage/scheduler-state.json
  start
  until_saved 1
}

echo "by default:"
life ""
grep -o 'Scheduler error returned from OnExpire.*operation unsupported' registry.log || changed "it does delete"
[ -e "$data" ] || changed "the data is gone"
echo "the data is still there"
kill "$registry"

echo "with storage.delete.enabled:"
life ", delete: {enabled: true}"
[ ! -e "$data" ] || changed "the data is still there"
[ -e "storage/docker/registry/v2/repositories/some/two/_layers/sha256/${digest:7}/link" ] || changed "the link is gone, too"
kill "$remote_pid"
wait "$remote_pid" 2> /dev/null || true
status=$(get some/two)
echo "the data is gone, the link of some/two is there, and without the remote its blob is a $status"
[ "$status" != 200 ] || changed "it has the blob"
