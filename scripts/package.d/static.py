"""Makes culvert-VERSION-linux-ARCHITECTURE.tar.gz of a folder whose usr/local is filled; to be unpacked into /usr/local, or
anywhere.

    static.py FOLDER ARCHIVE.tar.gz
"""

import argparse
import gzip
import pathlib
import tarfile

from common import EPOCH, SOURCE, files_below, write
from libraries import libraries, licences


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("archive", type=pathlib.Path)
    parser.add_argument("--sysroot")
    given = parser.parse_args()
    root = given.folder / "usr/local"
    documents = root / "share/doc/culvert"
    write(documents / "LICENSE", (SOURCE / "LICENSE").read_bytes())
    write(documents / "LICENSES-OF-LIBRARIES", licences(libraries(True, given.sysroot)))
    write(documents / "culvert.toml", (given.folder / "etc/culvert/culvert.toml").read_bytes())
    top = given.archive.name.removesuffix(".tar.gz")
    new = given.archive.with_name(given.archive.name + ".new")
    with gzip.GzipFile(new, "wb", mtime=0) as compressed, tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in files_below(root):
            entry = tarfile.TarInfo(f"{top}/{path.relative_to(root)}")
            entry.size, entry.mtime = path.stat().st_size, EPOCH
            entry.mode = 0o755 if path.stat().st_mode & 1 else 0o644
            with open(path, "rb") as content:
                tar.addfile(entry, content)
    new.rename(given.archive)


if __name__ == "__main__":
    main()
