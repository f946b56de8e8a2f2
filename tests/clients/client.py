"""What the matrix knows of a client: how it is run, and by what it shows that it works."""

import dataclasses
import re

GET = "GET /hello HTTP/1.0\r\nHost: {host}\r\n\r\n"

# What shows that a client works: its output holds what the target has sent; or the target was asked, and the client's exit
# status is 0; or the target was asked.
OUTPUT, STATUS, REACHED = range(3)


@dataclasses.dataclass(frozen=True)
class Client:
    """A row of the matrix. Commands are lines for sh in a folder of their own, in which {url}, {host}, {port}, {proxy},
    {proxy_host}, {proxy_port}, {ca}, {dir} and {programs} are replaced. The usual variables name the proxy in any case,
    and the machine trusts the authority of the target's certificate."""

    name: str
    version: str  # the command that prints it
    get: str = ""  # for https as well as http
    https: str = ""  # in place of get
    http: str = ""  # in place of get
    tunnel: str = ""  # of a program that sends CONNECT in any case: counts as https
    packages: str = ""  # Debian's
    npm: str = ""
    path: str = "/hello"
    port: int = 0  # the target is an address with this port, as the client has no names or no HTTP
    env: dict = dataclasses.field(default_factory=dict)
    stdin: str = ""
    proof: str = OUTPUT
    # A program that does not end by itself. It is ended when it has reached the target; and when the upstream is down, at its
    # second attempt, or if there is none for so many seconds after the first.
    stays: int = 0
    seconds: int = 30  # any other one is ended then
    down: str = "https"  # by which scheme it meets the upstream that is down
    small: bool = False  # in CI

    @property
    def slug(self):
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    def command(self, scheme):
        """The line for sh, or "" where the client has no such mode."""
        return self.http or self.get if scheme == "http" else self.https or self.tunnel or self.get


def filled(text, values):
    """The text with {name} replaced for each name in values; other braces are left alone."""
    return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], found[0])), text)
