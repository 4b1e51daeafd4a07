"""The process that runs one script: ``python -m qmk.scripts.process --fd N --runner FILE [--jail]``.

With ``--jail`` it does so in a jail, if the system makes one; what it is in it says when it is ready.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import qmk
from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.scripts.messages import Answer, Asked, Ended, Logged, Script, ToScript, Usage, Wish
from qmk.worker import process
from qmk.worker.messages import Ready
from qmk.worker.wire import Channel

if TYPE_CHECKING:
    from qmk.scripts.sandbox import Sandbox


def serve(channel: Channel[ToScript], sandbox: Sandbox, level: Level, pid: int) -> int:
    """Run the one script that comes, with its questions on the same channel. Gives the exit status."""
    channel.send(Ready(level, qmk.__version__, pid))
    script = channel.receive()
    if not isinstance(script, Script):
        return 0

    def ask(index: int, wish: Wish) -> Answer:
        channel.send(Asked(index, wish))
        answer = channel.receive()
        if not isinstance(answer, Answer):
            raise BrokenPipeError
        return answer

    channel.send(sandbox.run(script, ask, lambda line: channel.send(Logged(line))))
    return 0


def run(channel: Channel[ToScript], runner: Path, jailed: bool) -> int:
    """Load the runner, and serve in a jail or here. Gives the exit status."""
    from qmk.scripts.sandbox import Sandbox
    from qmk.worker import zygote

    sandbox = Sandbox(runner)
    if not jailed:
        return serve(channel, sandbox, "process", os.getpid())
    jail = zygote.prepare("", 0, sandbox.files)
    return zygote.work_once(jail, channel, lambda pid: serve(channel, sandbox, "jail", pid))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qmk.scripts.process", description="Runs one script for a host.")
    parser.add_argument("--fd", type=int, required=True, help="inherited socket to the host")
    parser.add_argument("--runner", type=Path, required=True, help="the compiled runner")
    parser.add_argument("--jail", action="store_true", help="run the script in a jail")
    options = parser.parse_args(argv)
    process.settle("qmk-script", 1)
    channel: Channel[ToScript] = Channel(socket.socket(fileno=options.fd), ToScript)
    try:
        return run(channel, options.runner, options.jail)
    except (BrokenPipeError, ConnectionResetError):
        return 0
    except Exception as error:
        traceback.print_exc()
        kind = error.kind.name if isinstance(error, QmkError) else "INTERNAL_ERROR"
        channel.send(Ended(Usage(), kind=kind, message=f"the sandbox failed: {type(error).__name__}: {error}"))
        return 1


if __name__ == "__main__":
    sys.exit(main())
