"""The translator process: ``python -m qmk.sdk.translator --fd N``.

Source text of strangers is parsed here and not in the daemon: a parser that loops is killed by the host after its time
limit, one that swallows memory meets ``--memory``, and one that crashes takes nobody with it.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import traceback

import msgspec

import qmk
from qmk.base.errors import QmkError
from qmk.qvm.graph import pack
from qmk.sdk import process
from qmk.sdk.messages import Failed, Ready, Stop, ToTranslator, Translate, Translated
from qmk.sdk.wire import Channel


def translate(request: Translate) -> Translated | Failed:
    """Read the text with the front-end it needs; every way to fail is an answer."""
    from qmk import frontends

    try:
        loaded = frontends.load(
            request.data, path=request.path, format=request.format or None, params=request.params or None
        )
        return Translated(request.fence, pack(loaded.graph), loaded.format, list(loaded.findings))
    except QmkError as error:
        return Failed(request.fence, error.kind.name, error.message, msgspec.to_builtins(error.fields))
    except MemoryError:
        return Failed(request.fence, "RESOURCE_EXHAUSTED", "reading this program takes more memory than allowed")
    except RecursionError:
        return Failed(request.fence, "QUOTA_EXCEEDED", "this program is nested too deeply to read")
    except Exception as error:
        traceback.print_exc()
        return Failed(request.fence, "INTERNAL_ERROR", f"the front-end failed: {type(error).__name__}: {error}")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qmk.sdk.translator", description="Reads programs for a host.")
    parser.add_argument("--fd", type=int, required=True, help="inherited socket to the host")
    parser.add_argument("--memory", type=int, default=0, help="bytes of address space; 0: no bound")
    options = parser.parse_args(argv)
    process.settle("qmk-translator", 1)
    if options.memory:
        process.bound_memory(options.memory)
    channel: Channel[ToTranslator] = Channel(socket.socket(fileno=options.fd), ToTranslator)
    try:
        channel.send(Ready("translator", qmk.__version__, os.getpid()))
        while True:
            message = channel.receive()
            if message is None or isinstance(message, Stop):
                return 0
            channel.send(translate(message))
    except (BrokenPipeError, ConnectionResetError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
