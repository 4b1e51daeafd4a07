"""Front-end ``qvm-binary``: the compact binary form of QVM graphs."""

from __future__ import annotations

import msgspec

from qmk.base.errors import Finding, QmkError, invalid_graph
from qmk.formats import binary
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Source


def recognise(data: bytes) -> int:
    return 100 if data.startswith(binary.MAGIC) else 0


def parse(source: Source) -> Graph:
    if source.params:
        message = f"QVM binary has no parameters; '{next(iter(source.params))}' is given"
        raise invalid_graph([Finding("QVMB-04", message, "write assembly with .param instead", file=source.name)])
    try:
        return binary.decode(source.data)
    except QmkError as error:
        if error.kind.name != "INVALID_GRAPH":
            raise
        raise invalid_graph([msgspec.structs.replace(row, file=source.name) for row in error.findings]) from None


FRONTEND = Frontend("qvm-binary", "QVM graphs in compact binary", (".qvmb",), recognise, parse, binary.encode)
