"""A program: clients that open short tunnels at a rate, and bulk tunnels that go on meanwhile; or their target.

    fleet_load.py target ADDRESS
    fleet_load.py clients PROXY_ADDRESS PROXY_PORT TARGET_ADDRESS TARGET_PORT RATE BULK

The target prints its port, finishes what the bulk tunnels carry after a line on standard input, and ends with that. The clients print a
line of JSON for each line on standard input, and a last one when that has ended and the bulk tunnels are through; `lost` and the like
are local ports of theirs, `oldest` is when the first of those short tunnels began that are under way.
"""

import asyncio
import contextlib
import json
import sys
import time

PIECE = bytes(range(256)) * 256
END = b"end."
finished = False


async def serve(reader, writer):
    """`ping` comes back; after `bulk` there are pieces, 20 a second, until all bulk tunnels are to finish."""
    try:
        word = await reader.readexactly(4)
        while word == b"bulk" and not finished:
            writer.write(PIECE)
            await writer.drain()
            await asyncio.sleep(0.05)
        writer.write(END if word == b"bulk" else word)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


class Clients:
    def __init__(self, proxy, target):
        self.proxy = proxy
        self.request = f"CONNECT {target[0]}:{target[1]} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        self.under_way = {}  # when each short tunnel began
        self.figures = {
            "served": 0, "slowest": 0.0, "refused": [], "lost": [],
            "bulk": [], "bulk_bytes": 0, "bulk_whole": 0, "bulk_lost": [],
        }

    async def open(self, word):
        """A tunnel, in which the word is sent, and its local port. No tunnel if it was refused, or lost before the answer."""
        port = None
        try:
            reader, writer = await asyncio.open_connection(*self.proxy)
            port = writer.get_extra_info("sockname")[1]
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"HTTP/1.1 200 "):
                writer.write(word)
                return reader, writer, port
            self.figures["refused"].append(head.decode("latin-1"))
            writer.close()
        except (OSError, asyncio.IncompleteReadError) as error:
            if port is None:
                self.figures["refused"].append(repr(error))
            else:
                self.figures["lost"].append(port)
                writer.close()
        return None

    async def short(self):
        begun = self.under_way[asyncio.current_task()] = time.monotonic()
        try:
            await self.ping(begun)
        finally:
            del self.under_way[asyncio.current_task()]

    async def ping(self, begun):
        if not (tunnel := await self.open(b"ping")):
            return
        reader, writer, port = tunnel
        received = b""
        with contextlib.suppress(OSError):
            received = await reader.read(-1)
        writer.close()
        if received == b"ping":
            self.figures["served"] += 1
            self.figures["slowest"] = max(self.figures["slowest"], time.monotonic() - begun)
        else:
            self.figures["lost"].append(port)

    async def bulk(self):
        reader, writer, port = await self.open(b"bulk")
        self.figures["bulk"].append(port)
        position, held = 0, b""
        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 18):
                held += piece
                body, held = held[:-4], held[-4:]
                at = position % len(PIECE)
                if body != (PIECE * (2 + len(body) // len(PIECE)))[at : at + len(body)]:
                    raise ValueError("other bytes than those that were sent")
                position += len(body)
        writer.close()
        self.figures["bulk_bytes"] += position
        if held == END:
            self.figures["bulk_whole"] += 1
        else:
            self.figures["bulk_lost"].append(port)


async def run_clients(proxy, target, rate, bulk):
    clients = Clients(proxy, target)
    begun, ended = time.monotonic(), asyncio.Event()

    def asked():
        if sys.stdin.readline():
            oldest = min(clients.under_way.values(), default=time.monotonic())
            print(json.dumps({**clients.figures, "oldest": oldest}), flush=True)
        else:
            asyncio.get_running_loop().remove_reader(sys.stdin)
            ended.set()

    asyncio.get_running_loop().add_reader(sys.stdin, asked)
    downloads = [asyncio.ensure_future(clients.bulk()) for _ in range(bulk)]
    running, due = set(), begun
    while not ended.is_set():
        # What the machine is too slow for is not made up for.
        now = time.monotonic()
        due = max(due, now - 0.02)
        while due <= now and len(running) < 500:
            task = asyncio.ensure_future(clients.short())
            running.add(task)
            task.add_done_callback(running.discard)
            due += 1 / rate
        await asyncio.sleep(0.002)
    seconds = time.monotonic() - begun
    await asyncio.gather(*running, *downloads)
    print(json.dumps({**clients.figures, "rate": round(clients.figures["served"] / seconds)}), flush=True)


async def run_target(address):
    server = await asyncio.start_server(serve, address, 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()

    def told():
        global finished
        if sys.stdin.readline():
            finished = True
        else:
            ended.set()

    asyncio.get_running_loop().add_reader(sys.stdin, told)
    await ended.wait()


def main():
    if sys.argv[1] == "target":
        asyncio.run(run_target(sys.argv[2]))
    else:
        proxy, proxy_port, target, port, *numbers = sys.argv[2:]
        asyncio.run(run_clients((proxy, int(proxy_port)), (target, int(port)), *map(int, numbers)))


main()
