"""The programs under test: how each is started for a kind of upstream, and what its process has used."""

import glob
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

USER, PASSWORD = "bench", "rig-password"


class NotHere(Exception):
    """The program is not to be had; the message says why."""


class Unfit(Exception):
    """The program does not do this."""


class Place:
    """What a command line is made from: a port, the servers' ports, a scratch folder, unpacked packages."""

    def __init__(self, port, ports, upstream, folder, peers, build, clients):
        self.port, self.ports, self.upstream, self.folder = port, ports, upstream, folder
        self.peers, self.build, self.clients = peers, build, clients
        self.balance = upstream.partition("_")[2] if upstream in ("socks_order", "socks_least") else ""
        self.to = ports["socks" if self.balance else upstream]
        self.over_tls = clients.startswith("tls")
        self.certificate = os.path.join(os.path.dirname(folder), "upstream.crt")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def program(self, name):
        """An unpacked program, or one of the machine's own."""
        for path in (f"{self.peers}/usr/sbin/{name}", f"{self.peers}/usr/bin/{name}"):
            if os.access(path, os.X_OK):
                return path
        path = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")
        if not path:
            raise NotHere(f"{name} (scripts/peers --bench unpacks it)")
        return path

    def folder_of(self, name):
        """A folder below /usr, unpacked or the machine's own."""
        for path in (f"{self.peers}/usr/{name}", f"/usr/{name}"):
            if os.path.isdir(path):
                return path
        raise NotHere(f"/usr/{name} (scripts/peers --bench unpacks it)")

    def only(self, *upstreams, clients=("http",)):
        if self.upstream not in upstreams:
            raise Unfit(f"no {self.upstream} upstream")
        if self.clients not in clients:
            raise Unfit(f"no {self.clients} clients")

    def of_like_clients(self):
        """The port of a proxy that speaks what the clients do: a relay passes their own requests on to it."""
        return self.ports["socks" if self.clients == "socks" else "http"]

    def own_certificate(self):
        """Of a proxy whose clients come over TLS: the same for all, and in one file with its key."""
        path = os.path.join(os.path.dirname(self.folder), "listener.pem")
        if not os.path.exists(path):
            command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                       "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-", "-out", "-"]
            try:
                made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            except (OSError, subprocess.CalledProcessError) as error:
                raise NotHere("a certificate from openssl") from error
            with open(path, "w", encoding="ascii") as file:
                file.write(made)
        return path


def culvert(place, binary=None, threads=1):
    scheme, credentials, query = {
        "socks": ("socks5", "", ""), "socks_password": ("socks5", f"{USER}:{PASSWORD}@", ""),
        "http": ("http", "", ""), "https": ("https", "", f"?ca={place.certificate}"),
    }["socks" if place.balance else place.upstream]
    listen = f"127.0.0.1:{place.port}"
    if place.over_tls:
        listen = f"https://{listen}?cert={place.own_certificate()}&key={place.own_certificate()}"
    lanes = []
    if place.balance:
        lanes = ["--balance", place.balance]
        for more in ("socks_second", "socks_third", "socks_fourth"):
            lanes += ["--upstream", f"socks5://127.0.0.1:{place.ports[more]}"]
    return [binary or f"{place.build}/culvert", "--listen", listen, "--threads", str(threads),
            "--max-connections", "100000", "--access-log", "off", "--log-level", "error",
            "--upstream", f"{scheme}://{credentials}127.0.0.1:{place.to}{query}", *lanes]


def floor(place, role):
    to = place.to if role == "connect" else place.of_like_clients()
    more = ["--copy", "1"] if role == "copy" else []
    if place.upstream == "socks_password":
        more += ["--password", f"{USER}:{PASSWORD}"]
    return [f"{place.build}/tests/bench/floor", "connect" if role == "connect" else "relay",
            "--listen", f"127.0.0.1:{place.port}", "--to", f"127.0.0.1:{to}", *more]


def tinyproxy(place):
    place.only("socks", "socks_password", "http")
    kind = "http" if place.upstream == "http" else "socks5"
    credentials = f"{USER}:{PASSWORD}@" if place.upstream == "socks_password" else ""
    return [place.program("tinyproxy"), "-d", "-c", place.write(
        "tinyproxy.conf",
        f"Port {place.port}\nListen 127.0.0.1\nTimeout 600\nLogLevel Critical\nMaxClients 30000\nDisableViaHeader Yes\n"
        f"upstream {kind} {credentials}127.0.0.1:{place.to}\n")]


def privoxy(place):
    place.only("socks", "socks_password", "http")
    credentials = f"{USER}:{PASSWORD}@" if place.upstream == "socks_password" else ""
    way = f"forward / 127.0.0.1:{place.to}" if place.upstream == "http" else \
        f"forward-socks5 / {credentials}127.0.0.1:{place.to} ."
    return [place.program("privoxy"), "--no-daemon", place.write(
        "privoxy.conf",
        f"confdir {place.folder}\nlogdir {place.folder}\nlisten-address 127.0.0.1:{place.port}\ntoggle 0\ndebug 0\n"
        f"max-client-connections 30000\nkeep-alive-timeout 600\nsocket-timeout 600\nconnection-sharing 0\n{way}\n")]


