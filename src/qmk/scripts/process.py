"""The process that runs one script: ``python -m qmk.scripts.process --fd N --runner FILE``."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import traceback
from pathlib import Path

import qmk
from qmk.base.errors import QmkError
from qmk.scripts.messages import Answer, Asked, Ended, Logged, Script, ToScript, Usage, Wish
from qmk.worker import process
from qmk.worker.messages import Ready
from qmk.worker.wire import Channel


def serve(channel: Channel[ToScript], runner: Path) -> None:
    """Run the one script that comes, with its questions on the same channel."""
    from qmk.scripts.sandbox import Sandbox

    sandbox = Sandbox(runner)
    channel.send(Ready("wasm", qmk.__version__, os.getpid()))
    script = channel.receive()
    if not isinstance(script, Script):
        return

    def ask(index: int, wish: Wish) -> Answer:
        channel.send(Asked(index, wish))
        answer = channel.receive()
        if not isinstance(answer, Answer):
            raise BrokenPipeError
        return answer

    channel.send(sandbox.run(script, ask, lambda line: channel.send(Logged(line))))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qmk.scripts.process", description="Runs one script for a host.")
    parser.add_argument("--fd", type=int, required=True, help="inherited socket to the host")
    parser.add_argument("--runner", type=Path, required=True, help="the compiled runner")
    options = parser.parse_args(argv)
    process.settle("qmk-script", 1)
    channel: Channel[ToScript] = Channel(socket.socket(fileno=options.fd), ToScript)
    try:
        serve(channel, options.runner)
    except (BrokenPipeError, ConnectionResetError):
        return 0
    except Exception as error:
        traceback.print_exc()
        kind = error.kind.name if isinstance(error, QmkError) else "INTERNAL_ERROR"
        channel.send(Ended(Usage(), kind=kind, message=f"the sandbox failed: {type(error).__name__}: {error}"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
