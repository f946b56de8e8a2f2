"""The static program: it needs nothing of the system, and says so where it cannot ask what the C library could."""

import contextlib
import os
import shutil
import ssl
import subprocess
import tarfile
import unittest

from artefacts import MOST, STATIC, VERSION

import harness
import isolate
import wire
from culvert import launch
from testbed import Testbed, wait_for

FOLDER = f"{isolate.STATE}/static"
NO_PLUGINS = "neither the hosts file nor DNS knows it, and a static culvert cannot ask what else nsswitch.conf names"


def setUpModule():
    global testbed, echo_port, program
    testbed = harness.report_on(Testbed())
    echo_port = wire.serve_in_threads(testbed.home, wire.echo)
    with tarfile.open(STATIC) as archive:
        archive.extractall(FOLDER)
    program = f"{FOLDER}/{STATIC.name.removesuffix('.tar.gz')}/bin/culvert"
    os.environ["CULVERT"] = program


class Static(unittest.TestCase):
    def test_it_takes_no_library(self):
        headers = subprocess.run(["readelf", "--program-headers", "--dynamic", program], check=True, capture_output=True, text=True).stdout
        self.assertNotIn("INTERP", headers)
        self.assertNotIn("NEEDED", headers)
        self.assertIn("DYN (Position-Independent Executable file)", headers)
        self.assertLess(os.path.getsize(program), MOST)

    def test_it_runs_where_there_is_nothing_else(self):
        root = f"{isolate.STATE}/empty"
        os.mkdir(root)
        os.link(program, f"{root}/culvert")
        done = subprocess.run(["chroot", root, "/culvert", "--version"], check=True, capture_output=True, text=True)
        self.assertTrue(done.stdout.startswith(f"culvert {VERSION}\n"), done.stdout)
        done = subprocess.run(["chroot", root, "/culvert", "run", "--", "/culvert", "--check-config"], check=True, capture_output=True, text=True)
        self.assertIn("the configuration is valid", done.stdout)

    def test_certificates_where_other_systems_have_them(self):
        certificate, key = testbed.ca.issue("static", "DNS:localhost", "IP:127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

        def serve(connection):
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as client:
                client.recv(1000)
                client.sendall(b"HTTP/1.1 403 seen\r\nContent-Length: 0\r\n\r\n")

        port = wire.serve_in_threads(testbed.home, serve)
        for number, place in enumerate(("ssl/certs/ca-certificates.crt", "pki/tls/certs/ca-bundle.crt", "ssl/ca-bundle.pem", "ssl/cert.pem", None)):
            root = f"{isolate.STATE}/system-{number}"
            os.mkdir(root)
            os.link(program, f"{root}/culvert")
            if place:
                os.makedirs(os.path.dirname(f"{root}/etc/{place}"))
                shutil.copy(testbed.ca.certificate, f"{root}/etc/{place}")
            done = testbed.culvert_host.run("chroot", root, "/culvert", "check", "--upstream", f"https://127.0.0.1:{port}", "http://x/", check=False)
            self.assertEqual("403 seen" in done.stdout, place is not None, f"{place}: {done.stdout}")

    def look_up(self, services, name):
        isolate.write("/etc/nsswitch.conf", f"passwd: files systemd\nhosts: {services}\n")
        culvert = launch(self, testbed)
        client, reply = wire.connect(testbed.home, f"{name}:{echo_port}")
        client.close()
        with open(f"/proc/{culvert.pid}/maps", encoding="utf-8") as maps:
            self.assertNotIn(".so", maps.read())
        culvert.shut_down()
        return reply

    def test_names(self):
        isolate.write("/etc/hosts", "127.0.0.1 localhost listed.local\n")
        self.addCleanup(isolate.write_etc)
        for services in ("files dns", "files mymachines mdns4_minimal [NOTFOUND=return] dns", "dns sss files"):
            self.assertEqual(self.look_up(services, "listed.local").status, 200, services)
        self.assertIn("home.invalid", self.look_up("files dns", "home.invalid").reason)
        reply = self.look_up("files mdns4_minimal [NOTFOUND=return] dns", "printer.local")
        self.assertEqual(reply.status, 502)
        self.assertIn(NO_PLUGINS, reply.body.decode())

    def test_users_and_groups_are_those_of_the_files(self):
        isolate.write("/etc/nsswitch.conf", "passwd: systemd\ngroup: systemd\n")
        self.addCleanup(isolate.write_etc)
        path = f"{isolate.STATE}/proxy.sock"
        launch(self, testbed, "--listen", f"unix:{path}?mode=0660&owner=proxy&group=shadow")
        wait_for(lambda: os.path.exists(path), 10, "there is no socket")
        found = os.stat(path)
        self.assertEqual((found.st_uid, found.st_gid), (13, 42))
        done = testbed.culvert_host.run(program, "--listen", f"unix:{path}2?owner=nobody-of-this-name", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("nobody-of-this-name", done.stderr)


if __name__ == "__main__":
    harness.main()
