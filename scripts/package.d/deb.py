"""Makes a Debian package of a folder whose usr and etc are filled.

    deb.py FOLDER PACKAGE.deb --version VERSION --architecture ARCHITECTURE

FOLDER is changed: it gets what Debian's policy wants.
"""

import argparse
import datetime
import email.utils
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from common import EPOCH, HERE, SOURCE, compressed, files_below, write

def settle_files(root, version):
    """Where Debian's policy has manual pages, completions, changelogs and the licence."""
    subprocess.run(["strip", "--strip-unneeded", "-R", ".comment", "-R", ".note", root / "usr/bin/culvert"], check=True)
    for page in (root / "usr/share/man").rglob("*.[0-9]"):
        write(page.with_name(page.name + ".gz"), compressed(page.read_bytes()))
        page.unlink()
    zsh = root / "usr/share/zsh"
    (zsh / "site-functions").rename(zsh / "vendor-completions")
    documents = root / "usr/share/doc/culvert"
    changelog = documents / "CHANGELOG.md"
    write(documents / "changelog.gz", compressed(changelog.read_bytes()))
    changelog.unlink()
    maintainer = re.search(r"^Maintainer: (.*)$", (HERE / "debian/control").read_text(encoding="utf-8"), re.MULTILINE)[1]
    time = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc)
    entry = f"culvert ({version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- {maintainer}  {email.utils.format_datetime(time)}\n"
    write(documents / "changelog.Debian.gz", compressed(entry.encode()))
    licence = "\n".join(" " + (line or ".") for line in (SOURCE / "LICENSE").read_text(encoding="utf-8").strip().splitlines()[4:])
    text = (HERE / "debian/copyright").read_text(encoding="utf-8")
    write(documents / "copyright", text.replace("@license@", licence).replace("@year@", str(time.year)))
    write(root / "usr/share/lintian/overrides/culvert", (HERE / "debian/lintian-overrides").read_bytes())


def libraries(program):
    """The packages that the program needs, with versions, as dpkg-shlibdeps finds them."""
    with tempfile.TemporaryDirectory() as folder:
        write(pathlib.Path(folder, "debian/control"), "Source: culvert\n\nPackage: culvert\nArchitecture: any\n")
        done = subprocess.run(["dpkg-shlibdeps", "-O", f"-e{program}"], cwd=folder, check=True, capture_output=True, text=True)
    return re.search(r"^shlibs:Depends=(.*)$", done.stdout, re.MULTILINE)[1]


def write_control(root, version, architecture):
    paths = files_below(root)
    size = sum((path.stat().st_size + 1023) // 1024 for path in paths) + sum(path.is_dir() for path in root.rglob("*"))
    control = root / "DEBIAN"
    values = {"version": version, "architecture": architecture, "size": str(size), "depends": libraries(root / "usr/bin/culvert")}
    text = (HERE / "debian/control").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    write(control / "control", text)
    write(control / "conffiles", "".join(f"/{path.relative_to(root)}\n" for path in paths if path.relative_to(root).parts[0] == "etc"))
    sums = (f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in paths
            if path.relative_to(root).parts[0] != "etc")
    write(control / "md5sums", "".join(sums))
    for script in ("postinst", "prerm", "postrm"):
        write(control / script, (HERE / "debian" / script).read_bytes(), 0o755)


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("folder", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("package")
    parser.add_argument("--version", required=True)
    parser.add_argument("--architecture", required=True)
    given = parser.parse_args()
    settle_files(given.folder, given.version)
    write_control(given.folder, given.version, given.architecture)
    for path in [given.folder, *given.folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
    # One thread, as what several compress depends on how many they are.
    new = given.package + ".new"
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", "-Zxz", "--threads-max=1", given.folder, new], check=True, stdout=subprocess.DEVNULL
    )
    shutil.move(new, given.package)


if __name__ == "__main__":
    main()
