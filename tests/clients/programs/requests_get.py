import sys

import requests

reply = requests.get(sys.argv[1], timeout=30)
print(reply.text)
reply.raise_for_status()
