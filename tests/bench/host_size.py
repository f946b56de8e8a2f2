"""At the size of a host: thousands of tunnels in which nothing moves, and hundreds with a small message now and then."""

import re
import statistics
import time
import urllib.request

import measure
import proxies
import rows

# A message of 100 bytes in each active tunnel, ten times a second.
MESSAGES = rows.Row("small messages", "ping", per="answers", fixed={"size": 100, "pause": 100, "sources": 4}, floor="connect")


def run(bench, idle, active, messages):
    """One line for each column, number of workers, and crowd of idle tunnels: none, or as many as descriptors allow."""
    idle = min(idle, measure.most_tunnels() - active - 150)
    lines = []
    for name in [name for name in bench.columns if name not in proxies.PEERS]:
        for workers in (1,) if name == "floor" else (1, 2):
            for crowd in (0, idle):
                samples = [_sample(bench, name, workers, crowd, active, messages) for _ in range(bench.options.rounds)]
                line = {"column": name, "workers": workers, "idle": crowd, "active": active}
                for figure in ("bytes", "p50_ms", "p99_ms", "max_ms", "cost", "longest_turn_ms"):
                    found = [sample[figure] for sample in samples if sample.get(figure) is not None]
                    line[figure] = statistics.median(found) if found else None
                lines.append(line)
    return lines


def _sample(bench, name, workers, idle, active, messages):
    admin = proxies.free_port(30000)

    def with_admin(place):
        if name == "floor":
            return proxies.floor(place, "connect")
        return [*bench.columns[name](place, threads=workers), "--admin", f"127.0.0.1:{admin}"]

    proxy = bench.launch(name, with_admin)
    try:
        bench.sample(rows.ROWS["churn"], proxy, {"tunnels": 8, "count": 200, "size": 1})
        before = proxy.memory()
        crowd = measure.Client(bench.load, bench.servers, proxy.port, "idle", {"tunnels": idle, "sources": 8, "seconds": 120})
        time.sleep(0 if bench.options.self_test else 0.5)
        each = (proxy.memory() - before) / idle if idle else None
        sample = bench.sample(MESSAGES, proxy, {**MESSAGES.fixed, "tunnels": active, "messages": messages})
        sample["bytes"] = each
        if name != "floor":
            sample["longest_turn_ms"] = _longest_turn(admin) * 1000
        opened = crowd.ready.get("ready")
        for result in (sample, crowd.go()):
            if result["failed"]:
                bench.complaints.append(f"{name} among {idle}: {result['failures']}")
        if opened != idle:
            bench.complaints.append(f"{name}: {opened} of {idle} idle tunnels")
        return sample
    finally:
        bench.stop_proxy(proxy)


def _longest_turn(port):
    """Seconds, of the last minute and of all workers; what is shorter than 2 ms counts as none."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    turns = re.findall(r"^culvert_loop_longest_turn_seconds\{[^}]*\} (\S+)$", text, re.MULTILINE)
    return max(float(turn) for turn in turns)
