"""The admin interface beside ten thousand tunnels: all of them are told of, and no worker's loop is held for 2 ms.

What a turn of a loop takes is its processor time, which a library (tests/faults/turns.cc) measures, so that other programs on
the machine do not count.
"""

import mmap
import os
import re
import struct
import threading
import unittest

import admin
import crowds
import harness
import isolate
from culvert import has_thread_sanitizer, is_sanitized, launch
from testbed import Testbed, wait_for

ADMIN_PORT = 9128
WORKERS = 2
TUNNELS = 10_000
PAGE = 500
LONGEST_TURN = 0.002
# Of an answer with 500 tunnels of all, in the thread of the admin interface: it shares no loop with a client of the proxy.
LONGEST_ADMIN_TURN = 0.2


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    crowds.allow_all_descriptors()


def connect():
    return admin.tcp(ADMIN_PORT, make=testbed.home.socket)


def ask(path, **headers):
    answer = admin.get(connect(), path, **headers)
    if answer.status != 200:
        raise AssertionError(f"{path}: {answer.status} {answer.body}")
    return answer


class Turns:
    """What the library tells in a file that it has mapped as well."""

    SLOTS = 32
    SLOT = struct.Struct("QQQQ")

    def __init__(self):
        self.path = f"{isolate.STATE}/turns"
        with open(self.path, "wb") as file:
            file.write(bytes(self.SLOTS * self.SLOT.size))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)

    def environment(self):
        folder = os.path.dirname(os.environ["CULVERT"])
        return {"CULVERT_TURNS": self.path, "LD_PRELOAD": os.path.join(folder, "tests", "libculvert_turns.so")}

    def begin(self):
        """From now on."""
        self.before = dict(self.rows())
        for at in range(self.SLOTS):
            struct.pack_into("Q", self.memory, at * self.SLOT.size + 16, 0)

    def rows(self):
        """{thread: (turns, seconds of the longest)}, the oldest thread first: workers, and behind them the admin interface."""
        found = {}
        for at in range(self.SLOTS):
            thread, turns, longest, _ = self.SLOT.unpack_from(self.memory, at * self.SLOT.size)
            if thread:
                found[thread] = (turns, longest / 1e9)
        return {thread: found[thread] for thread in sorted(found)}

    def longest(self):
        """Seconds of each thread's longest turn, each of which has to have turned."""
        rows = self.rows()
        idle = [thread for thread, (turns, _) in rows.items() if turns == self.before[thread][0]]
        if idle or len(rows) != WORKERS + 1:
            raise AssertionError(f"these turned: {rows}, and before that: {self.before}")
        return [longest for _, longest in rows.values()]


class Onlookers:
    """Prometheus in both formats again and again, and whoever listens to events."""

    def __init__(self):
        self.stopping = threading.Event()
        self.scrapes = 0
        self.threads = [threading.Thread(target=self._scrape), threading.Thread(target=self._listen)]
        self.events = b""

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _scrape(self):
        while not self.stopping.is_set():
            ask("/metrics")
            ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
            self.scrapes += 1
            self.stopping.wait(0.1)

    def _listen(self):
        with connect() as stream:
            stream.settimeout(0.1)
            stream.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while not self.stopping.is_set():
                try:
                    self.events += stream.recv(65536)
                except TimeoutError:
                    continue


@unittest.skipIf(is_sanitized() or has_thread_sanitizer(), "a sanitizer has to be loaded before the library, and takes long")
class TenThousandTunnels(unittest.TestCase):
    def test_they_are_all_told_of_and_no_loop_is_held(self):
        target = crowds.start_target(self, testbed.home)
        clients = crowds.start_clients(self, testbed.home, target.line())
        turns = Turns()
        # Tunnels that stall are looked for by both watches.
        culvert = launch(self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", "--threads", str(WORKERS), "--max-connections", "20000",
                         "--access-log", "off", "--stall-after", "4s", "--reset-stalled", "4s", env=turns.environment())
        count = min(TUNNELS, crowds.spare_descriptors() // 2)
        clients.do(f"connect {count}")
        wait_for(lambda: ask("/api/v1/status").json()["tunnels"] == count, 20, "they are not all there")
        rounds = []
        for _ in range(3):
            turns.begin()
            rounds.append(self.look_at_all(count, turns))
        # What comes once may be the machine's.
        workers = min(max(longest[:WORKERS]) for longest in rounds)
        desk = min(longest[WORKERS] for longest in rounds)
        print(f"{count} tunnels: the longest turn of a worker took {1e6 * workers:.0f} us of processor time, of the admin interface "
              f"{1e6 * desk:.0f} us", flush=True)
        self.assertLess(workers, LONGEST_TURN)
        self.assertLess(desk, LONGEST_ADMIN_TURN)
        clients.do("close")
        culvert.assert_no_leaks()
        culvert.shut_down()

    def look_at_all(self, count, turns):
        """Each page, and what each thread's longest turn took meanwhile."""
        ids = []
        with Onlookers() as onlookers:
            for offset in range(0, count, PAGE):
                page = ask(f"/api/v1/tunnels?sort=id&limit={PAGE}&offset={offset}").json()
                self.assertEqual((page["total"], page["matching"]), (count, count))
                ids += [tunnel["id"] for tunnel in page["tunnels"]]
            # Each watch looks at all of them within 500 ms, and events come each second.
            wait_for(lambda: len(re.findall(rb"event: status", onlookers.events)) >= 2 and onlookers.scrapes >= 2, 20,
                     "there are no events")
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(len(ids), count)
        return turns.longest()


if __name__ == "__main__":
    harness.main()
