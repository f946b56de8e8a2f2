"""Writes PACKAGE.spdx.json: what is in a package, in the form of SPDX 2.3.

    sbom.py PACKAGE --version VERSION --architecture ARCHITECTURE --linkage static|dynamic [--sysroot FOLDER] [--with PACKAGE...]
"""

import argparse
import hashlib
import json
import pathlib
import time
import urllib.parse
import uuid

from common import EPOCH
from libraries import find, libraries


def spdx_id(name):
    return "SPDXRef-" + "".join(c if c.isalnum() or c in ".-" else "-" for c in name)


def described(name, version, licence, supplier, **more):
    return {"name": name, "SPDXID": spdx_id(name), "versionInfo": version, "supplier": supplier, "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseConcluded": licence, "licenseDeclared": licence, "copyrightText": "NOASSERTION", **more}


def from_debian(library, architecture):
    package, version = (urllib.parse.quote(text, safe="") for text in (library.package, library.version))
    place = f"pkg:deb/debian/{package}@{version}?arch={architecture}"
    return described(
        library.package, library.version, library.licence, "Organization: Debian", sourceInfo=f"built from the source package {library.source}",
        externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": place}],
    )


def document(package, given):
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    linked = libraries(given.linkage == "static", given.sysroot)
    beside = [find(name, licence, []) for name, _, licence in (text.partition("=") for text in given.beside)]
    whole = described(package.name, given.version, "MIT", "Organization: the culvert authors", packageFileName=package.name,
                      checksums=[{"algorithm": "SHA256", "checksumValue": digest}])
    program = described("culvert", given.version, "MIT", "Organization: the culvert authors", primaryPackagePurpose="APPLICATION")

    def relation(one, kind, other):
        return {"spdxElementId": one["SPDXID"], "relationshipType": kind, "relatedSpdxElement": other["SPDXID"]}

    parts = [from_debian(library, given.architecture) for library in linked]
    others = [from_debian(library, "all") for library in beside]
    root = {"SPDXID": "SPDXRef-DOCUMENT"}
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        **root,
        "name": package.name,
        "documentNamespace": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{package.name} {digest}')}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH)), "creators": ["Tool: culvert-scripts-package"]},
        "packages": [whole, program, *parts, *others],
        "relationships": [
            relation(root, "DESCRIBES", whole),
            relation(whole, "CONTAINS", program),
            *(relation(whole, "CONTAINS", other) for other in others),
            *(relation(program, "STATIC_LINK", part) for part in parts),
        ],
    }


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("package", type=pathlib.Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--linkage", choices=["static", "dynamic"], required=True)
    parser.add_argument("--sysroot")
    parser.add_argument("--with", action="append", default=[], dest="beside", metavar="PACKAGE=LICENCE", help="is in it, too")
    given = parser.parse_args()
    text = json.dumps(document(given.package, given), indent=1) + "\n"
    given.package.with_name(given.package.name + ".spdx.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
