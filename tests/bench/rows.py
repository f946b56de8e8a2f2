"""What is measured: one row of the table each."""

import dataclasses

MIB = 1 << 20


@dataclasses.dataclass
class Row:
    title: str
    work: str
    # The upstream that the proxy is given: socks, socks_password, http or https; or four, by which --balance: socks_order
    # or socks_least.
    upstream: str = "socks"
    # Numbers for `load run`. Those in scaled shrink with --scale, down to the ones in tiny.
    fixed: dict = dataclasses.field(default_factory=dict)
    scaled: dict = dataclasses.field(default_factory=dict)
    tiny: dict = dataclasses.field(default_factory=dict)
    # What the CPU time is divided by: a number in the client's result, and how many of it make the unit.
    per: str = "done"
    unit: float = 1
    # How the table shows seconds of CPU for a unit.
    factor: float = 1e6
    # Other figures that the table shows, and the baseline compares when they are costs.
    also: tuple = ()
    # The role of the floor: connect, relay, copy (relay without splice, and the cipher's cost); none if empty.
    floor: str = "relay"
    # One message at a time: whoever wakes whom on which core would matter more than anything the proxy does, so all
    # of them share a core.
    one_core: bool = False
    # What the clients speak to the proxy: http, socks, or HTTP over TLS, with handshakes that are full (tls) or
    # resumed (tls_resumed).
    clients: str = "http"

    def numbers(self, scale):
        shrunk = {name: max(int(value * scale), self.tiny.get(name, 1)) for name, value in self.scaled.items()}
        if scale == 0:
            return {**self.fixed, **shrunk, **self.tiny}
        return {**self.fixed, **shrunk}


def bulk(title, work, tunnels, upstream="socks", floor="relay", total=1536 * MIB, clients="http"):
    return Row(f"{title}, CPU s/GiB", work, upstream, {"tunnels": tunnels}, {"bytes": total // tunnels}, {"bytes": 300_000},
               per="bytes", unit=1 << 30, factor=1, floor=floor, clients=clients)


def churn(title, upstream="socks", floor="connect", count=6000, also=(), clients="http"):
    return Row(f"{title}, us", "churn", upstream, {"tunnels": 32, "sources": 8, "size": 1}, {"count": count}, {"count": 60},
               floor=floor, also=also, clients=clients)


def get(title, size, count, upstream="socks"):
    return Row(f"{title}, us", "get", upstream, {"tunnels": 32, "size": size}, {"count": count}, {"count": 100},
               per="answers")


ROWS = {
    "churn": churn("CONNECT + echo + close"),
    "churn-password": churn("the same, SOCKS5 with password", "socks_password"),
    "churn-http": churn("the same, HTTP upstream", "http", floor="relay"),
    "churn-https": churn("the same, HTTPS upstream", "https", floor="", count=2000, also=("resumed",)),
    "churn-order": churn("the same, 4 SOCKS5 upstreams, the first that works", "socks_order"),
    "churn-least": churn("the same, 4 SOCKS5 upstreams, the one with the least to do", "socks_least"),
    "churn-socks": churn("the same, clients over SOCKS5", floor="relay", clients="socks"),
    "churn-tls": churn("the same, HTTP upstream, clients over TLS", "http", floor="", count=2000, clients="tls"),
    "churn-tls-resumed": churn("the same, resumed", "http", floor="", count=2000, clients="tls_resumed"),
    "download4": bulk("4 downloads", "download", 4),
    "download64": bulk("64 downloads", "download", 64),
    "upload4": bulk("4 uploads", "upload", 4),
    "upload64": bulk("64 uploads", "upload", 64),
    "download4-http": bulk("4 downloads, HTTP upstream", "download", 4, "http"),
    "download4-https": bulk("4 downloads, HTTPS upstream", "download", 4, "https", "copy", 512 * MIB),
    "upload4-https": bulk("4 uploads, HTTPS upstream", "upload", 4, "https", "copy", 512 * MIB),
    "download4-tls": bulk("4 downloads, clients over TLS", "download", 4, "http", "copy", 512 * MIB, "tls"),
    "upload4-tls": bulk("4 uploads, clients over TLS", "upload", 4, "http", "copy", 512 * MIB, "tls"),
    "ping": Row("1 byte there and back, us", "ping", fixed={"tunnels": 1, "size": 1}, scaled={"messages": 10000},
                tiny={"messages": 50}, per="answers", one_core=True),
    "get1k": get("GET 1 KiB, keep-alive", 1024, 20000),
    "get64k": get("GET 64 KiB, keep-alive", 65536, 5000),
    "get1k-http": get("GET 1 KiB, HTTP upstream", 1024, 20000, "http"),
    "mixed": Row("1,000 mixed tunnels, CPU s / message p99 ms", "mixed", fixed={"tunnels": 1000, "bulk": 20, "size": 1024},
                 scaled={"messages": 30, "bytes": 12 * MIB}, tiny={"messages": 2, "bytes": 100_000, "tunnels": 50, "bulk": 3},
                 per="run", factor=1, also=("p99_ms",)),
    "burst": Row("5,000 tunnels at once, us each / the last after ms", "burst", fixed={"sources": 8, "size": 1},
                 scaled={"tunnels": 5000}, tiny={"tunnels": 100}, also=("max_ms",), floor="connect"),
    "idle": Row("10,000 idle tunnels, bytes each / MiB more after they closed", "idle", fixed={"sources": 4},
                scaled={"tunnels": 10000}, tiny={"tunnels": 100}, also=("kept_mib",)),
    "check": Row("half-close, early data, order, sizes, hashes", "check", fixed={"tunnels": 16, "sources": 8},
                 scaled={"count": 1000, "bytes": MIB // 2}, tiny={"count": 60, "bytes": 300_000}),
}
