#!/usr/bin/env bash
# dockerd resumes a layer, gets all of it instead of the rest, and throws it away. Behind a cache that does not resume, half of
# its attempts are such.
#
#   version     docker.io 20.10.24+dfsg1-1+deb12u1+b6 (Debian 12, amd64)
#   behaviour   After a connection was lost in a layer, dockerd asks for the rest by Range. A server may ignore that, and answer
#               200 with the whole (RFC 9110, section 14.2), as docker-registry does for a blob that it does not keep yet.
#               dockerd drops that answer ("expected HTTP 206 from byte range request" in its log), counts it as one of the 5
#               times that it tries again, waits, and asks without Range.
#   expected    the answer is used, or its first part is skipped, as containerd does
#   seen        a registry that cuts the first answer and knows Range: 2 requests, the image is there after some 5 s. One that
#               cuts the first answer and does not: 3 requests, of which the second is answered in full, the image is there
#               after some 15 s.
#   follows     behind such a cache a line may break half as often as the setting says, and each break costs a download that
#               nobody sees. With --max-download-attempts 1 the first break is the end of the pull, with that text.
#
# Needs root, unshare, mount, python3, and the network for some 60 MB of packages, which are unpacked into a folder of its own.
# dockerd runs in namespaces of its own. Exits 0 as long as it is so.
set -euo pipefail

version=20.10.24+dfsg1-1+deb12u1+b6
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get -q -o APT::Sandbox::User=root download "docker.io=$version" containerd runc libdevmapper1.02.1 libsystemd0 libgcrypt20 liblz4-1 \
  libcap2 libselinux1 libudev1 libseccomp2 > apt.log 2>&1 || { cat apt.log >&2; echo "cannot fetch the packages" >&2; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root; done

# A registry that cuts the first answer with the layer. Its argument says whether it knows Range.
cat > registry.py <<'SOURCE'
import gzip, hashlib, http.server, io, json, os, sys, tarfile

name = sys.argv[1]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


files = io.BytesIO()
with tarfile.open(fileobj=files, mode="w") as tar:
    member = tarfile.TarInfo("some-file")
    member.size = 1 << 20
    tar.addfile(member, io.BytesIO(os.urandom(member.size)))
layer = gzip.compress(files.getvalue())
config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(files.getvalue())]}}).encode()
docker = "application/vnd.docker."
manifest = json.dumps({
    "schemaVersion": 2,
    "mediaType": docker + "distribution.manifest.v2+json",
    "config": {"mediaType": docker + "container.image.v1+json", "digest": digest(config), "size": len(config)},
    "layers": [{"mediaType": docker + "image.rootfs.diff.tar.gzip", "digest": digest(layer), "size": len(layer)}],
}).encode()
things = {digest(thing): thing for thing in (layer, config, manifest)}
things["1"] = manifest
requests = []


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
        if self.path == "/v2/":
            self.answer(200, Docker_Distribution_Api_Version="registry/2.0")
            return
        thing = things[self.path.rpartition("/")[2]]
        kind = docker + "distribution.manifest.v2+json" if thing is manifest else "application/octet-stream"
        if thing is not layer:
            self.answer(200, thing, Content_Type=kind, Docker_Content_Digest=digest(thing))
            return
        asked = "Range" if "Range" in self.headers else "whole"
        if not requests:
            self.note("whole:cut")
            self.answer(200, layer[: len(layer) // 2], len(layer), Content_Type=kind)
            self.close_connection = True
        elif asked == "Range" and name == "ranges":
            self.note("Range:206")
            first = int(self.headers["Range"][len("bytes="):].split("-")[0])
            self.answer(206, layer[first:], Content_Type=kind, Content_Range="bytes %d-%d/%d" % (first, len(layer) - 1, len(layer)))
        else:
            self.note(asked + ":200")
            self.answer(200, layer, Content_Type=kind)

    def note(self, what):
        requests.append(what)
        with open(name + ".log", "w") as log:
            print(*requests, file=log)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
with open(name + ".tmp", "w") as ready:
    print(server.server_port, file=ready)
os.rename(name + ".tmp", name)
server.serve_forever()
SOURCE

cat > inside.sh <<'SOURCE'
set -euo pipefail
# dockerd writes into /run and /etc/docker.
mount -t tmpfs tmpfs /run
mkdir /run/upper /run/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work overlay /etc
[ -n "$(ls -A /sys/fs/cgroup 2> /dev/null)" ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
python3 - <<'UP'
import fcntl, socket, struct

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
    fcntl.ioctl(device, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
UP
unset http_proxy HTTP_PROXY
for name in ranges whole; do python3 registry.py $name & done
export LD_LIBRARY_PATH=$PWD/root/usr/lib/x86_64-linux-gnu:$PWD/root/lib/x86_64-linux-gnu PATH=$PWD/root/usr/bin:$PWD/root/usr/sbin:$PATH
echo '{}' > daemon.json
docker=(docker --config "$PWD" -H "unix://$PWD/socket")
dockerd --config-file "$PWD/daemon.json" --data-root "$PWD/data" --exec-root "$PWD/exec" --pidfile "$PWD/pid" -H "unix://$PWD/socket" \
  --storage-driver vfs --bridge none --iptables=false --ip-forward=false > dockerd.log 2>&1 &
for _ in {1..100}; do [ -e ranges ] && [ -e whole ] && "${docker[@]}" version > /dev/null 2>&1 && break; sleep 0.2; done
# pull NAME
pull() {
  local begin=$SECONDS
  timeout 100 "${docker[@]}" pull -q "127.0.0.1:$(cat "$1")/some/$1:1" > "$1.out" 2>&1 || { cat "$1.out"; false; }
  echo "$((SECONDS - begin))" > "$1.seconds"
}
pull ranges
pull whole
SOURCE
unshare --mount --net --pid --fork --kill-child --mount-proc bash inside.sh ||
  { tail -n 5 dockerd.log >&2; echo "changed: a pull has failed" >&2; exit 1; }

status=0
# expect NAME REQUESTS
expect() {
  local seen
  seen=$(cat "$1.log")
  echo "$1: $seen, after $(cat "$1.seconds") s"
  [ "$seen" = "$2" ] || { echo "changed: expected $2" >&2; status=1; }
}
expect ranges "whole:cut Range:206"
expect whole "whole:cut Range:200 whole:200"
grep -o 'Download failed, retrying.*206[^"]*' dockerd.log || { echo "changed: no complaint" >&2; status=1; }
exit $status
