"""The process that runs one script in this Python, in a sandbox that a driver started:
``python -m qmk.scripts.native --fd N --memory BYTES [--wheels FOLDER]``.

All of it is the script's, once that has begun: whoever started it checks each message, as ``scripts.checked`` does.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import random
import socket
import sys
import time
from typing import Any

import qmk
from qmk.scripts.messages import Answer, Ask, Asked, Ended, Log, Logged, Script, ToScript, Usage, Wish
from qmk.worker import process
from qmk.worker.jail import guest
from qmk.worker.messages import Ready
from qmk.worker.wire import Channel


class Native:
    """Runs one script in this process, which is the script's own from then on."""

    def __init__(self) -> None:
        with contextlib.suppress(ImportError):
            importlib.import_module("numpy")  # most scripts need it, and its memory is not theirs
        self._program: Any = importlib.import_module("qmk.scripts.guest.program")
        self._runs = 0

    def run(self, script: Script, ask: Ask, log: Log) -> Ended:
        """How it ended, as the script says. ``ask`` carries out its runs, ``log`` takes its lines."""

        def run(wish: str) -> str:
            number, self._runs = self._runs, self._runs + 1
            theirs, sys.modules["qmk"] = sys.modules["qmk"], qmk  # the script has one of its own, without our parts
            try:
                answer = ask(number, Wish(**json.loads(wish)))
            finally:
                sys.modules["qmk"] = theirs
            if answer.failed:
                raise self._program.Refused(answer.json)
            return answer.json

        self._program.connect(run, log)
        random.seed(script.seed)
        job = {"text": script.text, "input": script.input, "seed": script.seed, "file": script.file}
        said = json.dumps(self._program.outcome(job))
        return Ended(Usage(cpu_s=time.process_time(), runs=self._runs), result=said)


def serve(channel: Channel[ToScript], memory_bytes: int) -> None:
    """Give up all rights, and run the one script that comes, with its questions on the same channel."""
    native = Native()
    guest.confine(memory_bytes)
    channel.send(Ready("native", qmk.__version__, os.getpid()))
    script = channel.receive()
    if not isinstance(script, Script):
        return

    def ask(number: int, wish: Wish) -> Answer:
        channel.send(Asked(number, wish))
        answer = channel.receive()
        if not isinstance(answer, Answer):
            raise SystemExit(1)
        return answer

    channel.send(native.run(script, ask, lambda line: channel.send(Logged(line))))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qmk.scripts.native", description="Runs one script in a sandbox.")
    parser.add_argument("--fd", type=int, required=True, help="inherited socket to the host")
    parser.add_argument("--memory", type=int, required=True, help="bytes that the script may take")
    parser.add_argument("--wheels", default="", help="folder of the packages that the script may import")
    options = parser.parse_args(argv)
    process.settle("qmk-script", 1)
    if options.wheels:
        sys.path.insert(0, options.wheels)
    channel: Channel[ToScript] = Channel(socket.socket(fileno=options.fd), ToScript)
    try:
        serve(channel, options.memory)
    except (BrokenPipeError, ConnectionResetError):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
