"""The static program for arm64, under qemu-user. Building it takes minutes, so it is not among the tests of ctest:

    scripts/package --arch arm64
    CULVERT_PACKAGES=build/package CULVERT=build/release/culvert CULVERT_PEERS=build/peers python3 tests/package/test_arm64.py
"""

import json
import os
import signal
import subprocess
import tarfile
import unittest

from artefacts import PACKAGES, VERSION

import harness
import isolate
import wire
from culvert import launch
from testbed import Testbed

STATIC = PACKAGES / f"culvert-{VERSION}-linux-arm64.tar.gz"
IMAGE = PACKAGES / f"culvert-{VERSION}-image-arm64.tar"


def setUpModule():
    global testbed, echo_port, program
    testbed = harness.report_on(Testbed())
    echo_port = wire.serve_in_threads(testbed.home, wire.echo)
    with tarfile.open(STATIC) as archive:
        archive.extractall(f"{isolate.STATE}/static")
    program = f"{isolate.STATE}/static/{STATIC.name.removesuffix('.tar.gz')}/bin/culvert"
    os.environ["CULVERT"] = f"{isolate.STATE}/culvert"
    isolate.write(os.environ["CULVERT"], f'#!/bin/sh\nexec qemu-aarch64 {program} "$@"\n', 0o755)


class Arm64(unittest.TestCase):
    def test_it_is_one_file(self):
        headers = subprocess.run(["readelf", "--file-header", "--program-headers", program], check=True, capture_output=True, text=True).stdout
        self.assertIn("AArch64", headers)
        self.assertNotIn("INTERP", headers)
        self.assertLess(os.path.getsize(program), 6 << 20)

    def test_it_prints(self):
        printed = subprocess.run([os.environ["CULVERT"], "--version"], check=True, capture_output=True, text=True).stdout
        self.assertTrue(printed.startswith(f"culvert {VERSION}\n"), printed)

    def test_it_serves_by_tls_too(self):
        certificate, key = testbed.ca.issue("arm", "DNS:localhost", "IP:127.0.0.1")
        first = launch(self, testbed, listen=(f"https://127.0.0.1:4443?cert={certificate}&key={key}",), port=4443)
        second = launch(self, testbed, "--upstream", f"https://127.0.0.1:4443?ca={testbed.ca.certificate}")
        client = wire.tunnel(testbed.home, f"127.0.0.1:{echo_port}", early=b"ping")
        data = os.urandom(100_000)
        self.assertEqual(wire.receive_exactly(client, 4), b"ping")
        client.sendall(data)
        self.assertEqual(wire.receive_exactly(client, len(data)), data)
        client.close()
        for culvert in (second, first):
            culvert.signal(signal.SIGTERM)
            self.assertEqual(culvert.wait(30), 0)

    def test_the_image_is_for_it(self):
        with tarfile.open(IMAGE) as image:
            read = lambda name: json.load(image.extractfile(name))  # noqa: E731
            config = read(read("manifest.json")[0]["Config"])
        self.assertEqual(config["architecture"], "arm64")


if __name__ == "__main__":
    harness.main()
