"""Where the packages are that these tests look at: what scripts/package has made in the folder that CULVERT_PACKAGES names."""

import os
import pathlib
import re
import ssl
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "e2e"))

PACKAGES = pathlib.Path(os.environ.get("CULVERT_PACKAGES", "")).resolve()
VERSION = re.search(r"^project\(culvert VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text(encoding="utf-8"), re.MULTILINE)[1]
DEB = PACKAGES / f"culvert_{VERSION}_amd64.deb"
STATIC = PACKAGES / f"culvert-{VERSION}-linux-amd64.tar.gz"
# With OpenSSL 3.5 of Debian 13 the static program has 7.7 MiB; what is released is built on Debian 12.
MOST = (6 if ssl.OPENSSL_VERSION_INFO < (3, 5) else 8) << 20
IMAGE = PACKAGES / f"culvert-{VERSION}-image-amd64.tar"
