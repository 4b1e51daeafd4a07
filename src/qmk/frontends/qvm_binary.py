"""Front-end ``qvm-binary``: the compact binary form of QVM graphs."""

from __future__ import annotations

from qmk.formats import binary
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Refused, Source, report_refused


def recognise(data: bytes) -> int:
    return 100 if data.startswith(binary.MAGIC) else 0


def parse(source: Source) -> Graph:
    with report_refused({}, source):
        if source.params:
            message = f"QVM binary has no parameters; '{next(iter(source.params))}' is given"
            raise Refused("QVMB-04", message, "write assembly with .param instead")
        return binary.decode(source.data)


FRONTEND = Frontend("qvm-binary", "QVM graphs in compact binary", (".qvmb",), recognise, parse, binary.encode)
