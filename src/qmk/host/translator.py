"""The translator process: ``python -m qmk.host.translator --fd N``.

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
from typing import Any

import msgspec

import qmk
from qmk.abi.calls import METHODS
from qmk.abi.operator import OPERATOR_METHODS
from qmk.base.errors import QmkError
from qmk.host.checking import check
from qmk.host.translations import (
    FrameRead,
    ReadCall,
    ReadFrame,
    ReadProgram,
    Request,
    ToTranslator,
    Translated,
    Wanted,
    Write,
    Written,
    describe_request,
)
from qmk.qvm.graph import unpack
from qmk.rpc import frame
from qmk.rpc.graphs import graph_of, source_of
from qmk.rpc.key import key_of
from qmk.worker import process
from qmk.worker.messages import Failed, Ready, Stop
from qmk.worker.wire import Channel


class Translator:
    """Carries out requests. The programs of the last frame are kept until the next request that is not about them."""

    def __init__(self) -> None:
        self._programs: list[Any] = []

    def answer(self, request: Request) -> Translated | FrameRead | Written | Failed:
        """Carries out one request. Every failure becomes an answer too."""
        try:
            return self._carry_out(request)
        except QmkError as error:
            return failure_of(request.fence, error)
        except MemoryError:
            return Failed(
                request.fence, "RESOURCE_EXHAUSTED", f"{describe_request(request)} takes more memory than allowed"
            )
        except RecursionError:
            return Failed(request.fence, "QUOTA_EXCEEDED", "this program is nested too deeply to read")
        except Exception as error:
            traceback.print_exc()
            what = "machine of logical qubits" if isinstance(request, Write) else "front-end"
            return Failed(request.fence, "INTERNAL_ERROR", f"the {what} failed: {type(error).__name__}: {error}")

    def _carry_out(self, request: Request) -> Translated | FrameRead | Written:
        if isinstance(request, ReadProgram):
            return self._read_program(request)
        self._programs = []
        if isinstance(request, Write):
            return write(request)
        if isinstance(request, ReadFrame):
            return self._read_frame(request)
        return translate(request.fence, request.data, request.format, request.params, request.wanted)

    def _read_frame(self, request: ReadFrame) -> FrameRead:
        found = frame.decode(request.data, OPERATOR_METHODS if request.operator else METHODS)
        self._programs = [call.request for call in found.calls]
        return FrameRead(request.fence, [_without_program(request.fence, call) for call in found.calls], found.batch)

    def _read_program(self, request: ReadProgram) -> Translated:
        asked, self._programs[request.index] = self._programs[request.index], None
        if asked.program is not None:
            source = asked.program
            return translate(request.fence, source_of(source), source.format, source.params, request.wanted)
        graph, warnings = graph_of(asked)
        assert graph is not None
        return check(request.fence, graph, warnings, request.wanted)


def failure_of(fence: int, error: QmkError) -> Failed:
    return Failed(fence, error.kind.name, error.message, msgspec.to_builtins(error.fields))


def _without_program(fence: int, call: frame.Decoded) -> ReadCall:
    if call.error is not None or call.call is None:
        return ReadCall(call.id, error=failure_of(fence, call.error or QmkError("INTERNAL_ERROR", "an empty call")))
    key = key_of(call.request)
    left = {
        name: getattr(call.request, name)
        for name in call.request.__struct_fields__
        if name not in ("graph", "program")  # the key tells of them; a graph that is not there has no JSON
    }
    return ReadCall(call.id, call.call.name, msgspec.json.encode(left), key)


def translate(fence: int, data: bytes, format: str, params: dict[str, Any], wanted: Wanted) -> Translated:
    """Read the text with the front-end it needs."""
    from qmk import frontends

    loaded = frontends.load(data, format=format or None, params=params or None)
    return check(fence, loaded.graph, list(loaded.findings), wanted)


def write(request: Write) -> Written:
    """Write the graph in the gates of its machine, or the rest of one that was."""
    from qmk.models.qec.logical import on_request

    found = on_request(unpack(request.graph), request.qec, request.now_s, request.rewrite, request.decoding)
    program = check(request.fence, found.graph, [], request.wanted)
    return Written(request.fence, program, found.footprint, found.reason)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qmk.host.translator", description="Reads programs for a host.")
    parser.add_argument("--fd", type=int, required=True, help="inherited socket to the host")
    parser.add_argument("--memory", type=int, default=0, help="bytes of address space; 0: no bound")
    options = parser.parse_args(argv)
    process.settle("qmk-translator", 1)
    if options.memory:
        process.bound_memory(options.memory)
    translator = Translator()
    channel: Channel[ToTranslator] = Channel(socket.socket(fileno=options.fd), ToTranslator)
    try:
        channel.send(Ready("translator", qmk.__version__, os.getpid()))
        while True:
            message = channel.receive()
            if message is None or isinstance(message, Stop):
                return 0
            channel.send(translator.answer(message))
    except (BrokenPipeError, ConnectionResetError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
