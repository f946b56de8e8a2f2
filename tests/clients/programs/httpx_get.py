import sys

import httpx

reply = httpx.get(sys.argv[1])
print(reply.text)
reply.raise_for_status()
