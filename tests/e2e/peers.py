"""The real programs around culvert: the far ends of the tunnels, registries and docker."""

import contextlib
import glob
import json
import os
import signal
import socket
import subprocess
import unittest

import isolate
from testbed import BORDER, BORDER_ABROAD, GCR, Program, wait_for

# A target port that dante's and squid's rules forbid.
FORBIDDEN_PORT = 4444
# One that squid takes plain requests for, and upgrades, but no CONNECT.
NO_CONNECT_PORT = 8766
# A domain that squid forbids.
FORBIDDEN_DOMAIN = "forbidden.world"

USER = "traveller"
# Hard to meet by chance in any output, and with characters that a URL has to escape.
PASSWORD = "pa55:w@rd/%-hush"
PASSWORD_IN_URL = "pa55%3Aw%40rd%2F%25-hush"
LOGIN = f"{USER}:{PASSWORD_IN_URL}@"

SSH_PORT = 22
SOCKS_PORT = 1080
DANTE_PORT = 1081
MICROSOCKS_PORT = 1082
MICROSOCKS_AUTH_PORT = 1083
SQUID_PORT = 3128
SQUID_TLS_PORT = 3129


def folder(name):
    path = os.path.join(isolate.STATE, name)
    os.makedirs(path, exist_ok=True)
    return path


def put(path, text, mode=0o644):
    isolate.write(path, text, mode)
    return path


def start_sshd(testbed):
    """The far end of ssh -D. Its user's key is made anew for each test."""
    at = folder("sshd")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{at}/{name}"], check=True)
    config = put(
        f"{at}/sshd_config",
        f"Port {SSH_PORT}\nListenAddress {BORDER}\nHostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\nStrictModes no\n"
        "UsePAM no\nUseDNS no\nPasswordAuthentication no\nAllowTcpForwarding yes\nPidFile none\nMaxSessions 1000\n"
        # By default 10: it refuses some of those that come at once.
        "MaxStartups 100\n",
    )
    sshd = testbed.start(Program("sshd", testbed.border, ["/usr/sbin/sshd", "-D", "-e", "-f", config]))
    sshd.wait_listening(SSH_PORT, BORDER)
    return sshd


def state(pid):
    """As ps shows it: T is stopped, Z dead and not yet waited for; nothing at all if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid):
    """Also if only its first thread has ended, which looks dead then: the others may have its descriptors still."""
    try:
        return state(pid) not in ("", "Z") or len(os.listdir(f"/proc/{pid}/task")) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid):
    """Ends it, if it has not ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: not is_running(pid), 10, f"process {pid} still runs")


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def pause(pid):
    """Like a link that hangs: nothing is answered, and nothing is closed. A process that is stopped has no new children."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return
    wait_for(lambda: state(pid) in ("T", "Z", ""), 5, f"process {pid} does not stop")
    for child in children(pid):
        pause(child)


def resume(pid):
    for child in children(pid):
        resume(child)
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


class SshTunnel(Program):
    """ssh -D at home, to the sshd on the border. Can be cut and started again."""

    def __init__(self, testbed, port=SOCKS_PORT, to=(BORDER, SSH_PORT), more=(), address="127.0.0.1"):
        """`to`: the address and port of the sshd, or of what leads there. `more`: options that others do not have."""
        self.port, self.address = port, address
        at = folder("sshd")
        options = ["BatchMode=yes", "StrictHostKeyChecking=no", f"UserKnownHostsFile={at}/known_hosts", "ExitOnForwardFailure=yes",
                   "Ciphers=aes128-gcm@openssh.com", "LogLevel=VERBOSE"]
        argv = ["/usr/bin/ssh", "-N", "-F", "none", "-i", f"{at}/user", "-D", f"{address}:{port}"]
        for option in (*options, *more):
            argv += ["-o", option]
        super().__init__("ssh", testbed.home, [*argv, "-p", to[1], f"{USER}@{to[0]}"])

    def up(self):
        self.start()
        self.wait_listening(self.port, self.address)

    def cut(self):
        """Like a lost network: nothing is closed in an orderly manner."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: not self.host.listens(self.port), 5, "the tunnel's port is still there")


def start_ssh_tunnel(testbed, **more):
    tunnel = SshTunnel(testbed, **more)
    testbed.processes.append(tunnel)
    tunnel.up()
    return tunnel


def has_dante():
    """CI has it, so there what needs it fails where it is not."""
    return os.path.exists("/usr/sbin/danted") or os.environ.get("CI") == "true"


def need_dante():
    """Skips a test of what microsocks in place of dante does not do: rules, half-closes, the reason why a name is not found."""
    if not has_dante():
        raise unittest.SkipTest("SKIP: there is no dante here (Debian 13 has none)")