def v2ray(place):
    place.only("socks", "socks_password", "http", "https", clients=("http", "socks"))
    server = {"address": "127.0.0.1", "port": place.to}
    if place.upstream == "socks_password":
        server["users"] = [{"user": USER, "pass": PASSWORD}]
    way_out = {"protocol": "socks" if place.upstream.startswith("socks") else "http", "settings": {"servers": [server]}}
    if place.upstream == "https":
        way_out["streamSettings"] = {"security": "tls", "tlsSettings": {"allowInsecure": True, "serverName": "bench"}}
    return [place.program("v2ray"), "-config", place.write("v2ray.json", json.dumps({
        "log": {"loglevel": "none"},
        "inbounds": [{"listen": "127.0.0.1", "port": place.port, "protocol": place.clients}],
        "outbounds": [way_out],
        "policy": {"levels": {"0": {"connIdle": 600}}}}))]


def squid(place):
    """Speaks no SOCKS, so it goes direct there, which spares it a round trip."""
    place.only("socks", "http")
    parent = f"cache_peer 127.0.0.1 parent {place.to} 0 no-query default\nnever_direct allow all\n" \
        if place.upstream == "http" else ""
    binary = place.program("squid")
    share, helpers = place.folder_of("share/squid"), place.folder_of("lib/squid")
    # It gives up root.
    os.chmod(place.folder, 0o777)
    return [binary, "-N", "-f", place.write(
        "squid.conf",
        f"http_port 127.0.0.1:{place.port}\nhttp_access allow all\n{parent}cache deny all\ncache_mem 8 MB\naccess_log none\n"
        f"cache_log {place.folder}/cache.log\ncache_store_log none\npid_filename {place.folder}/squid.pid\n"
        f"coredump_dir {place.folder}\nerror_directory {place.folder}\nicon_directory {share}/icons\nmime_table {share}/mime.conf\nunlinkd_program {helpers}/unlinkd\n"
        "max_filedescriptors 100000\npinger_enable off\nvia off\nforwarded_for delete\nshutdown_lifetime 0 seconds\n"
        "visible_hostname bench\nclient_idle_pconn_timeout 600 seconds\nmemory_cache_shared off\n")]


def haproxy(place):
    """Only relays TCP, to the upstream that speaks what the clients do (over TLS to the HTTPS one)."""
    place.only("socks", "http", "https", clients=("http", "socks", "tls", "tls_resumed"))
    tls = place.upstream == "https"
    to = place.to if tls else place.of_like_clients()
    # Splicing takes two more descriptors a connection, for as long as bytes are under way.
    most = int(resource.getrlimit(resource.RLIMIT_NOFILE)[0] / 2.6) - 60
    return [place.program("haproxy"), "-db", "-q", "-f", place.write(
        "haproxy.cfg",
        f"global\n  maxconn {most}\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 600s\n"
        "  timeout server 600s\n  option splice-request\n  option splice-response\n"
        f"listen bench\n  bind 127.0.0.1:{place.port}{f' ssl crt {place.own_certificate()}' if place.over_tls else ''}\n"
        f"  server up 127.0.0.1:{to}{' ssl verify none' if tls else ''}\n")]


def tls_of_clients(place, to, resumes):
    """No proxy under test: takes the clients' plain connections on to one that wants TLS."""
    reuse = "" if resumes else " no-ssl-reuse"
    return [place.program("haproxy"), "-db", "-q", "-f", place.write(
        "clients.cfg",
        f"global\n  maxconn 2000\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 600s\n  timeout server 600s\n"
        f"listen clients\n  bind 127.0.0.1:{place.port}\n  server proxy 127.0.0.1:{to} ssl verify none{reuse}\n")]


PEERS = {"tinyproxy": tinyproxy, "privoxy": privoxy, "v2ray": v2ray, "squid": squid, "haproxy": haproxy}


def free_port(least=0):
    """Below the range of ports that the kernel gives to connections, which would take it in between."""
    for port in range(max(least, 20100 + os.getpid() % 4000), 32000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError("no free port")


class Proxy:
    """A program under test while it runs."""

    def __init__(self, name, make, servers, upstream, peers, build, clients="http"):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="proxy-", dir=servers.folder)
        # Where it listens, and where its clients find it.
        self.port = self.entry = free_port()
        self.front = None
        argv = make(Place(self.port, servers.ports, upstream, self.folder, peers, build, clients))
        env = dict(os.environ)
        if argv[0].startswith(peers):
            env["LD_LIBRARY_PATH"] = ":".join(glob.glob(f"{peers}/usr/lib/*-linux-gnu*") + [f"{peers}/usr/lib"])
        self.output = os.path.join(self.folder, "output")
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd=self.folder)
        self.pid = self.process.pid
        self._wait_listening()

    def _wait_listening(self):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise NotHere(f"{self.name} does not start: {self.last_words[-300:]!r}")

    def said(self):
        with open(self.output, encoding="utf-8", errors="replace") as output:
            return output.read()

    def running(self):
        return self.process.poll() is None

    def cpu_seconds(self):
        """User and system time of all threads, those that have ended too, in nanoseconds' steps."""
        # As clock_getcpuclockid(3) makes the number.
        return time.clock_gettime(~self.pid << 3 | 2)

    def memory(self):
        """Proportional set size in bytes: what this process would give back if it ended."""
        return self._rollup("Pss:")

    def resident(self):
        return self._rollup("Rss:")

    def _rollup(self, field):
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def stop(self):
        for wanted, seconds in ((signal.SIGTERM, 2), (signal.SIGKILL, 5)):
            if self.process.poll() is None:
                self.process.send_signal(wanted)
                try:
                    self.process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
        self.last_words = self.said()
        shutil.rmtree(self.folder, ignore_errors=True)
