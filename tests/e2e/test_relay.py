"""Bytes, half-closes and resets in a tunnel. Through ssh -D and dante, which forward half-closes."""

import socket
import threading
import unittest

import harness
import peers
import wire
from culvert import launch
from testbed import BORDER, Testbed

MIB = 1 << 20


def setUpModule():
    global testbed, target
    testbed = harness.report_on(Testbed())
    target = wire.BulkTarget(testbed.outside)
    peers.start_sshd(testbed)
    peers.start_ssh_tunnel(testbed)
    peers.start_dante(testbed)


class Relay:
    upstream = None
    host = "home"
    # ssh -D and dante turn a RST into a FIN. Without an upstream it has to stay a RST.
    keeps_resets = False

    @classmethod
    def setUpClass(cls):
        host = testbed.border if cls.host == "border" else None
        cls.culvert = launch(cls, testbed, "--upstream", cls.upstream, host=host)
        cls.client_host = getattr(testbed, cls.host)

    @classmethod
    def tearDownClass(cls):
        cls.culvert.assert_no_leaks()
        cls.culvert.shut_down()

    def setUp(self):
        target.clear()

    def tunnel(self, command):
        client = wire.tunnel(self.client_host, early=command.encode() + b"\n")
        self.addCleanup(client.close)
        return client

    def test_bulk_both_ways_at_once(self):
        size = 100 * MIB
        client = self.tunnel(f"both {size}")
        sender = threading.Thread(target=lambda: (wire.send_pattern(client, size), client.shutdown(socket.SHUT_WR)))
        sender.start()
        self.assertEqual(wire.receive(client), wire.digest(size))
        sender.join(60)
        self.assertEqual(target.results.get(timeout=60), wire.digest(size))

    def test_client_closes_its_half_first(self):
        size = 8 * MIB + 3
        client = self.tunnel("sink")
        wire.send_pattern(client, size)
        client.shutdown(socket.SHUT_WR)
        reply = wire.receive_all(client)
        self.assertEqual(reply.decode(), "{} {}\n".format(*wire.digest(size)))

    def test_target_closes_its_half_first(self):
        client = self.tunnel(f"source {5 * MIB + 1}")
        self.assertEqual(wire.receive(client), wire.digest(5 * MIB + 1))
        # The target's half is closed; the other direction still has to work.
        wire.send_pattern(client, 3 * MIB + 7)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(target.results.get(timeout=30), wire.digest(3 * MIB + 7))

    def test_nothing_is_lost_when_the_target_writes_and_closes(self):
        for size in (1, 1000, 65536, 65537, MIB, 3 * MIB + 1):
            with self.subTest(size=size):
                client = self.tunnel(f"burst {size}")
                self.assertEqual(wire.receive(client), wire.digest(size))
                client.close()

    def test_nothing_is_lost_when_the_client_writes_and_closes(self):
        for size in (0, 1, 1000, 65536, MIB + 1):
            with self.subTest(size=size):
                target.clear()
                client = wire.tunnel(self.client_host, early=b"source 0\n")
                wire.send_pattern(client, size)
                client.close()
                self.assertEqual(target.results.get(timeout=30), wire.digest(size))

    def test_small_messages_are_not_delayed(self):
        client = self.tunnel("echo")
        for number in range(500):
            message = b"%d;" % number
            client.sendall(message)
            self.assertEqual(wire.receive_exactly(client, len(message)), message)

    def test_clients_reset_reaches_the_target(self):
        client = self.tunnel("watch")
        self.assertEqual(wire.receive_exactly(client, 6), b"ready\n")
        wire.reset(client)
        ended = target.results.get(timeout=10)
        if self.keeps_resets:
            self.assertIsInstance(ended, ConnectionResetError)
        else:
            self.assertEqual(ended, "end")

    def test_targets_reset_reaches_the_client(self):
        client = self.tunnel("cut")
        self.assertEqual(wire.receive_exactly(client, 6), b"ready\n")
        client.sendall(b"!")
        try:
            ended = client.recv(1)
        except ConnectionResetError as error:
            ended = error
        if self.keeps_resets:
            self.assertIsInstance(ended, ConnectionResetError)
        else:
            self.assertEqual(ended, b"")


class RelayOverSshTunnel(Relay, unittest.TestCase):
    upstream = f"socks5://127.0.0.1:{peers.SOCKS_PORT}"


class RelayOverDante(Relay, unittest.TestCase):
    upstream = f"socks5://{peers.USER}:{peers.PASSWORD_IN_URL}@{BORDER}:{peers.DANTE_PORT}"

    @classmethod
    def setUpClass(cls):
        peers.need_dante()
        super().setUpClass()


class RelayDirect(Relay, unittest.TestCase):
    upstream = "direct://"
    host = "border"
    keeps_resets = True


if __name__ == "__main__":
    harness.main()
