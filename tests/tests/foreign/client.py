"""The package qemu.qmp as a client of a guest agent: what it hears, as one JSON document.

It sends no newline, and strings as ids."""

import asyncio
import base64
import json
import sys

from qemu.qmp import QMPClient
from qemu.qmp.qmp_client import ExecuteError


async def refusal(client, command):
    try:
        await client.execute(command)
    except ExecuteError as error:
        return error.error_class
    return None


async def converse(client):
    heard = {"ping": await client.execute("guest-ping")}
    heard["sync"] = await client.execute("guest-sync", {"id": 77})
    heard["info"] = await client.execute("guest-info")
    heard["os"] = await client.execute("guest-get-osinfo")
    handle = await client.execute("guest-file-open", {"path": "/etc/motd"})
    read = await client.execute("guest-file-read", {"handle": handle})
    heard["file"] = base64.b64decode(read["buf-b64"]).decode()
    heard["unknown"] = await refusal(client, "guest-nope")
    heard["incomplete"] = await refusal(client, "guest-file-close")
    # All at once: each answer has the id of its question.
    syncs = [client.execute("guest-sync", {"id": number}) for number in range(20)]
    heard["syncs"] = await asyncio.gather(*syncs)
    return heard


async def main(path):
    client = QMPClient()
    # There is no greeting, and nothing to agree on.
    client.await_greeting = False
    client.negotiate = False
    await client.connect(path)
    try:
        return await converse(client)
    finally:
        await client.disconnect()


print(json.dumps(asyncio.run(main(sys.argv[1]))))
