import asyncio
import sys

import aiohttp


async def get(url):
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.get(url) as reply:
            print(await reply.text())
            reply.raise_for_status()


asyncio.run(get(sys.argv[1]))
