"""A slot as a pod of an indexed Job: ``python -m qmk.host.cluster.kubernetes_slot --generation N --numbers 0,3``.

Its index in the Job says which of the numbers is its own. Settings and identity come in its environment: a mounted file
of a Secret would be readable by more than its user.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import tempfile
from pathlib import Path

from qmk.host.cluster.remote import context_of, serve
from qmk.host.cluster.runner import Runner
from qmk.rpc.private import write_private

PORT = 7118
INDEX, SETTINGS, IDENTITY = "JOB_COMPLETION_INDEX", "QMK_SLOT_SETTINGS", "QMK_SLOT_IDENTITY"
ADDRESS, NODE = "QMK_SLOT_ADDRESS", "QMK_SLOT_NODE"


async def run(numbers: list[int], generation: int) -> None:
    """Serves until it is told to close, or no daemon has listened for long."""
    slot = Runner(base64.b64decode(os.environ.pop(SETTINGS)), os.environ.get(NODE, ""))
    with tempfile.TemporaryDirectory() as folder:
        identity = Path(folder) / "slot.pem"
        write_private(identity, os.environ.pop(IDENTITY).encode())
        context = context_of(identity, server=True)
    name = f"{numbers[int(os.environ[INDEX])]}-{generation}"
    await serve(slot, name, context, lambda port: None, os.environ.get(ADDRESS, ""), PORT)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--numbers", required=True)
    parser.add_argument("--generation", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(run([int(number) for number in options.numbers.split(",")], options.generation))


if __name__ == "__main__":
    main()