def start_dante(testbed):
    """A SOCKS5 server that wants a user of the system with a password. Where there is no dante, microsocks, which has its own users."""
    if not has_dante():
        return start_microsocks(testbed, authenticated=True, port=DANTE_PORT)
    hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True).stdout.strip()
    with open("/etc/shadow", encoding="utf-8") as file:
        shadow = [line for line in file if not line.startswith(f"{USER}:")]
    put("/etc/shadow", "".join(shadow) + f"{USER}:{hashed}:19000:0:99999:7:::\n", 0o640)
    everyone = "from: 0.0.0.0/0 to: 0.0.0.0/0"
    config = put(
        f"{folder('dante')}/danted.conf",
        f"logoutput: stderr\ninternal: {BORDER} port = {DANTE_PORT}\nexternal: {BORDER_ABROAD}\n"
        "clientmethod: none\nsocksmethod: username\nuser.privileged: root\nuser.unprivileged: nobody\n"
        f"client pass {{ {everyone} }}\n"
        f"socks block {{ {everyone} port = {FORBIDDEN_PORT} }}\n"
        f"socks pass {{ {everyone} }}\n",
    )
    dante = testbed.start(Program("dante", testbed.border, ["/usr/sbin/danted", "-f", config, "-N", "1"]))
    dante.wait_listening(DANTE_PORT, BORDER)
    return dante


def start_microsocks(testbed, authenticated=False, port=None):
    port = port or (MICROSOCKS_AUTH_PORT if authenticated else MICROSOCKS_PORT)
    credentials = ["-u", USER, "-P", PASSWORD] if authenticated else []
    microsocks = testbed.start(
        Program("microsocks", testbed.border, ["/usr/bin/microsocks", "-i", BORDER, "-p", port, *credentials])
    )
    microsocks.wait_listening(port, BORDER)
    return microsocks


def start_squid(testbed, name="proxy.border"):
    """An HTTP proxy with Basic authentication, once in the clear and once over TLS."""
    at = folder("squid")
    os.chown(at, 13, 13)
    certificate, key = testbed.ca.issue("squid", f"DNS:{name}", f"IP:{BORDER}")
    hashed = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True).stdout.strip()
    put(f"{at}/users", f"{USER}:{hashed}\n")
    config = put(
        f"{at}/squid.conf",
        f"http_port {BORDER}:{SQUID_PORT}\n"
        f"https_port {BORDER}:{SQUID_TLS_PORT} tls-cert={certificate} tls-key={key}\n"
        f"auth_param basic program /usr/lib/squid/basic_ncsa_auth {at}/users\nauth_param basic children 2\n"
        f"acl known proxy_auth REQUIRED\nacl forbidden port {FORBIDDEN_PORT}\nacl banned dstdomain .{FORBIDDEN_DOMAIN}\n"
        f"acl connect method CONNECT\nacl no_connect port {NO_CONNECT_PORT}\n"
        "http_access deny !known\nhttp_access deny forbidden\nhttp_access deny banned\nhttp_access deny connect no_connect\nhttp_access allow all\n"
        "http_upgrade_request_protocols websocket allow all\n"
        "cache deny all\ncache_mem 8 MB\nmemory_cache_shared off\npinger_enable off\nmax_filedescriptors 4096\n"
        # By default 512 KB: now and then squid 5 drops an upload that comes faster than the target takes it, curl's own
        # as well as culvert's.
        "client_request_buffer_max_size 16 MB\n"
        "shutdown_lifetime 0 seconds\nvisible_hostname proxy.border\nconnect_timeout 5 seconds\n"
        f"pid_filename {at}/pid\ncoredump_dir {at}\ncache_log {at}/cache.log\naccess_log stdio:{at}/access.log\n",
    )
    squid = testbed.start(Program("squid", testbed.border, ["/usr/sbin/squid", "-N", "-d", "1", "-f", config]))
    squid.wait_listening(SQUID_PORT, BORDER)
    squid.wait_listening(SQUID_TLS_PORT, BORDER)
    return squid


def ask_haproxy(control, command):
    """At its control socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(control)
        connection.sendall(command.encode() + b"\n")
        with connection.makefile(encoding="ascii") as answer:
            return answer.read()


def haproxy_stats(control):
    """A row for each frontend, backend and server, by the names of the columns."""
    lines = ask_haproxy(control, "show stat").splitlines()
    names = lines[0].lstrip("# ").split(",")
    return [dict(zip(names, line.split(","))) for line in lines[1:] if line]


class Haproxy(Program):
    """A load balancer for TCP: one bind line, one server line. Not started yet."""

    def __init__(self, testbed, host, bind, server):
        number = next(self.numbers)
        at = folder("haproxy")
        self.control = f"{at}/{number}.sock"
        config = put(
            f"{at}/{number}.cfg",
            f"global\n  nbthread 1\n  maxconn 1000\n  log stdout format raw daemon\n  stats socket {self.control}\n"
            "defaults\n  mode tcp\n  log global\n  log-format client=%ci:%cp\\ reached=%fi:%fp\n  unique-id-format %rt\n"
            "  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
            f"frontend clients\n  bind {bind}\n  default_backend servers\nbackend servers\n  server one {server}\n",
        )
        super().__init__("haproxy", host, ["/usr/sbin/haproxy", "-db", "-f", config])

    def _answers(self):
        try:
            return "servers" in ask_haproxy(self.control, "show backend")
        except OSError:
            return False

    def wait_serving(self):
        self.wait_until(self._answers)

    def wait_log(self, text):
        wait_for(lambda: text in self.output(), 20, lambda: f"{text!r} is not in the log:\n{self.tail(40)}")

    def wait_checked(self):
        """Until the server's health checks have been fine for a while."""
        fine = 0

        def checked():
            nonlocal fine
            rows = haproxy_stats(self.control)
            server = next(row for row in rows if (row["pxname"], row["svname"]) == ("servers", "one"))
            fine = fine + 1 if server["check_status"].lstrip("* ") in ("L4OK", "L6OK") else 0
            return fine >= 20

        wait_for(checked, 20, "the health checks do not pass")


