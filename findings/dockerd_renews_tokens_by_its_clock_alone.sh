#!/usr/bin/env bash
# dockerd takes a new token when its own clock says so, and at no other time: not when the registry refuses the one it has.
#
#   version     docker.io 20.10.24+dfsg1-1+deb12u1+b6 (Debian 12, amd64)
#   behaviour   A token's answer tells when it was issued (issued_at, by the registry's clock) and for how long it is good
#               (expires_in). dockerd adds both, and compares the sum with its own clock before each request. To a 401 with
#               error="invalid_token" it asks for no other token: the pull ends.
#   expected    a new token after a 401 that says so, once at least
#   seen        clocks that agree: one token for a pull. A registry whose clock is 10 minutes behind: a new token for every
#               request, nothing fails. A registry that takes a token no longer, as after a restart with another key, before its
#               time: one token, "unauthorized: authentication required"; a second pull works.
#   follows     a machine whose clock is slow holds an ended token for a good one, and long pulls fail with a text about
#               passwords; one whose clock is fast asks for tokens all the time, and meets their limits. Short pulls show
#               neither.
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

# A registry with tokens. Its name says which.
cat > registry.py <<'SOURCE'
import gzip, hashlib, http.server, io, json, os, sys, tarfile, time

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
good = set()
given = []


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", **fields):
        self.send_response(status)
        for field, value in fields.items():
            self.send_header(field.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if self.path.startswith("/token"):
            token = os.urandom(8).hex()
            good.add(token)
            given.append(token)
            with open(name + ".log", "w") as log:
                print(len(given), file=log)
            clock = time.time() - (600 if name == "behind" else 0)
            issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(clock))
            self.answer(200, json.dumps({"token": token, "issued_at": issued, "expires_in": 300}).encode(), Content_Type="application/json")
            return
        token = self.headers.get("Authorization", "")[len("Bearer "):]
        if self.path == "/v2/" or token not in good:
            challenge = 'Bearer realm="http://%s/token",service="some"' % self.headers["Host"]
            if self.path != "/v2/":
                challenge += ',scope="repository:some/image:pull"' + (',error="invalid_token"' if token else "")
            error = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
            self.answer(401, json.dumps(error).encode(), Content_Type="application/json", WWW_Authenticate=challenge)
            return
        thing = things[self.path.rpartition("/")[2]]
        kind = docker + "distribution.manifest.v2+json" if thing is manifest else "application/octet-stream"
        if thing is manifest and self.command == "GET" and name == "refuses" and len(given) == 1:
            good.clear()
        self.answer(200, thing, Content_Type=kind, Docker_Content_Digest=digest(thing))

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
for name in agrees behind refuses; do python3 registry.py $name & done
export LD_LIBRARY_PATH=$PWD/root/usr/lib/x86_64-linux-gnu:$PWD/root/lib/x86_64-linux-gnu PATH=$PWD/root/usr/bin:$PWD/root/usr/sbin:$PATH
echo '{}' > daemon.json
docker=(docker --config "$PWD" -H "unix://$PWD/socket")
dockerd --config-file "$PWD/daemon.json" --data-root "$PWD/data" --exec-root "$PWD/exec" --pidfile "$PWD/pid" -H "unix://$PWD/socket" \
  --storage-driver vfs --bridge none --iptables=false --ip-forward=false > dockerd.log 2>&1 &
for _ in {1..100}; do [ -e agrees ] && [ -e behind ] && [ -e refuses ] && "${docker[@]}" version > /dev/null 2>&1 && break; sleep 0.2; done
# pull NAME: what docker says, and the tokens that were given until then.
pull() {
  local said
  said=$(timeout 60 "${docker[@]}" pull -q "127.0.0.1:$(cat "$1")/some/$1:1" 2>&1 | tail -n 1 | sed 's/127.0.0.1:[0-9]*/HOST/; s/.*unauthorized: /unauthorized: /') || true
  echo "$1: tokens $(cat "$1.log"); $said"
}
pull agrees
pull behind
pull refuses
pull refuses
SOURCE
unshare --mount --net --pid --fork --kill-child --mount-proc bash inside.sh > seen || { tail -n 5 dockerd.log >&2; exit 2; }
cat seen
diff seen - <<'EXPECTED' >&2 || { echo "changed: see above" >&2; exit 1; }
agrees: tokens 1; HOST/some/agrees:1
behind: tokens 4; HOST/some/behind:1
refuses: tokens 1; unauthorized: authentication required
refuses: tokens 2; HOST/some/refuses:1
EXPECTED
