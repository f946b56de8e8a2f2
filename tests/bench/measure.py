"""Runs the workloads and takes the samples."""

import contextlib
import dataclasses
import functools
import json
import os
import resource
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import onlookers
import proxies
import rows

GIB = 1 << 30
MIB = 1 << 20


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (65536, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard)))
            return
        except (ValueError, OSError):
            continue


def most_tunnels():
    """A proxy needs two descriptors for each."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200) // 2


class Servers:
    """The upstreams and targets, in one process for the whole run."""

    def __init__(self, load):
        self.folder = tempfile.mkdtemp(prefix="culvert-bench-")
        # Peers that give up root have to find their files.
        os.chmod(self.folder, 0o755)
        certificate = os.path.join(self.folder, "upstream.crt")
        self.process = subprocess.Popen([load, "serve", "--certificate", certificate], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.ports = json.loads(self.process.stdout.readline())

    def stats(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        """Returns the exit status."""
        self.process.stdin.close()
        status = self.process.wait(10)
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return status


class Client:
    """One `load run`, held at its gate until go()."""

    def __init__(self, load, servers, port, work, numbers, speaks="http"):
        argv = [load, "run", "--proxy", f"127.0.0.1:{port}", "--work", work, "--speaks", speaks]
        for target in ("echo", "sink", "source", "origin"):
            argv += [f"--{target}", f"127.0.0.1:{servers.ports[target]}"]
        for name, number in numbers.items():
            argv += [f"--{name}", str(number)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = self._line()

    def _line(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"failed": 1, "done": 0, "failures": {"the client ended": 1}}

    def go(self):
        # A client that has ended already is told by what it did not say.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        result = self._line()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        status = self.process.wait(30)
        self.process.stdout.close()
        if status != (1 if result["failed"] else 0):
            result["failed"] += 1
            result["failures"][f"the client ended with {status}"] = 1
        return result


def move_to(pid, cores):
    """Moves all threads of a process."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), cores)


