"""SIGHUP: the configuration is read again, open connections keep theirs, and no request is lost."""

import os
import signal
import threading
import time
import unittest

import harness
import isolate
import peers
import wire
from culvert import PORT, launch
from testbed import BORDER, Testbed, wait_for

TARGET = f"target.world:{wire.BULK_PORT}"
RELOADS = 1000


def setUpModule():
    global testbed, target, files
    testbed = harness.report_on(Testbed())
    target = wire.BulkTarget(testbed.outside)
    files = wire.FileServer(testbed.outside, testbed.ca)
    peers.start_microsocks(testbed)
    peers.start_dante(testbed)


MICROSOCKS = f"near=socks5://{BORDER}:{peers.MICROSOCKS_PORT}"
DANTE = f"far=socks5://{peers.USER}:{peers.PASSWORD_IN_URL}@{BORDER}:{peers.DANTE_PORT}"


def configuration(*lines):
    return "\n".join(lines) + "\n"


OPEN = configuration(f'upstream = ["{MICROSOCKS}"]')
DENIED = configuration(f'upstream = ["{MICROSOCKS}"]', 'route = ["*=deny"]')
OVER_DANTE = configuration(f'upstream = ["{DANTE}"]')


class Reload(unittest.TestCase):
    def start(self, text, *options, **more):
        self.path = f"{isolate.STATE}/culvert.toml"
        isolate.write(self.path, text)
        return launch(self, testbed, "--config", self.path, *options, **more)

    def reload(self, culvert, text, logged=" reloaded ("):
        before = culvert.count_in_log(logged)
        if text is not None:
            # Like an editor: there is never half a file.
            isolate.write(f"{self.path}.new", text)
            os.rename(f"{self.path}.new", self.path)
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(logged, before + 1)

    def status(self, wanted=None):
        """The status of a CONNECT. A worker may adopt the new configuration a little after the log line."""

        def connect():
            client, reply = wire.connect(testbed.home, TARGET)
            client.close()
            return reply.status if wanted in (None, reply.status) else None

        return wait_for(connect, 10, f"no CONNECT gets a {wanted}")

    def test_new_connections_follow_the_file_and_open_ones_stay(self):
        culvert = self.start(OPEN)
        tunnel = wire.tunnel(testbed.home, early=b"echo\n")
        self.reload(culvert, DENIED)
        self.status(wanted=403)
        tunnel.sendall(b"still here")
        self.assertEqual(wire.receive_exactly(tunnel, 10), b"still here")
        self.reload(culvert, OVER_DANTE)

        def went_through_dante():
            # Another worker may still have the first file, with which the status is 200 too.
            self.status(wanted=200)
            return any("upstream=socks5://10.77.1.1:1081" in line for line in culvert.access_lines())

        wait_for(went_through_dante, 10, "no request goes through dante")
        tunnel.sendall(b"and here")
        self.assertEqual(wire.receive_exactly(tunnel, 8), b"and here")
        tunnel.close()
        culvert.shut_down()

    def test_a_file_with_errors_changes_nothing(self):
        culvert = self.start(OPEN)
        bad = configuration(f'upstream = ["{MICROSOCKS}", "socks9://hush:hush@x"]', 'route = ["x=nowhere"]', 'connect-timeout = "1ms"')
        self.reload(culvert, bad, logged="reload: nothing is changed")
        for problem in (
            ":1: upstream socks9://***@x: unknown scheme 'socks9' (socks5, socks4a, http, https, direct)",
            ":2: route x=nowhere: no upstream is named 'nowhere' (near, direct, deny)",
            ":3: connect-timeout 1ms: not between 100ms and 55s",
        ):
            self.assertEqual(culvert.count_in_log(f" error reload: {self.path}{problem}\n"), 1, culvert.output())
        self.assertEqual(culvert.count_in_log(" reloaded ("), 0)
        self.assertEqual(self.status(), 200)
        os.remove(self.path)
        self.reload(culvert, None, logged="reload: nothing is changed")
        self.assertEqual(self.status(), 200)
        self.reload(culvert, DENIED)
        self.status(wanted=403)
        culvert.shut_down()

    def test_an_empty_file_does_not_switch_to_direct_connections(self):
        culvert = self.start(OPEN)
        self.reload(culvert, "", logged="reload: no --upstream is left; to connect directly from now on say direct://")
        self.assertEqual(culvert.count_in_log(" reloaded ("), 0)
        self.assertEqual(self.status(), 200)
        self.reload(culvert, configuration('upstream = ["direct://"]'))
        culvert.shut_down()

    def test_a_fifo_instead_of_a_file_blocks_nobody(self):
        culvert = self.start(OPEN)
        os.remove(self.path)
        os.mkfifo(self.path)
        self.reload(culvert, None, logged="a pipe, which can be read at the start only")
        self.assertEqual(self.status(), 200)
        os.remove(self.path)
        pipe = f"{isolate.STATE}/ca.pipe"
        os.mkfifo(pipe)
        for option in ("ca", "cert"):
            fetched = configuration(f'upstream = ["https://{BORDER}:443?{option}={pipe}"]')
            self.reload(culvert, fetched, logged="a pipe, which can be read at the start only")
            self.assertEqual(self.status(), 200)
        self.reload(culvert, DENIED)
        self.status(wanted=403)
        culvert.shut_down()

    def test_flags_that_need_a_restart_are_named(self):
        culvert = self.start(OPEN)
        self.reload(culvert, OPEN + "threads = 3\n", logged="reload: --threads has changed, which needs a restart")
        self.assertEqual(self.status(), 200)
        culvert.shut_down()

    def test_listeners_with_new_settings_are_named(self):
        place = f"127.0.0.1:{PORT}"
        culvert = self.start(configuration(f"listen = ['{place}']") + OPEN, listen=())
        self.reload(
            culvert, configuration(f"listen = ['http-only://{place}']") + OPEN,
            logged=f"reload: new clients of http-only://{place} get its new settings",
        )
        culvert.wait_log(" reloaded (")
        self.assertNotIn("needs a restart", culvert.output())
        self.assertEqual(self.status(), 200)
        culvert.shut_down()

    def test_an_open_plain_connection_follows_the_file_from_its_next_request_on(self):
        culvert = self.start(OPEN)
        client = wire.open_client(testbed.home)
        request = b"GET http://plain.world/bytes/10 HTTP/1.1\r\nHost: plain.world\r\n\r\n"

        def get():
            client.sendall(request)
            reply = wire.read_reply(client)
            if reply.status == 200:
                wire.receive_exactly(client, 10)
                self.assertNotEqual(reply.headers.get("connection"), "close")
            return reply.status

        self.assertEqual(get(), 200)
        self.reload(culvert, DENIED)
        self.assertEqual(self.status(403), 403)  # so the worker has adopted the file
        self.assertEqual(get(), 403)
        client.close()
        culvert.shut_down()

    def test_the_access_log_can_be_rotated(self):
        log = f"{isolate.STATE}/access.log"
        culvert = self.start(OPEN, "--access-log", log)
        self.status()
        wait_for(lambda: os.path.getsize(log), 10, "no access line")
        os.rename(log, f"{log}.1")
        self.reload(culvert, None)
        self.status()
        wait_for(lambda: os.path.exists(log) and os.path.getsize(log), 10, "no access line in the new file")
        culvert.shut_down()

    def test_no_request_is_lost_over_many_reloads(self):
        culvert = self.start(OPEN, "--threads", "2")
        stop = threading.Event()
        done, lost = [0] * 4, []

        def work(index):
            while not stop.is_set():
                try:
                    client = wire.tunnel(testbed.home, early=b"echo\n")
                    client.sendall(b"ping")
                    if wire.receive_exactly(client, 4) != b"ping":
                        raise AssertionError("the echo is missing")
                    client.close()
                    done[index] += 1
                except (OSError, AssertionError) as error:
                    lost.append(repr(error))

        held = wire.tunnel(testbed.home, early=b"echo\n")
        workers = [threading.Thread(target=work, args=(index,)) for index in range(len(done))]
        for worker in workers:
            worker.start()
        begun = time.monotonic()
        reloads = 0
        with open(culvert.stderr_path, encoding="utf-8") as log:
            line = ""

            def reloaded():
                nonlocal line
                # A line that was incomplete before is continued.
                line = log.readline() if line.endswith("\n") else line + log.readline()
                return line.endswith("\n") and " reloaded (" in line

            while reloads < RELOADS and time.monotonic() - begun < 180:
                culvert.signal(signal.SIGHUP)
                wait_for(reloaded, 10, "a reload is not logged")
                reloads += 1
        stop.set()
        for worker in workers:
            worker.join()
        print(f"{reloads} reloads in {time.monotonic() - begun:.1f} s, {sum(done)} requests, {len(lost)} lost", flush=True)
        self.assertEqual(lost, [])
        self.assertEqual(reloads, RELOADS)
        self.assertGreater(min(done), 0)
        held.sendall(b"still here")
        self.assertEqual(wire.receive_exactly(held, 10), b"still here")
        held.close()
        culvert.assert_no_leaks()
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
