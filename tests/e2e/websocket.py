"""A WebSocket echo of Debian's python3-websockets: `serve ADDRESS PORT`, or `send PROXY-PORT URL MESSAGE...`.

The client sends its handshake to the proxy in absolute-form, as http_proxy asks of ws:// URLs too.
"""

import asyncio
import sys

sys.path.append("/usr/lib/python3/dist-packages")
import websockets
from websockets.legacy.client import WebSocketClientProtocol, connect


async def serve(address, port):
    async def echo(connection, *_):
        async for message in connection:
            await connection.send(message)

    async with websockets.serve(echo, address, int(port), max_size=None):
        await asyncio.Future()


class ThroughProxy(WebSocketClientProtocol):
    url = ""

    def write_http_request(self, path, headers):
        super().write_http_request(self.url + path, headers)


async def send(proxy_port, url, *sizes):
    ThroughProxy.url = url.replace("ws:", "http:")
    options = {"host": "127.0.0.1", "port": int(proxy_port), "create_protocol": ThroughProxy, "max_size": None}
    async with connect(url + "/", **options) as connection:
        for size in map(int, sizes):
            message = "x" * size
            await connection.send(message)
            if await connection.recv() != message:
                sys.exit("the echo differs")
    print("echoed", connection.close_code)


asyncio.run({"serve": serve, "send": send}[sys.argv[1]](*sys.argv[2:]))
