#!/usr/bin/env python3
"""Which proxies a pull survives: containerd's ctr through each of them over the same tunnel, which is cut in the middle
of a layer, or the proxy is. Prints a table in Markdown.

    scripts/peers; scripts/peers --bench
    tests/bench/cut_pulls.py --binary culvert=build/release/culvert [--binary before=PATH] [--only culvert,squid]

A minute for each column, whose pulls run side by side. Runs as root, in namespaces of its own as the end-to-end tests
do, and leaves the machine as it was. "twice" is what was fetched beyond the layer's 64 MiB; the seconds are from the
tunnel's or the proxy's return to the first new byte that the registry sends.
"""

import argparse
import glob
import itertools
import os
import pathlib
import signal
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "e2e"))

import isolate  # noqa: E402
import layers  # noqa: E402
import proxies  # noqa: E402
import pulls  # noqa: E402
import testbed as beds  # noqa: E402
from culvert import ActivatedCulvert, Culvert  # noqa: E402
from tunnels import Relay  # noqa: E402

ports = itertools.count(4000)


class CulvertColumn:
    """culvert with the listening socket passed to it, if it can take one."""

    def __init__(self, testbed, path):
        self._testbed = testbed
        self._path = path
        self._takes_socket = "systemd" in testbed.home.run(path, "--help").stdout
        self._listeners = {}

    def start(self, port, relay, idle):
        os.environ["CULVERT"] = self._path
        options = ["--upstream", f"socks5://127.0.0.1:{relay.port}", "--drain-timeout", "1s", *(["--idle-timeout", "2s"] if idle else [])]
        if self._takes_socket:
            if port not in self._listeners:
                self._listeners[port] = pulls.listening_socket(self._testbed.home, port)
            culvert = ActivatedCulvert(self._testbed, *options, sockets=[self._listeners[port]], port=port)
        else:
            culvert = Culvert(self._testbed, *options, port=port)
        self._testbed.processes.append(culvert)
        culvert.up()
        return culvert


class OtherColumn:
    # What ends a connection in which nothing moves, in each one's configuration.
    IDLE = {
        "tinyproxy": ("Timeout 600", "Timeout 2"),
        "privoxy": ("socket-timeout 600", "socket-timeout 2"),
        "squid": ("pinger_enable off", "pinger_enable off\nread_timeout 2 seconds"),
    }

    def __init__(self, testbed, name, packages):
        self._testbed, self._name, self._packages = testbed, name, packages

    def start(self, port, relay, idle):
        upstream = "http" if self._name == "squid" else "socks"
        folder = f"{isolate.STATE}/tmp/{self._name}-{port}"
        os.makedirs(folder, exist_ok=True)
        place = proxies.Place(port, {upstream: relay.port}, upstream, folder, self._packages, None)
        argv = proxies.PEERS[self._name](place)
        if idle:
            config = pathlib.Path(argv[-1])
            config.write_text(config.read_text().replace(*self.IDLE[self._name]))
        libraries = ":".join([*glob.glob(f"{self._packages}/usr/lib/*-linux-gnu*"), f"{self._packages}/usr/lib"])
        program = self._testbed.start(beds.Program(self._name, self._testbed.home, argv, {"LD_LIBRARY_PATH": libraries}))
        program.wait_listening(port)
        return program


class Row:
    """One interruption: what happens to the relay, or to the proxy."""

    def __init__(self, name, interrupt, idle=False):
        self.name, self.interrupt, self.idle = name, interrupt, idle


def killed_for(seconds):
    def interrupt(case):
        case.relay.down()
        time.sleep(seconds)
        case.relay.up()

    return interrupt


def restarted_by(number):
    def interrupt(case):
        case.proxy.signal(number)
        case.proxy.wait(30)
        if number == signal.SIGKILL:
            # As long as systemd waits before it starts again what has failed (RestartSec=).
            time.sleep(0.1)
        case.start_proxy()

    return interrupt


