#!/usr/bin/env bash
# The same OCI archive is another image in podman and in containerd, or none; both say that all went well.
#
#   version     skopeo 1.9.3+ds1-1+b10, podman 4.3.1+ds1-8+deb12u1+b3, containerd 1.6.20~ds1-1+deb12u3 (Debian 12, amd64)
#   behaviour   An archive's index.json names each image by the annotation org.opencontainers.image.ref.name, or not at all.
#               "skopeo copy ... oci-archive:FILE:1.2" puts there what follows FILE, a tag in its own examples. podman load
#               takes it for a repository, and adds :latest. ctr image import takes it for a tag, and makes a repository of
#               today's date. Without a name podman has an image without one, and ctr stores nothing, without a word, exit
#               status 0.
#   expected    the same name in both, or a refusal
#   seen            oci-archive:FILE           podman <none>:<none>          ctr nothing
#                   FILE:1.2                   podman localhost/1.2:latest   ctr import-(date):1.2
#                   FILE:gcr.io/some/image:1.2 both gcr.io/some/image:1.2
#   follows     whoever carries images by file has the whole name after FILE; a tag alone, or nothing, is right for skopeo only,
#               which is told the name of what it copies to. "podman save --format oci-archive" writes the whole name.
#
# Needs root, python3, and the network for some 60 MB of packages, which are unpacked into a folder of its own. Exits 0 as long
# as it is so.
set -euo pipefail

folder=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; rm -rf "$folder"' EXIT
cd "$folder"

apt-get -q -o APT::Sandbox::User=root download skopeo=1.9.3+ds1-1+b10 podman=4.3.1+ds1-8+deb12u1+b3 \
  containerd=1.6.20~ds1-1+deb12u3 conmon runc libassuan0 libdevmapper1.02.1 libgpgme11 libseccomp2 libsubid4 > apt.log 2>&1 ||
  { cat apt.log >&2; echo "cannot fetch the packages" >&2; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu
export PATH=$folder/root/usr/bin:$folder/root/usr/sbin:$PATH HOME=$folder TMPDIR=$folder

# An image of one file, as a folder.
python3 - <<'SOURCE'
import gzip, hashlib, io, json, os, tarfile

os.makedirs("image/blobs/sha256")
oci = "application/vnd.oci.image."


def put(data, kind):
    digest = hashlib.sha256(data).hexdigest()
    with open("image/blobs/sha256/" + digest, "wb") as blob:
        blob.write(data)
    return {"mediaType": oci + kind, "digest": "sha256:" + digest, "size": len(data)}


files = io.BytesIO()
with tarfile.open(fileobj=files, mode="w") as tar:
    tar.addfile(tarfile.TarInfo("some-file"))
layer = put(gzip.compress(files.getvalue()), "layer.v1.tar+gzip")
inner = "sha256:" + hashlib.sha256(files.getvalue()).hexdigest()
config = put(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [inner]}}).encode(), "config.v1+json")
manifest = put(json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode(), "manifest.v1+json")
with open("image/index.json", "w") as index:
    json.dump({"schemaVersion": 2, "manifests": [manifest]}, index)
with open("image/oci-layout", "w") as layout:
    layout.write('{"imageLayoutVersion": "1.0.0"}')
SOURCE
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > policy.json
printf "version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n" > config.toml
containerd --config config.toml --address "$folder/socket" --root "$folder/data" --state "$folder/state" > containerd.log 2>&1 &
pids+=($!)
for _ in {1..200}; do [ -S socket ] && break; sleep 0.1; done

podman=(podman --root "$folder/storage" --runroot "$folder/run" --storage-driver vfs --cgroup-manager cgroupfs --events-backend none)
ctr=(ctr --address "$folder/socket")
status=0
# expect WRITTEN PODMAN CTR: the names that both have of the archive for which skopeo was told this. The date is left out.
expect() {
  local in_podman in_ctr
  rm -f archive
  skopeo --insecure-policy copy -q oci:image "oci-archive:$folder/archive$1"
  "${podman[@]}" load -q --signature-policy policy.json -i archive > podman.log 2>&1 || { cat podman.log >&2; exit 2; }
  in_podman=$("${podman[@]}" images --format '{{.Repository}}:{{.Tag}}' 2> /dev/null)
  "${podman[@]}" rmi -fa > /dev/null 2>&1
  "${ctr[@]}" image import --no-unpack archive > ctr.log 2>&1 || { cat ctr.log >&2; echo "changed: an error" >&2; exit 1; }
  in_ctr=$("${ctr[@]}" image ls -q)
  [ -z "$in_ctr" ] || "${ctr[@]}" image rm "$in_ctr" > /dev/null
  in_ctr=$(sed 's/^import-[0-9-]*:/import-(date):/' <<< "$in_ctr")
  echo "oci-archive:FILE$1: podman ${in_podman:-nothing}, ctr ${in_ctr:-nothing}"
  [ "$in_podman" = "$2" ] && [ "$in_ctr" = "$3" ] || { echo "changed: expected podman $2, ctr ${3:-nothing}" >&2; status=1; }
}
expect "" "<none>:<none>" ""
expect ":1.2" "localhost/1.2:latest" "import-(date):1.2"
expect ":gcr.io/some/image:1.2" "gcr.io/some/image:1.2" "gcr.io/some/image:1.2"
exit $status
