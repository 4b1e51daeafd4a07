"""Front-end ``kirin``: kernels of Bloqade's squin, as Kirin's JSON serialiser writes them, gzipped or not.

What it pins. Angles of squin's statements are turns; in the graph they are radians. Bits: the register ``result`` has
what the kernel returns, the first measurement leftmost. A lost atom: where the program loses atoms or asks for it,
measurements are ``atoms.mz``, the bit of a lost atom is 0, the register ``lost`` says so, and it is neither zero nor
one for ``is_zero`` and ``is_one``. QubitLeakage(p0, p1) is read as ``noise.leak``: from |0> with p0, from |1> with p1.
Detectors and observables are parities of bits, not compared with a noiseless run.

Nothing that a document names is imported: statements are known by name, or refused. Arguments of the kernel are
parameters. Calls, loops and lists are unrolled; an if on measurements becomes guards.
"""

from __future__ import annotations

import zlib

from qmk.frontends.kirin.rules import KIRIN_RULES
from qmk.sdk.frontend import Frontend, json_object
from qmk.sdk.references import later

__all__ = ["FRONTEND", "KIRIN_RULES"]

MARK = b'"__serialization_module__"'


def recognise(data: bytes) -> int:
    """A JSON object whose head has Kirin's mark."""
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, 4096)
        except zlib.error:
            return 0
    return 100 if MARK in json_object(data)[:4096] else 0


FRONTEND = Frontend(
    "kirin",
    "Squin kernels of Bloqade in Kirin's JSON",
    (".kirin.json",),
    recognise,
    later("qmk.frontends.kirin.reader:parse"),
)