ROWS = (
    Row("the tunnel closes (FIN)", lambda case: case.relay.finish()),
    Row("tunnel killed, back after 5 s", killed_for(5)),
    Row("tunnel killed, back after 20 s", killed_for(20)),
    Row("tunnel killed, back after 45 s", killed_for(45)),
    Row("the tunnel resets", lambda case: case.relay.reset()),
    Row("the proxy is ended by SIGTERM, a new one at once", restarted_by(signal.SIGTERM)),
    Row("the proxy is killed, a new one after 0.1 s", restarted_by(signal.SIGKILL)),
    Row("the proxy's idle timeout cuts it", lambda case: case.image.wait_cut(), idle=True),
)


class Case:
    """One row of one column."""

    def __init__(self, testbed, registry, client, column, row, repository):
        self._column, self._row = column, row
        self.relay = Relay(testbed, next(ports))
        self._port = next(ports)
        self.image = registry.add(repository, pauses=row.idle)
        self.start_proxy()
        self.pull = pulls.Interrupted(client, self.image, self._port, lambda: row.interrupt(self))

    def start_proxy(self):
        self.proxy = self._column.start(self._port, self.relay, self._row.idle)

    def result(self):
        """The text for the table, and the seconds if it went on."""
        try:
            self.pull.finish()
        except AssertionError as error:
            return f"({str(error).splitlines()[0]})", None
        if self.pull.code:
            return "**lost**", None
        twice = f"{self.image.fetched_twice() / layers.MIB:.1f} MiB twice"
        if self.pull.first_byte is None:
            return "not cut", None
        return f"{twice}, {self.pull.first_byte:.2f} s", self.pull.first_byte


def measure(columns_of):
    testbed = beds.Testbed()
    try:
        registry = layers.LayerRegistry(testbed)
        containerd = testbed.start(pulls.Containerd(testbed))
        containerd.wait_ready()
        client = pulls.Ctr(testbed, containerd)
        results = {}
        for number, (name, column) in enumerate(columns_of(testbed).items()):
            print(f"cut_pulls: {name}", file=sys.stderr, flush=True)
            cases = [Case(testbed, registry, client, column, row, f"c{number}r{at}") for at, row in enumerate(ROWS)]
            results[name] = [case.result() for case in cases]
            for case in cases:
                case.proxy.kill()
        return results
    finally:
        testbed.close()


def table(results):
    lines = ["| in the middle of the layer | " + " | ".join(results) + " |", "|---" * (len(results) + 1) + "|"]
    for at, row in enumerate(ROWS):
        lines.append(f"| {row.name} | " + " | ".join(column[at][0] for column in results.values()) + " |")
    medians, survived = [], []
    for column in results.values():
        seconds = [second for _, second in column if second is not None]
        medians.append(f"{statistics.median(seconds):.2f} s" if seconds else "-")
        survived.append(f"{len(seconds)} of {len(column)}")
    lines.append("| pulls that survived | " + " | ".join(survived) + " |")
    lines.append("| median of the seconds | " + " | ".join(medians) + " |")
    return "\n".join(lines)


def main():
    repository = HERE.parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", action="append", default=[], metavar="NAME=PATH", help="a build of culvert; repeatable")
    parser.add_argument("--only", default="", help="columns, comma separated: binaries' names, tinyproxy, privoxy, squid")
    parser.add_argument("--peers", default=str(repository / "build/peers"), help="what scripts/peers has filled")
    parser.add_argument("--others", default=str(repository / "build/bench-peers/root"),
                        help="what scripts/peers --bench has unpacked")
    options = parser.parse_args()
    binaries = dict(binary.split("=", 1) for binary in options.binary or [f"culvert={repository}/build/release/culvert"])
    only = [name for name in options.only.split(",") if name] or [*binaries, *OtherColumn.IDLE]
    binaries = {name: os.path.realpath(path) for name, path in binaries.items()}
    packages = os.path.realpath(options.others)

    def columns_of(testbed):
        return {
            name: CulvertColumn(testbed, binaries[name]) if name in binaries else OtherColumn(testbed, name, packages)
            for name in only
        }

    os.environ.update(CULVERT=next(iter(binaries.values())), CULVERT_PEERS=options.peers)
    isolate.enter()
    print(table(measure(columns_of)), flush=True)


if __name__ == "__main__":
    main()
