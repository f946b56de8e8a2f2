"""Makes the container image of the static program: that, CA certificates, and a user who is not root.

    image.py CULVERT IMAGE.tar --version VERSION --architecture ARCHITECTURE [--sysroot FOLDER]
"""

import argparse
import pathlib
import shutil
import tempfile

from common import EPOCH, SOURCE, write
from libraries import libraries, licences
from oci_image import Image, write_image

# As in other images that are not root's; no user of a host has it.
USER = 65532
CERTIFICATES = pathlib.Path("/usr/share/ca-certificates/mozilla")
# It asks the culvert in the container, whatever the options of that are, by its socket in /tmp.
HEALTH = ["/usr/bin/culvert", "status", "--once"]


def fill(root, culvert, sysroot):
    (root / "usr/bin").mkdir(parents=True)
    shutil.copy(culvert, root / "usr/bin/culvert")
    (root / "usr/bin/culvert").chmod(0o755)
    # Those of the package alone: this machine may trust others, too.
    certificates = (path.read_text(encoding="ascii") for path in sorted(CERTIFICATES.glob("*.crt")))
    write(root / "etc/ssl/certs/ca-certificates.crt", "".join(certificates))
    write(root / "etc/passwd", f"root:x:0:0:root:/:/sbin/nologin\nculvert:x:{USER}:{USER}:culvert:/:/sbin/nologin\n")
    write(root / "etc/group", f"root:x:0:\nculvert:x:{USER}:\n")
    write(root / "etc/nsswitch.conf", "hosts: files dns\n")
    (root / "tmp").mkdir()
    write(root / "usr/share/doc/culvert/LICENSE", (SOURCE / "LICENSE").read_bytes())
    write(root / "usr/share/doc/culvert/LICENSES-OF-LIBRARIES", licences(libraries(True, sysroot)))


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("culvert", type=pathlib.Path)
    parser.add_argument("image", type=pathlib.Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--sysroot")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder, "root")
        fill(root, given.culvert, given.sysroot)
        write_image(
            Image(
                name=f"culvert/culvert:{given.version}",
                roots=[root],
                created=EPOCH,
                architecture=given.architecture,
                entrypoint=["/usr/bin/culvert"],
                env=["PATH=/usr/bin"],
                user=f"{USER}:{USER}",
                ports=["3128/tcp"],
                labels={"org.opencontainers.image.title": "culvert", "org.opencontainers.image.version": given.version,
                        "org.opencontainers.image.licenses": "MIT"},
                health=HEALTH,
                modes={"/tmp": 0o1777},
            ),
            given.image,
        )


if __name__ == "__main__":
    main()
