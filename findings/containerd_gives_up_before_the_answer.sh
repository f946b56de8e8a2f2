#!/usr/bin/env bash
# containerd goes on with a layer whose connection is lost in the middle, and gives up at one that is lost a moment earlier.
#
#   version     containerd 1.6.20~ds1-1+deb12u3 (Debian 12, amd64)
#   behaviour   A layer is read by a reader that asks for the rest when the connection ends early. It is used once there is an
#               answer: what is asked for and has none yet is asked for once.
#   expected    the same for both, as nothing is lost yet where nothing has come
#   seen        a connection that the registry closes in the middle of a layer, or behind the head of its answer: a second
#               request, and the image is here. One that it closes when it has read the request: one request, and ctr says
#               "failed to do request: ...: EOF". The config, which is fetched beside the layers, is no better off.
#   follows     on a line that comes and goes a pull of many small layers is lost more often than one of few large ones. A
#               connection that served before hides it, as Go asks again there by itself.
#
# Needs root, python3, and the network for some 25 MB of packages, which are unpacked into a folder of its own; takes some ten
# seconds. Exits 0 as long as it is so.
set -euo pipefail

version=1.6.20~ds1-1+deb12u3
folder=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; rm -rf "$folder"' EXIT
cd "$folder"

apt-get -q -o APT::Sandbox::User=root download "containerd=$version" > apt.log 2>&1 ||
  { cat apt.log >&2; echo "cannot fetch the package" >&2; exit 2; }
dpkg-deb -x containerd_*.deb root
unset http_proxy HTTP_PROXY

# A registry that ends the connection of the first request for its layer: before its answer, behind its head, or in the middle.
# Each request has a connection of its own.
cat > registry.py <<'SOURCE'
import gzip, hashlib, http.server, json, os, sys

where = sys.argv[1]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


layer = gzip.compress(os.urandom(1 << 20))
config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(layer))]}}).encode()
oci = "application/vnd.oci.image."
manifest = json.dumps({
    "schemaVersion": 2,
    "config": {"mediaType": oci + "config.v1+json", "digest": digest(config), "size": len(config)},
    "layers": [{"mediaType": oci + "layer.v1.tar+gzip", "digest": digest(layer), "size": len(layer)}],
}).encode()
things = {digest(thing): thing for thing in (layer, config, manifest)}
things["1"] = manifest
asked = []


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.close_connection = True
        thing = things[self.path.rpartition("/")[2]]
        first = int(self.headers.get("Range", "bytes=0-")[len("bytes="):].split("-")[0])
        cut = thing is layer and not asked
        if thing is layer:
            asked.append(first)
            with open(where + ".log", "a") as log:
                print("the layer from %s" % ("the middle" if first else "its beginning"), file=log)
        if cut and where == "before":
            return
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Type", oci + "manifest.v1+json" if thing is manifest else "application/octet-stream")
        self.send_header("Docker-Content-Digest", digest(thing))
        self.send_header("Connection", "close")
        if "Range" in self.headers:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (first, len(thing) - 1, len(thing)))
        self.send_header("Content-Length", str(len(thing) - first))
        self.end_headers()
        if self.command == "HEAD" or cut and where == "head":
            return
        self.wfile.write(thing[first : len(thing) // 2 if cut else None])

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
with open(where + ".tmp", "w") as ready:
    print(server.server_port, file=ready)
os.rename(where + ".tmp", where)
server.serve_forever()
SOURCE

printf "version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n" > config.toml
for where in before head middle; do
  # Each with a store of its own, or the second would find the layer there.
  root/usr/bin/containerd --config config.toml --address "$folder/$where.socket" --root "$folder/$where.data" --state "$folder/$where.state" \
    > "$where.containerd.log" 2>&1 &
  pids+=($!)
  python3 registry.py "$where" &
  pids+=($!)
done
for _ in {1..200}; do [ -S middle.socket ] && [ -S head.socket ] && [ -S before.socket ] && [ -e middle ] && [ -e head ] && [ -e before ] && break; sleep 0.1; done

status=0
# pull WHERE REQUESTS SAID: what the registry was asked for, and how what ctr said ended, if it failed.
pull() {
  local said="" seen
  timeout 60 root/usr/bin/ctr --address "$folder/$1.socket" content fetch --plain-http "127.0.0.1:$(cat "$1")/some/image:1" > "$1.out" 2>&1 ||
    said=$(sed -n 's/^ctr: .*failed to do request: .*: /failed to do request: /p' "$1.out" | grep . || echo "failed otherwise")
  seen=$(paste -sd, "$1.log")
  echo "$1: $seen; ctr: ${said:-the image is here}"
  [ "$seen" = "$2" ] && [ "$said" = "$3" ] || { echo "changed: expected $2; ctr: $3" >&2; status=1; }
}
pull middle "the layer from its beginning,the layer from the middle" ""
pull head "the layer from its beginning,the layer from its beginning" ""
pull before "the layer from its beginning" "failed to do request: EOF"
exit $status
