"""The translator process: ``python -m qmk.worker.translator --fd N``.

Untrusted source text is parsed here and not in the daemon: a parser that loops is killed by the host after its time
limit, one that swallows memory meets ``--memory``, and one that crashes takes nobody with it. So are programs written
for machines of logical qubits.
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
from qmk.qvm.graph import digest, pack, unpack
from qmk.worker import process
from qmk.worker.messages import Failed, Ready, Stop, ToTranslator, Translate, Translated, Write, Written
from qmk.worker.wire import Channel


def answer(request: Translate | Write) -> Translated | Written | Failed:
    """Carries out one request. Every failure becomes an answer too."""
    reads = isinstance(request, Translate)
    try:
        return translate(request) if isinstance(request, Translate) else write(request)
    except QmkError as error:
        return Failed(request.fence, error.kind.name, error.message, msgspec.to_builtins(error.fields))
    except MemoryError:
        doing = "reading this program" if reads else "writing this program for its machine"
        return Failed(request.fence, "RESOURCE_EXHAUSTED", f"{doing} takes more memory than allowed")
    except RecursionError:
        return Failed(request.fence, "QUOTA_EXCEEDED", "this program is nested too deeply to read")
    except Exception as error:
        traceback.print_exc()
        what = "front-end" if reads else "machine of logical qubits"
        return Failed(request.fence, "INTERNAL_ERROR", f"the {what} failed: {type(error).__name__}: {error}")


def translate(request: Translate) -> Translated:
    """Read the text with the front-end it needs."""
    from qmk import frontends

    loaded = frontends.load(
        request.data, path=request.path, format=request.format or None, params=request.params or None
    )
    return Translated(request.fence, pack(loaded.graph), loaded.format, list(loaded.findings))


def write(request: Write) -> Written:
    """Write the graph in the gates of its machine, or the rest of one that was."""
    from qmk.models.qec.logical import on_request

    found = on_request(unpack(request.graph), request.qec, request.now_s, request.rewrite, request.decoding)
    return Written(request.fence, pack(found.graph), digest(found.graph), found.footprint, found.reason)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qmk.worker.translator", description="Reads programs for a host.")
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
            channel.send(answer(message))
    except (BrokenPipeError, ConnectionResetError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
