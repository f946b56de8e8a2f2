"""Names that culvert looks up here: what a DNS server may do to it, and the files that say how names are looked up."""

import time
import unittest

import harness
import isolate
import wire
from culvert import launch
from dns import A, AAAA
from testbed import Testbed, wait_for

DIRECT = ("--upstream", "direct://")
FOREVER = 1_000_000


def setUpModule():
    global testbed, port
    testbed = harness.report_on(Testbed())
    # Two servers that say who they are, at one port.
    port = wire.serve(testbed.home, lambda connection: greet(connection, b"one"), ("127.0.0.21", 0))
    wire.serve(testbed.home, lambda connection: greet(connection, b"two"), ("127.0.0.22", port))


def greet(connection, text):
    with connection:
        connection.sendall(text)


def set_resolv_conf(text):
    """Written in place, as it is a mount."""
    with open(f"{isolate.STATE}/resolv.conf.culvert", "r+", encoding="utf-8") as file:
        file.write(text)
        file.truncate()


class Names(unittest.TestCase):
    def setUp(self):
        self.dns = testbed.culvert_dns
        self.dns.table = {"one.test": ["127.0.0.21"], "two.test": ["127.0.0.22"]}
        self.dns.losing = {}
        with open(f"{isolate.STATE}/resolv.conf.culvert", encoding="utf-8") as file:
            self.addCleanup(set_resolv_conf, file.read())
        self.seen = len(self.dns.queries())

    def queries(self):
        return self.dns.queries()[self.seen :]

    def who_is(self, name):
        """Which of the servers a tunnel to that name reaches; or the error."""
        client, reply = wire.connect(testbed.home, f"{name}:{port}")
        with client:
            if reply.status != 200:
                return reply.line
            return wire.receive_all(client).decode()

    def end(self, culvert):
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_one_lost_packet(self):
        culvert = launch(self, testbed, *DIRECT)
        self.dns.losing = {("one.test", A): 1, ("one.test", AAAA): 1}
        started = time.monotonic()
        self.assertEqual(self.who_is("one.test"), "one")
        self.assertLess(time.monotonic() - started, 4)
        self.end(culvert)

    def test_one_family_without_answer(self):
        culvert = launch(self, testbed, *DIRECT)
        self.dns.losing = {("one.test", AAAA): FOREVER}
        started = time.monotonic()
        self.assertEqual(self.who_is("one.test"), "one")
        self.assertLess(time.monotonic() - started, 3)
        self.end(culvert)

    def test_dead_zone_beside_live_names(self):
        """Of upstreams and of targets; and a name for which many wait is asked for once, whatever worker they came to."""
        culvert = launch(self, testbed, "--threads", "2", "--upstream", f"http://two.test:{port}", "--route", "*.silent,one.test=direct")
        hanging = [wire.open_client(testbed.home) for _ in range(60)]
        for at, client in enumerate(hanging):
            name = "many.silent" if at < 30 else f"n{at}.silent"
            client.sendall(f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        wait_for(lambda: len(set(self.queries())) == 31, 10, "not every name is looked up")
        started = time.monotonic()
        self.assertEqual(self.who_is("one.test"), "one")
        client, reply = wire.connect(testbed.home, "gcr.io:443")
        client.close()
        # It was reached, and is no proxy.
        self.assertIn(f"upstream http://two.test:{port} did not answer in HTTP", reply.line)
        self.assertLess(time.monotonic() - started, 3)
        # A and AAAA, each sent three times at most.
        self.assertLessEqual(self.queries().count("many.silent"), 2 * 3)
        for client in hanging:
            client.close()
        self.end(culvert)

    def test_silent_upstream_is_blamed(self):
        culvert = launch(self, testbed, "--upstream", "http://proxy.silent:3128", "--connect-timeout", "1s", "--hold", "0")
        client, reply = wire.connect(testbed.home, "gcr.io:443")
        client.close()
        self.assertRegex(
            reply.line,
            r"^HTTP/1.1 504 culvert: upstream http://proxy\.silent:3128 did not resolve here within 1\.\d s \(for gcr\.io:443\)$",
        )
        self.end(culvert)

    def test_search_list_and_final_dot(self):
        set_resolv_conf("nameserver 127.0.0.54\nsearch svc.test corp.test\noptions ndots:5\n")
        self.dns.table = {"one.test": ["127.0.0.21"], "one.test.svc.test": ["127.0.0.22"], "two.corp.test": ["127.0.0.22"]}
        culvert = launch(self, testbed, *DIRECT)
        self.assertEqual(self.who_is("one.test."), "one")
        self.assertEqual(set(self.queries()), {"one.test"})
        self.assertEqual(self.who_is("one.test"), "two")
        self.assertEqual(self.who_is("two"), "two")
        self.assertIn("the name does not exist", self.who_is("two."))
        self.end(culvert)

    def test_hosts_file(self):
        with open("/etc/hosts", encoding="utf-8") as file:
            hosts = file.read()
        self.addCleanup(isolate.write, "/etc/hosts", hosts)
        culvert = launch(self, testbed, *DIRECT)
        self.assertEqual(self.who_is("one.test"), "one")
        isolate.write("/etc/hosts", hosts + "127.0.0.22 One.test # moved\n")
        self.assertEqual(self.who_is("one.test"), "two")
        isolate.write("/etc/hosts", hosts)
        self.assertEqual(self.who_is("one.test"), "one")
        self.end(culvert)

    def test_resolv_conf_that_changes(self):
        """Who waits for the old server's answer gets the new one's."""
        set_resolv_conf("nameserver 127.0.0.99\n")
        culvert = launch(self, testbed, "--threads", "1", *DIRECT)
        self.assertIn("no DNS server can be reached", self.who_is("one.test"))
        set_resolv_conf("nameserver 127.0.0.54\nsearch old.silent\n")
        waiting = wire.open_client(testbed.home)
        waiting.sendall(f"CONNECT one:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_for(lambda: "one.old.silent" in self.queries(), 10, "nothing is asked")
        set_resolv_conf("nameserver 127.0.0.54\nsearch test\n")
        self.assertEqual(self.who_is("two"), "two")
        self.assertEqual(wire.read_reply(waiting).status, 200)
        self.assertEqual(wire.receive_all(waiting), b"one")
        waiting.close()
        self.end(culvert)


if __name__ == "__main__":
    harness.main()