class Bench:
    def __init__(self, options):
        self.options = options
        self.build = os.path.abspath(options.build)
        self.peers = os.path.abspath(options.peers)
        self.load = f"{self.build}/tests/bench/load"
        self.cores = os.sched_getaffinity(0)
        self.complaints = []
        self.missing = {}
        self.running = []
        self.servers = Servers(self.load)
        self.columns = self._columns()
        self.cipher = self._cipher_cost() if "floor" in self.columns and not options.self_test else 0

    def close(self):
        for proxy in self.running:
            proxy.stop()
        if self.servers.stop() != 0:
            self.complaints.append("the servers did not end well")

    def _columns(self):
        """How each column's program is started, in the table's order. The floor depends on the row."""
        columns = {"culvert": proxies.culvert}
        for binary in self.options.binary:
            name, _, path = binary.partition("=")
            columns[name] = lambda place, threads=1, path=os.path.abspath(path): proxies.culvert(place, path, threads)
        columns["floor"] = None
        for added in self.options.add:
            name, _, command = added.partition("=")
            columns[name] = lambda place, command=command: [
                word.format(port=place.port, **place.ports) for word in shlex.split(command)]
        extra = list(columns)[1:]
        columns.update(proxies.PEERS)
        only = [name for name in self.options.only.split(",") if name]
        unknown = [name for name in only if name not in columns]
        if unknown:
            raise SystemExit(f"bench: there is no column {unknown[0]}")
        return {name: make for name, make in columns.items() if not only or name in only or name in extra and name != "floor"}

    def start_proxy(self, name, row):
        make = self.columns[name]
        if name == "floor":
            if not row.floor:
                raise proxies.Unfit("no floor for this row")
            make = lambda place: proxies.floor(place, row.floor)
        proxy = self.launch(name, make, row.upstream, row.clients)
        # The floor is a relay, and what the cipher costs is added to it.
        if row.clients.startswith("tls") and name != "floor":
            resumes = row.clients == "tls_resumed"
            try:
                proxy.front = self.launch("TLS of the clients", lambda place: proxies.tls_of_clients(place, proxy.port, resumes))
            except proxies.NotHere:
                self.stop_proxy(proxy)
                raise
            proxy.entry = proxy.front.port
        return proxy

    def launch(self, name, make, upstream="socks", clients="http"):
        proxy = proxies.Proxy(name, make, self.servers, upstream, self.peers, self.build, clients)
        self.running.append(proxy)
        return proxy

    def stop_proxy(self, proxy):
        if proxy.front:
            self.stop_proxy(proxy.front)
        self.running.remove(proxy)
        if not proxy.running():
            self.complain(proxy.name, f"{proxy.name} has ended by itself: {proxy.said()[-1000:]}")
        proxy.stop()
        # Sanitizers have their last word at the end.
        if proxy.name.partition(" ")[0] == "culvert" and proxy.process.returncode != 0:
            self.complaints.append(f"{proxy.name} ended with {proxy.process.returncode}: {proxy.last_words[-2000:]}")

    def complain(self, name, text):
        """Peers may fail, which the table shows. Ours may not."""
        if name not in proxies.PEERS:
            self.complaints.append(text)

    # ---- the table

    def rows(self, wanted):
        """Results as {row: {column: [sample, ...]}}."""
        results = {}
        for name in wanted:
            row = rows.ROWS[name]
            numbers = row.numbers(self.options.scale)
            if row.work in ("idle", "burst"):
                numbers["tunnels"] = min(numbers["tunnels"], most_tunnels())
            results[name] = self._idle_row(row, numbers) if row.work == "idle" else self._row(row, numbers)
        return results

    def _say(self, row, round_number, name, sample):
        if self.options.self_test:
            return
        text = "; ".join(sample.get("failures", {})) or f"{sample.get('cost', 0) * row.factor:.4g}"
        print(f"# {row.title}: round {round_number + 1}, {name}: {text}", file=sys.stderr, flush=True)

    def _row(self, row, numbers):
        samples, started = {}, {}
        try:
            for name in self.columns:
                try:
                    started[name] = self.start_proxy(name, row)
                    samples[name] = []
                    self.sample(row, started[name], {**numbers, **row.tiny})
                except proxies.Unfit:
                    continue
                except proxies.NotHere as why:
                    self.missing[name] = str(why)
            for round_number in range(self.options.rounds):
                order = list(started)
                turn = round_number % max(len(order), 1)
                for name in order[turn:] + order[:turn]:
                    sample = self.sample(row, started[name], numbers)
                    samples[name].append(sample)
                    self._say(row, round_number, name, sample)
                    if sample["failed"]:
                        self.complain(name, f"{row.title}: {name}: {sample['failures']}")
        finally:
            for proxy in started.values():
                self.stop_proxy(proxy)
        return samples

    def sample(self, row, proxy, numbers):
        try:
            return self._measured(row, proxy, numbers)
        except OSError:
            # Its files below /proc are gone, and so is it.
            if proxy.running():
                raise
            return {"failed": 1, "failures": {"it has ended": 1}}

    def _measured(self, row, proxy, numbers):
        before = self.servers.stats()
        speaks = "socks" if row.clients == "socks" else "http"
        client = Client(self.load, self.servers, proxy.entry, row.work, numbers, speaks)
        moved = (proxy.pid, self.servers.process.pid, client.process.pid) if row.one_core else ()
        for pid in moved:
            move_to(pid, {max(self.cores)})
        time.sleep(0.02)
        cpu = proxy.cpu_seconds()
        sample = client.go()
        for pid in moved[:2]:
            move_to(pid, self.cores)
        # The last tunnels are still being closed.
        time.sleep(0.05)
        sample["cpu"] = proxy.cpu_seconds() - cpu
        self._finish(row, proxy, sample, numbers, before)
        return sample

    def _finish(self, row, proxy, sample, numbers, before):
        """Sums up a sample: what a unit of work has cost."""
        amount = 1 if row.per == "run" else sample.get(row.per, 0)
        if sample["failed"] and row.work != "check" or not amount:
            return
        self._check_amount(row, proxy, sample, numbers)
        sample["cost"] = sample["cpu"] / amount * row.unit
        if row.floor == "copy" and proxy.name == "floor":
            sample["cost"] += self.cipher
        for name in ("p50", "p99", "max"):
            sample[f"{name}_ms"] = sample[f"{name}_us"] / 1000
        if sample["seconds"]:
            sample["rate"] = amount / row.unit / sample["seconds"]
        stats = self.servers.stats()
        full, resumed = (stats[name] - before[name] for name in ("tls_full", "tls_resumed"))
        if full + resumed:
            sample["resumed"] = resumed / (full + resumed)

    def _check_amount(self, row, proxy, sample, numbers):
        """The client's own count against what was asked for, so that a mistake of the rig cannot pass for speed."""
        expected = {
            "download": ("bytes", numbers["tunnels"] * numbers.get("bytes", 0)),
            "upload": ("bytes", numbers["tunnels"] * numbers.get("bytes", 0)),
            "churn": ("done", numbers.get("count")), "check": ("done", numbers.get("count")),
            "get": ("answers", numbers.get("count")),
            "ping": ("answers", numbers["tunnels"] * numbers.get("messages", 0)),
            "mixed": ("answers", (numbers["tunnels"] - numbers.get("bulk", 0)) * numbers.get("messages", 0)),
            "burst": ("done", numbers["tunnels"]),
        }.get(row.work)
        if expected and not sample["failed"] and sample[expected[0]] != expected[1]:
            self.complaints.append(f"{row.title}: {proxy.name}: {expected[0]} are {sample[expected[0]]}, not {expected[1]}")

    def _idle_row(self, row, numbers):
        samples = {}
        for round_number in range(min(self.options.rounds, 2)):
            for name in self.columns:
                try:
                    proxy = self.start_proxy(name, row)
                except proxies.Unfit:
                    continue
                except proxies.NotHere as why:
                    self.missing[name] = str(why)
                    continue
                try:
                    sample = self._idle_sample(row, proxy, numbers)
                finally:
                    self.stop_proxy(proxy)
                samples.setdefault(name, []).append(sample)
                self._say(row, round_number, name, sample)
                if sample["failed"]:
                    self.complain(name, f"{row.title}: {name}: {sample['failures']}")
        return samples

    def _idle_sample(self, row, proxy, numbers):
        quick = self.options.self_test
        # What the first tunnels bring in, code and tables, is no tunnel's.
        self.sample(rows.ROWS["churn"], proxy, {"tunnels": 16, "count": 100, "size": 1})
        time.sleep(0 if quick else 0.5)
        memory, descriptors, cpu = proxy.memory(), proxy.descriptors(), proxy.cpu_seconds()
        client = Client(self.load, self.servers, proxy.port, row.work, numbers)
        time.sleep(0 if quick else 1)
        opened = client.ready["ready"] if client.ready.get("ready") else 1
        held = {
            "tunnels": opened, "memory_each": (proxy.memory() - memory) / opened,
            "descriptors_each": (proxy.descriptors() - descriptors) / opened,
            "open_cpu_each": (proxy.cpu_seconds() - cpu) / opened,
        }
        cpu, since = proxy.cpu_seconds(), time.monotonic()
        time.sleep(0.1 if quick else 2)
        held["idle_cpu"] = (proxy.cpu_seconds() - cpu) / (time.monotonic() - since)
        sample = client.go()
        time.sleep(0 if quick else 1.5)
        if opened < numbers["tunnels"]:
            sample["failed"] += 1
            sample["failures"][f"only {opened} of {numbers['tunnels']} tunnels"] = 1
        sample.update(held, kept_mib=(proxy.memory() - memory) / MIB, cost=held["memory_each"] / row.factor)
        return sample

    def _cipher_cost(self):
        """Seconds that AES-128-GCM takes for a GiB here, as OpenSSL itself measures it."""
        try:
            said = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "-bytes", "16384", "-evp", "aes-128-gcm"],
                                  check=True, capture_output=True, text=True).stdout
            rate = next(float(line.split(":")[3]) for line in said.splitlines() if line.startswith("+F:"))
            return GIB / rate
        except (OSError, subprocess.CalledProcessError, StopIteration, ValueError, IndexError):
            self.missing["openssl speed"] = "the cipher's cost is not in the floor"
            return 0

    # ---- what a tunnel costs among many

    def growth(self, steps):
        """One line for each column and number of open tunnels."""
        lines = []
        quick = self.options.self_test
        for name in [name for name in self.columns if name not in proxies.PEERS]:
            for step in steps:
                step = min(step, most_tunnels() - 100)
                row = rows.Row("growth", "churn", floor="connect")
                proxy = self.start_proxy(name, row)
                try:
                    self.sample(row, proxy, {"tunnels": 8, "count": 200, "size": 1})
                    memory, cpu = proxy.memory(), proxy.cpu_seconds()
                    crowd = Client(self.load, self.servers, proxy.port, "idle", {"tunnels": step, "sources": 4, "seconds": 120})
                    time.sleep(0.05 if quick else 0.5)
                    line = {"column": name, "tunnels": crowd.ready["ready"], "open_us": (proxy.cpu_seconds() - cpu) / step * 1e6,
                            "bytes": (proxy.memory() - memory) / step}
                    churns, pings = [], []
                    for _ in range(1 if quick else self.options.rounds):
                        churns.append(self.sample(row, proxy, {"tunnels": 16, "count": 50 if quick else 3000, "size": 1, "sources": 8}))
                        pings.append(self.sample(rows.ROWS["ping"], proxy, {"tunnels": 1, "messages": 50 if quick else 5000, "size": 1}))
                    for sample in (*churns, *pings, crowd.go()):
                        if sample["failed"]:
                            self.complaints.append(f"{name} among {step}: {sample['failures']}")
                    line["churn_us"] = statistics.median(sample.get("cost", 0) * 1e6 for sample in churns)
                    line["ping_us"] = statistics.median(sample.get("cost", 0) * 1e6 for sample in pings)
                    lines.append(line)
                finally:
                    self.stop_proxy(proxy)
        return lines

    # ---- with somebody who looks on

    def admin(self, wanted):
        """Pairs of samples of one culvert, while nobody looks and while a page and Prometheus do, with so many workers.

        It is one process whose onlookers come and go, on one core with its clients and servers: what the kernel does
        for a GiB depends on where each of them runs far more than on anybody who looks on.
        """
        lines = []
        for name in wanted:
            row = dataclasses.replace(rows.ROWS[name], one_core=True)
            for threads in (1, 2):
                lines.append((row, threads, self._admin_pairs(row, threads)))
        return lines

    def _admin_pairs(self, row, threads):
        pairs, port = [], 0

        def with_admin(place):
            nonlocal port
            port = proxies.free_port(place.port + 1)
            return [*proxies.culvert(place, None, threads), "--admin", f"127.0.0.1:{port}"]

        proxy = self.launch("culvert", with_admin, row.upstream)
        try:
            self._watched_sample(row, proxy, {**row.numbers(self.options.scale), **row.tiny}, port)
            for round_number in range(self.options.rounds):
                samples = {}
                for watched in (False, True) if round_number % 2 == 0 else (True, False):
                    take = functools.partial(self._watched_sample, port=port) if watched else self.sample
                    samples[watched] = sample = take(row, proxy, row.numbers(self.options.scale))
                    if sample["failed"]:
                        self.complaints.append(f"{row.title}: {'watched' if watched else 'alone'}: {sample['failures']}")
                pairs.append((samples[False], samples[True]))
        finally:
            self.stop_proxy(proxy)
        return pairs

    def _watched_sample(self, row, proxy, numbers, port):
        watching = onlookers.Onlookers(port)
        try:
            return self.sample(row, proxy, numbers)
        finally:
            watching.stop()
            self.complaints += [f"onlookers: {problem}" for problem in watching.problems]

    # ---- one worker against two

    def workers(self):
        lines = []
        for name in ("churn", "download64", "get1k", "mixed"):
            row = rows.ROWS[name]
            numbers = row.numbers(self.options.scale)
            started = {threads: self.launch(f"culvert --threads {threads}",
                                            lambda place, threads=threads: proxies.culvert(place, threads=threads), row.upstream)
                       for threads in (1, 2)}
            samples = {threads: [] for threads in started}
            try:
                for proxy in started.values():
                    self.sample(row, proxy, {**numbers, **row.tiny})
                for _ in range(self.options.rounds):
                    for threads, proxy in started.items():
                        sample = self.sample(row, proxy, numbers)
                        if sample["failed"]:
                            self.complaints.append(f"{row.title}: {proxy.name}: {sample['failures']}")
                        samples[threads].append(sample)
            finally:
                for proxy in started.values():
                    self.stop_proxy(proxy)
            lines.append((row, samples))
        return lines

    # ---- a cold start

    def start(self):
        lines = []
        for name, make in self.columns.items():
            # The floor shows how much of it is the rig's and the system's own.
            make = make or (lambda place: proxies.floor(place, "relay"))
            times, resident = [], []
            try:
                for _ in range(1 if self.options.self_test else 10):
                    first, proxy = self._time_to_accept(name, make)
                    times.append(first)
                    if len(times) == 1 and not self.options.self_test:
                        time.sleep(0.5)
                    resident.append((proxy.resident(), proxy.memory()))
                    binary = os.path.realpath(f"/proc/{proxy.pid}/exe")
                    self.stop_proxy(proxy)
            except proxies.NotHere as why:
                self.missing[name] = str(why)
                continue
            lines.append({"column": name, "ms": statistics.median(times) * 1000, "rss_mib": resident[0][0] / MIB,
                          "pss_mib": resident[0][1] / MIB, "stripped": self._stripped_size(binary)})
        return lines

    def _time_to_accept(self, name, make):
        """From just before the fork to the first connection that is taken; Python's own start of a process is in it."""
        began = []

        def timed(place):
            argv = make(place)
            began.append(time.monotonic())
            return argv

        proxy = Impatient(name, timed, self.servers, "socks", self.peers, self.build)
        self.running.append(proxy)
        return proxy.accepted - began[0], proxy

    def _stripped_size(self, binary):
        if not shutil.which("strip"):
            return os.path.getsize(binary)
        stripped = os.path.join(self.servers.folder, "stripped")
        subprocess.run(["strip", "-o", stripped, binary], check=True)
        return os.path.getsize(stripped)


class Impatient(proxies.Proxy):
    """Asks without a pause whether the program accepts already."""

    def _wait_listening(self):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    self.accepted = time.monotonic()
                    return
        super()._wait_listening()
