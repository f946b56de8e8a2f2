#!/usr/bin/env bash
# containerd resumes a layer with the token of the pull's beginning. When that has ended, it gives up, and says
# "unexpected EOF".
#
#   version     containerd 1.6.20~ds1-1+deb12u3 (Debian 12, amd64)
#   behaviour   A registry's token lives for some minutes (expires_in, 60 s without). containerd takes one in the beginning of
#               a pull and keeps it, whatever its age. If the connection of a layer is lost later, it asks for the rest with
#               it; to the 401 it answers with the same token, and then shows the error of the lost connection, not the 401.
#   expected    a new token, as the 401 says invalid_token, and as the token's answer told its time
#   seen        a token of 60 s, a layer that ends in the middle after 62 s: two requests with Range get 401, no token is asked
#               for, ctr says "failed to read expected number of bytes: unexpected EOF". Where it ends after 2 s: one request
#               with Range, 206, and the pull succeeds.
#   follows     on a slow line the first break after the token's life is the end of the pull, though resuming works before, and
#               the text leads to the line alone. Only the registry's log has the 401. Changed since: containerd#9274.
#
# Needs root, python3, and the network for some 25 MB of packages, which are unpacked into a folder of its own; takes a minute
# and a quarter. Exits 0 as long as it is so.
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

# A registry with tokens, whose layer ends in the middle when it is asked for the first time. It is told the seconds until then.
cat > registry.py <<'SOURCE'
import gzip, hashlib, http.server, json, os, sys, time

name, seconds = sys.argv[1], int(sys.argv[2])
LIFE = 60


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
ends = {}
cut = []


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", length=None, **fields):
        self.send_response(status)
        for field, value in fields.items():
            self.send_header(field.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if self.path.startswith("/token"):
            token = os.urandom(8).hex()
            ends[token] = time.monotonic() + LIFE
            self.answer(200, json.dumps({"token": token, "expires_in": LIFE}).encode(), Content_Type="application/json")
            return
        token = self.headers.get("Authorization", "")[len("Bearer "):]
        if ends.get(token, 0) < time.monotonic():
            if "Range" in self.headers:
                self.log("a request with Range and %s token: 401" % ("an ended" if token else "no"))
            challenge = 'Bearer realm="http://%s/token",service="some"' % self.headers["Host"]
            challenge += ',scope="repository:some/image:pull"' + (',error="invalid_token"' if token else "")
            self.answer(401, WWW_Authenticate=challenge)
            return
        thing = things[self.path.rpartition("/")[2]]
        kind = oci + "manifest.v1+json" if thing is manifest else "application/octet-stream"
        if thing is layer and self.command == "GET" and not cut:
            cut.append(True)
            self.answer(200, length=len(layer), Content_Type=kind)
            half = layer[: len(layer) // 2]
            for turn in range(seconds):
                self.wfile.write(half[turn * len(half) // seconds : (turn + 1) * len(half) // seconds])
                time.sleep(1)
            self.close_connection = True
        elif "Range" in self.headers and thing is layer:
            first = int(self.headers["Range"][len("bytes="):].split("-")[0])
            self.log("a request with Range: 206")
            self.answer(206, layer[first:], Content_Type=kind, Content_Range="bytes %d-%d/%d" % (first, len(layer) - 1, len(layer)))
        else:
            self.answer(200, thing, Content_Type=kind, Docker_Content_Digest=digest(thing))

    def log(self, what):
        with open(name + ".log", "a") as log:
            print(what, file=log)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
with open(name + ".tmp", "w") as ready:
    print(server.server_port, file=ready)
os.rename(name + ".tmp", name)
server.serve_forever()
SOURCE

printf "version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n" > config.toml
root/usr/bin/containerd --config config.toml --address "$folder/socket" --root "$folder/data" --state "$folder/state" > containerd.log 2>&1 &
pids+=($!)
for name in soon late; do
  seconds=2
  [ "$name" = soon ] || seconds=62
  python3 registry.py "$name" "$seconds" &
  pids+=($!)
done
for _ in {1..200}; do [ -S socket ] && [ -e soon ] && [ -e late ] && break; sleep 0.1; done

status=0
# pull NAME REQUESTS SAID: what the registry saw of the resuming, and what ctr said, if it failed.
pull() {
  local said="" seen
  timeout 110 root/usr/bin/ctr --address "$folder/socket" content fetch --plain-http "127.0.0.1:$(cat "$1")/some/image:1" > "$1.out" 2>&1 ||
    said=$(sed -n 's/^ctr: //p' "$1.out")
  seen=$(sort "$1.log" | uniq -c | sed 's/^ *//')
  echo "$1: $seen; ctr: ${said:-the image is here}"
  [ "$seen" = "$2" ] && [ "$said" = "$3" ] || { echo "changed: expected $2; ctr: $3" >&2; status=1; }
}
pull soon "1 a request with Range: 206" ""
pull late "2 a request with Range and an ended token: 401" "failed to read expected number of bytes: unexpected EOF"
exit $status
