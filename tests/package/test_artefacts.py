"""What scripts/package makes: what is in it, how large it is, and that a second run makes the same bytes."""

import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

from artefacts import DEB, IMAGE, MOST, PACKAGES, SOURCE, STATIC, VERSION

MIB = 1 << 20
BINARIES = pathlib.Path(os.environ["CULVERT"]).parent
SCRIPT = SOURCE / "scripts/package"


def run(*argv, **options):
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True, **options).stdout


def copy_for_oneself(source, target):
    """As a clone has it where new files are nobody else's."""
    shutil.copyfile(source, target)
    os.chmod(target, os.stat(source).st_mode & 0o700)
    return target


def packages(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in pathlib.Path(folder).iterdir()}


class Artefacts(unittest.TestCase):
    def test_sums(self):
        self.assertIn(f"{STATIC.name}: OK", run("sha256sum", "--check", "SHA256SUMS", cwd=PACKAGES))
        listed = {line.split()[1] for line in (PACKAGES / "SHA256SUMS").read_text(encoding="ascii").splitlines()}
        self.assertEqual(listed | {"SHA256SUMS"}, {path.name for path in PACKAGES.iterdir()})
        self.assertEqual(len(listed), 6)

    def test_another_run_elsewhere_makes_the_same(self):
        """In another copy of the sources, at another place and time, as somebody with other rights for new files."""
        with tempfile.TemporaryDirectory(prefix="elsewhere-") as folder:
            copy = pathlib.Path(folder, "a copy")

            def unused(at, names):
                return {"build", ".git", "tests"} & set(names) if pathlib.Path(at) == SOURCE else ()

            shutil.copytree(SOURCE, copy, ignore=unused, copy_function=copy_for_oneself)
            script = copy / "scripts/package"
            (copy / "build").mkdir()
            if (SOURCE / "build/deps").exists():
                (copy / "build/deps").symlink_to(SOURCE / "build/deps")
            epoch = run("git", "-c", "safe.directory=*", "-C", SOURCE, "log", "-1", "--format=%ct").strip()
            environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch, "CULVERT_UPSTREAM": "http://elsewhere:1", "LANG": "C"}
            run("bash", "-c", 'umask 077 && exec bash "$@"', "bash", script, "--binaries", BINARIES, "--to", copy / "made", env=environment)
            self.assertEqual(packages(copy / "made"), packages(PACKAGES))

    def test_no_path_of_the_build_is_in_a_program(self):
        for program in (BINARIES / "culvert", BINARIES / "culvert-static"):
            data = program.read_bytes()
            for path in (SOURCE, BINARIES):
                self.assertNotIn(str(path).encode(), data, program)

    def test_sizes(self):
        with tarfile.open(STATIC) as archive:
            program = next(entry for entry in archive if entry.name.endswith("/bin/culvert"))
        self.assertLess(program.size, MOST)
        self.assertLess(IMAGE.stat().st_size, 12 * MIB)

    def test_deb(self):
        names = {line.split()[-1].lstrip(".") for line in run("dpkg-deb", "--contents", DEB).splitlines()}
        for name in ("/usr/bin/culvert", "/usr/share/man/man1/culvert.1.gz", "/usr/share/man/man5/culvert.toml.5.gz",
                     "/usr/share/man/man7/culvert-errors.7.gz", "/usr/share/doc/culvert/proxy/manual/errors.md",
                     "/usr/share/bash-completion/completions/culvert", "/usr/share/zsh/vendor-completions/_culvert",
                     "/usr/share/fish/vendor_completions.d/culvert.fish", "/usr/share/doc/culvert/copyright",
                     "/usr/share/doc/culvert/changelog.Debian.gz", "/usr/share/doc/culvert/examples/ssh-tunnel/ssh-tunnel.service"):
            self.assertIn(name, names)
        self.assertEqual(sum(name.endswith(("/culvert.service", "/culvert.socket")) and "examples" not in name for name in names), 2)
        self.assertEqual(run("dpkg-deb", "--field", DEB, "Version").strip(), VERSION)
        depends = run("dpkg-deb", "--field", DEB, "Depends")
        for library in ("libc6", "libcares2|libc-ares2", "libssl3", "libuv1", "libcrypt1"):
            self.assertRegex(depends, library)
        with tempfile.TemporaryDirectory() as folder:
            run("dpkg-deb", "--control", DEB, folder)
            self.assertEqual(pathlib.Path(folder, "conffiles").read_text(encoding="ascii"), "/etc/culvert/culvert.toml\n")

    def test_lintian_has_nothing_to_say(self):
        done = subprocess.run(["lintian", "--fail-on", "error,warning", "--allow-root", DEB], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_configuration_has_every_option_and_sets_none(self):
        with tarfile.open(STATIC) as archive:
            name = next(name for name in archive.getnames() if name.endswith("/culvert.toml"))
            text = archive.extractfile(name).read().decode()
        printed = run("env", "-i", BINARIES / "culvert", "--print-config")
        options = set(re.findall(r"(?m)^#([a-z-]+) (?:=|is not)", printed)) - {"config"}
        self.assertGreater(len(options), 40)
        self.assertEqual(set(re.findall(r"(?m)^#([a-z-]+) = ", text)), options)
        self.assertEqual([line for line in text.splitlines() if line and not line.startswith("#")], [])

    def test_sboms(self):
        for package in (DEB, STATIC, IMAGE):
            document = json.loads((PACKAGES / f"{package.name}.spdx.json").read_text(encoding="utf-8"))
            self.assertEqual((document["spdxVersion"], document["dataLicense"]), ("SPDX-2.3", "CC0-1.0"))
            known = {entry["SPDXID"]: entry for entry in document["packages"]}
            for relation in document["relationships"]:
                self.assertIn(relation["relatedSpdxElement"], known)
            whole = known[document["relationships"][0]["relatedSpdxElement"]]
            self.assertEqual(whole["checksums"][0]["checksumValue"], hashlib.sha256(package.read_bytes()).hexdigest())
            linked = {known[one["relatedSpdxElement"]]["name"] for one in document["relationships"] if one["relationshipType"] == "STATIC_LINK"}
            self.assertEqual("libssl-dev" in linked, package != DEB)
            self.assertIn("libfmt-dev", linked)
            versions = run(BINARIES / "culvert", "--version")
            for entry in document["packages"]:
                self.assertTrue(entry["versionInfo"])
                library = {"libssl-dev": "OpenSSL", "libuv1-dev": "libuv", "libc-ares-dev": "c-ares", "libfmt-dev": "fmt"}.get(entry["name"])
                if library:
                    upstream = re.sub(r"^\d+:|[-+].*$", "", entry["versionInfo"])
                    if library == "fmt":
                        upstream = upstream.rpartition(".")[0]  # 10.1.1 calls itself 10.1.0
                    self.assertIn(f"{library} {upstream}", versions)

    def test_licences_of_libraries_go_with_what_contains_them(self):
        with tarfile.open(STATIC) as archive:
            name = next(name for name in archive.getnames() if name.endswith("/LICENSES-OF-LIBRARIES"))
            text = archive.extractfile(name).read().decode()
        for words in ("libssl-dev", "Apache", "libc6-dev", "GNU Lesser General Public", "CLI11"):
            self.assertIn(words, text)

    def test_mistakes_are_told_at_once(self):
        done = subprocess.run([SCRIPT, "--all", "--arch", "m68k", "--binaries", "/nowhere", "--to"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        for words in ("--all is no option", "m68k: only amd64 and arm64", "/nowhere: there is no culvert\n", "/nowhere: there is no culvert-static\n",
                      "--to needs a value"):
            self.assertIn(words, done.stderr)
        self.assertIn("--image", run(SCRIPT, "--help"))

    def test_the_changelog_of_the_package_is_ours(self):
        with tempfile.TemporaryDirectory() as folder:
            run("dpkg-deb", "--extract", DEB, folder)
            packed = pathlib.Path(folder, "usr/share/doc/culvert/changelog.gz").read_bytes()
            self.assertEqual(gzip.decompress(packed), (SOURCE / "CHANGELOG.md").read_bytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)
