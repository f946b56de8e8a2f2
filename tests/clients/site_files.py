"""What clients fetch from the target: a text, and small packages of several kinds, made here."""

import base64
import hashlib
import io
import json
import struct
import tarfile
import wave
import zipfile

MARK = "the-far-end"  # by which a client's output shows that it has come


def tone():
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(struct.pack("<h", 1000) * 800)
    return file.getvalue()


def npm_package():
    """The archive of a package, as the npm registry has it."""
    file = io.BytesIO()
    manifest = json.dumps({"name": "hello-pkg", "version": "1.0.0", "description": MARK}).encode()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/package.json")
        member.size = len(manifest)
        archive.addfile(member, io.BytesIO(manifest))
    return file.getvalue()


PACKAGE = npm_package()


def wheel():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = "hello_pkg-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: hello-pkg\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return file.getvalue()


POM = (
    "<project><modelVersion>4.0.0</modelVersion>"
    "<groupId>a</groupId><artifactId>b</artifactId><version>1</version><packaging>pom</packaging></project>"
)
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "note": MARK}).encode()
# {path: (type, body)}; what is not here is made by a program, or is not there.
FILES = {
    "/hello": ("text/plain", MARK.encode()),
    "/hello.mp4": ("video/mp4", bytes(64)),
    "/tone.wav": ("audio/wav", tone()),
    "/apt/./Packages": ("text/plain", b""),
    "/maven/a/b/1/b-1.pom": ("text/xml", POM.encode()),
    "/npm/hello-pkg/-/hello-pkg-1.0.0.tgz": ("application/octet-stream", PACKAGE),
    "/pypi/hello-pkg/": ("text/html", b'<a href="/hello_pkg-1.0-py3-none-any.whl">hello_pkg-1.0-py3-none-any.whl</a>'),
    "/hello_pkg-1.0-py3-none-any.whl": ("application/octet-stream", wheel()),
    "/api/v3/meta": ("application/json", json.dumps({"note": MARK}).encode()),
    "/repo.git/info/lfs/locks": ("application/vnd.git-lfs+json", b'{"locks": []}'),
    "/v2/": ("application/json", b"{}"),
    "/v2/image/manifests/latest": (MANIFEST_TYPE, MANIFEST),
}


def npm_document(base):
    """What the npm registry says of the package."""
    packed = {
        "tarball": f"{base}/npm/hello-pkg/-/hello-pkg-1.0.0.tgz",
        "shasum": hashlib.sha1(PACKAGE).hexdigest(),
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(PACKAGE).digest()).decode(),
    }
    version = {"name": "hello-pkg", "version": "1.0.0", "description": MARK, "dist": packed}
    document = {
        "name": "hello-pkg", "description": MARK, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version},
        "time": {"1.0.0": "2020-01-01T00:00:00.000Z"},
    }
    return json.dumps(document).encode()
