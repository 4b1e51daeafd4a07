"""A slot as a task of a Slurm job array: ``python -m qmk.host.cluster.slurm_slot --folder FOLDER --generation N``.

It reads its settings and its identity from the folder, which every node shares, and writes there where it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
from pathlib import Path

import msgspec

from qmk.host.cluster.remote import IDENTITY, context_of, serve
from qmk.host.cluster.runner import Runner
from qmk.rpc.private import write_private


class Place(msgspec.Struct, frozen=True):
    """Where a slot listens; ``job`` is Slurm's number of it."""

    host: str
    port: int
    job: str


async def run(folder: Path, generation: int) -> None:
    """Serves until it is told to close, or no daemon has listened for long."""
    name = f"{int(os.environ['SLURM_ARRAY_TASK_ID'])}-{generation}"
    host = socket.gethostname()
    slot = Runner((folder / f"{name}.settings").read_bytes(), os.environ.get("SLURMD_NODENAME", host))

    def tell_place(port: int) -> None:
        place = Place(host, port, os.environ.get("SLURM_JOB_ID", ""))
        write_private(folder / f"{name}.place", msgspec.json.encode(place))

    await serve(slot, name, context_of(folder / IDENTITY, server=True), tell_place)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--generation", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(run(options.folder, options.generation))


if __name__ == "__main__":
    main()
