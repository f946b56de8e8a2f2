"""Container images made of random bytes, and how they get into a registry."""

import gzip
import hashlib
import io
import json
import os
import random
import shutil
import tarfile

import isolate
from testbed import GCR


def make_image(size, seed, layers=1):
    """Writes an image whose layers hold one file of that many random bytes each. Returns its folder."""
    path = os.path.join(isolate.STATE, f"image-{seed}")
    os.makedirs(path)
    tars = [layer_tar(size, f"{seed} {number}") for number in range(layers)]
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2020-01-01T00:00:00Z",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]},
            "history": [{"created": "2020-01-01T00:00:00Z"}] * layers,
        }
    ).encode()
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **store(path, config)},
        # Random bytes do not get smaller, so trying to compress them would only take time.
        "layers": [
            {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", **store(path, gzip.compress(tar, compresslevel=0, mtime=0))}
            for tar in tars
        ],
    }
    with open(os.path.join(path, "manifest.json"), "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=3)
    with open(os.path.join(path, "version"), "w", encoding="utf-8") as file:
        file.write("Directory Transport Version: 1.1\n")
    return path


def layer_tar(size, seed):
    source = random.Random(seed)
    data = b"".join(source.randbytes(min(1 << 20, size - at)) for at in range(0, size, 1 << 20))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("payload")
        entry.size = size
        tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def store(path, blob):
    digest = hashlib.sha256(blob).hexdigest()
    with open(os.path.join(path, digest), "wb") as file:
        file.write(blob)
    return {"size": len(blob), "digest": f"sha256:{digest}"}


def push(testbed, image, name):
    """Copies the image into the registry outside, from there. Returns the digest of its manifest."""
    digest = f"{image}.digest"
    # There is no DNS server outside, so the registry is named by its address.
    reference = name.replace("gcr.io/", f"{GCR}:443/")
    testbed.outside.run(
        "/usr/bin/skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", "--digestfile", digest,
        f"dir:{image}", f"docker://{reference}",
    )
    with open(digest, encoding="ascii") as file:
        pushed = file.read().strip()
    with open(os.path.join(image, "manifest.json"), "rb") as file:
        made = "sha256:" + hashlib.sha256(file.read()).hexdigest()
    if pushed != made:
        raise AssertionError(f"skopeo pushed {pushed} where {made} was made")
    shutil.rmtree(image)
    return pushed
