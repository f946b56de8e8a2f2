"""What the makers of packages share."""

import gzip
import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
# The time of everything that is made.
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))


def write(path, data, mode=0o644):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    path.chmod(mode)


def files_below(folder):
    return sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file() and not path.is_symlink())


def compressed(data):
    return gzip.compress(data, compresslevel=9, mtime=0)
