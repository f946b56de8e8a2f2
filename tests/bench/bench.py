#!/usr/bin/env python3
"""Measures culvert against what the kernel costs and against other proxies, over loopback on this machine.

scripts/bench builds what this needs and runs it. Prints a table in Markdown and writes every sample as JSON.

The figure to trust is the CPU time of the proxy's process (user and system, all of its threads) for a unit of
work, read in nanoseconds from the process's CPU clock (clock_gettime) before and after. Client, upstream and target
are programs of their own and not in it. Rounds are interleaved and medians taken, as other programs on the machine
disturb all columns alike; absolute numbers of two runs are not comparable, ratios nearly are.

"floor" is a bare program without parser, limits or log (floor.cc): what is left is the kernel's. For TLS it is the
same relay without splice, plus what `openssl speed` says that the cipher takes.
"""

import argparse
import sys

import faulty
import host_size
import measure
import proxies
import report
import rows


# What --admin measures: a request, a GiB each way, a small message.
ADMIN_ROWS = ("churn", "download4", "upload4", "ping", "get1k")


# What --host-size measures, if descriptors allow.
IDLE, ACTIVE = 20_000, 500


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/bench", help="where culvert and the bench programs were built")
    parser.add_argument("--peers", default="build/bench-peers/root", help="what scripts/peers --bench has unpacked")
    parser.add_argument("--rows", default="", help="comma separated, of: " + ", ".join(rows.ROWS))
    parser.add_argument("--only", default="", help="columns, comma separated, of: culvert, floor, " + ", ".join(proxies.PEERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="0.5: half the bytes, tunnels and requests")
    parser.add_argument("--binary", action="append", default=[], metavar="NAME=PATH",
                        help="another build of culvert as a column of its own; repeatable")
    parser.add_argument("--add", action="append", default=[], metavar="NAME=COMMAND",
                        help="another proxy; {port}, {socks} and {http} in it are ports on 127.0.0.1")
    parser.add_argument("--growth", action="store_true", help="only: what a tunnel costs among 10 to 10,000 others")
    parser.add_argument("--workers", action="store_true", help="only: one worker against two")
    parser.add_argument("--host-size", action="store_true",
                        help="only: small messages among 20,000 idle tunnels (or what descriptors allow), one worker and two")
    parser.add_argument("--admin", action="store_true",
                        help="only: what Prometheus and a page cost, in pairs of one process; for 1 %% --rounds 150")
    parser.add_argument("--start", action="store_true", help="only: time to the first accept, memory at rest, size")
    parser.add_argument("--check", action="store_true", help="fail when a ratio grew beyond what baseline.json allows")
    parser.add_argument("--save-baseline", action="store_true", help="write the ratios of this run into baseline.json")
    parser.add_argument("--tolerance", type=float, help="for --check, instead of those in baseline.json; 0.15 is 15 %%")
    parser.add_argument("--samples", metavar="FILE", help="where the samples go; by default into the build folder")
    parser.add_argument("--self-test", action="store_true", help="every row at a tiny size, to see that all of it works")
    options = parser.parse_args()

    wanted = [name for name in options.rows.split(",") if name] or list(rows.ROWS)
    for name in wanted:
        if name not in rows.ROWS:
            parser.error(f"there is no row {name}")
    measure.raise_descriptor_limit()
    if options.self_test:
        options.scale, options.rounds, options.only = 0, 1, "culvert,floor"
    bench = measure.Bench(options)
    try:
        if options.self_test:
            self_test(bench, wanted)
        elif options.growth:
            print(report.growth(bench.growth((10, 100, 1000, 10000))))
        elif options.workers:
            print(report.workers(bench.workers()))
        elif options.host_size:
            print(report.host_size(host_size.run(bench, IDLE, ACTIVE, 50), IDLE))
        elif options.admin:
            print(report.admin(bench.admin([name for name in wanted if name in ADMIN_ROWS])))
        elif options.start:
            print(report.start(bench.start()))
        else:
            compare(bench, options, wanted)
    finally:
        bench.close()
    for complaint in bench.complaints:
        print(f"bench: {complaint}", file=sys.stderr)
    sys.exit(1 if bench.complaints else 0)


def compare(bench, options, wanted):
    results = bench.rows(wanted)
    print(report.table(bench, results))
    ratios = report.ratios(results)
    report.save(bench, results, ratios)
    if options.save_baseline:
        report.save_baseline(ratios)
    if options.check:
        bench.complaints += report.compare(ratios, options.tolerance)


def self_test(bench, wanted):
    results = bench.rows(wanted)
    report.table(bench, results)
    report.ratios(results)
    report.growth(bench.growth((10, 50)))
    report.workers(bench.workers())
    report.host_size(host_size.run(bench, 50, 10, 3), 50)
    report.admin(bench.admin(("churn", "download4")))
    report.start(bench.start())
    notice_faults(bench)
    stats = bench.servers.stats()
    for count in ("tls_full", "tls_resumed", "passwords"):
        if wanted == list(rows.ROWS) and not stats[count]:
            bench.complaints.append(f"no {count} were counted")


def notice_faults(bench):
    """A rig that overlooks spoilt bytes would praise whoever spoils them."""
    works = {
        "download": {"tunnels": 2, "bytes": 10_000}, "ping": {"tunnels": 2, "size": 1000, "messages": 2},
        "get": {"tunnels": 2, "count": 2, "size": 1000}, "check": {"tunnels": 2, "count": 10, "bytes": 100_000},
    }
    for spoil in (faulty.loses_a_byte, faulty.changes_a_byte):
        relay = faulty.Relay(bench.servers.ports["http"], spoil)
        for work, numbers in works.items():
            if work == "download" and spoil is faulty.changes_a_byte:
                continue  # Bulk is only counted; "check" looks at it.
            client = measure.Client(bench.load, bench.servers, relay.port, work, {**numbers, "seconds": 1})
            if not client.go()["failed"]:
                bench.complaints.append(f"{work} does not notice a relay that {spoil.__name__}")


if __name__ == "__main__":
    main()