def start_registry(testbed, name="gcr.io", address=GCR):
    """A real registry behind TLS, with a certificate that home trusts by the test's authority alone."""
    at = folder(name)
    certificate, key = testbed.ca.issue(name, f"DNS:{name}", f"IP:{address}")
    config = put(
        f"{at}/config.yml",
        f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {at}/data}}}}\n"
        f"http: {{addr: '{address}:443', tls: {{certificate: {certificate}, key: {key}}}}}\n",
    )
    registry = testbed.start(Program(name, testbed.outside, ["/usr/bin/docker-registry", "serve", config]))
    registry.wait_listening(443, address)
    return registry


def cache_folder(port):
    return folder(f"cache-{port}")


def cached_blobs(port):
    """How many blobs and manifests the pull-through registry has stored. It does so after it has served them."""
    return sum("data" in files for _, _, files in os.walk(f"{cache_folder(port)}/data/docker/registry/v2/blobs"))


def pull_through_registry(testbed, port, proxy, **more):
    """A registry at home that fetches from gcr.io what it does not have, through the proxy. Not started yet."""
    at = cache_folder(port)
    config = f"{at}/config.yml"
    if not os.path.exists(config):
        put(
            config,
            f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {at}/data}}}}\n"
            f"http: {{addr: '127.0.0.1:{port}'}}\nproxy: {{remoteurl: 'https://gcr.io'}}\n",
        )
    env = {"https_proxy": proxy, "SSL_CERT_FILE": testbed.ca.certificate, **more}
    return Program(f"cache-{port}", testbed.home, ["/usr/bin/docker-registry", "serve", config], env)


def removed(folder):
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True


def dockerd_is_old():
    """20.10, of Debian 12."""
    return " 20.10." in subprocess.run(["/usr/sbin/dockerd", "--version"], check=True, capture_output=True, text=True).stdout


class Dockerd(Program):
    """A real docker daemon at home. If it only pulls, it needs no bridge, and it never needs a packet filter.

    With `containers` it runs some, on a bridge of its own, whose address is 172.17.0.1.
    """

    def __init__(self, testbed, proxy=None, download_attempts=2, trusted=None, containers=False, settings=None, environment=None):
        at = folder(f"docker-{next(self.numbers)}")
        if not dockerd_is_old():
            # 20.10 tries once more than it is told.
            download_attempts += 1
        env = {"SSL_CERT_FILE": trusted or testbed.ca.certificate}
        if proxy:
            env.update(HTTP_PROXY=proxy, HTTPS_PROXY=proxy, NO_PROXY="127.0.0.1,localhost")
        env.update(environment or {})
        self.socket = f"{at}/docker.sock"
        self._cgroup = f"culvert-{os.urandom(6).hex()}" if containers else None
        config = put(f"{at}/daemon.json", json.dumps(settings or {}))
        argv = ["/usr/sbin/dockerd", "--config-file", config, "--data-root", f"{at}/data", "--exec-root", f"{at}/exec",
                "--pidfile", f"{at}/pid", "-H", f"unix://{self.socket}", "--iptables=false", "--ip-masq=false",
                "--max-download-attempts", download_attempts]
        argv += [f"--cgroup-parent=/{self._cgroup}"] if containers else ["--bridge=none"]
        super().__init__("dockerd", testbed.home, argv, env)

    def wait_ready(self):
        self.wait_until(self._answers, 40)

    def _answers(self):
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(self.socket)
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b"200 OK" in connection.recv(4096)
            except OSError:
                return False

    def command_line(self, *arguments):
        return ["/usr/bin/docker", "-H", f"unix://{self.socket}", *arguments]

    def docker(self, *arguments, check=True, **options):
        return self.host.run(*self.command_line(*arguments), check=check, **options)

    def remove_containers(self):
        """And their control groups, which would outlive the test."""
        if names := self.docker("ps", "-aq").stdout.split():
            self.docker("rm", "-f", "-v", *names)
        for pattern in ("", "*/"):
            for path in glob.glob(f"/sys/fs/cgroup/{pattern}{self._cgroup}"):
                wait_for(lambda path=path: removed(path), 10, f"{path} is in use")


def start_dockerd(testbed, proxy=None, **more):
    dockerd = testbed.start(Dockerd(testbed, proxy, **more))
    dockerd.wait_ready()
    return dockerd
