"""Front-end ``qsharp``: programs in Q#, compiled by the Quantum Development Kit, where that is installed.

The operation that is run is the one marked ``@EntryPoint()``, else ``Main``, else the only one that takes nothing. What
it returns becomes registers as ``qir`` makes them: results in an array or tuple are one, the first leftmost.
"""

from __future__ import annotations

import re

from qmk.sdk.frontend import Frontend, first_lines
from qmk.sdk.references import later

_LINE = re.compile(
    r"(@EntryPoint\(|(internal )?operation \w+\s*(<[^>]*>)?\s*\(|(internal )?function \w+\s*(<[^>]*>)?\s*\(.*:|"
    r"namespace [A-Za-z_][\w.]*\s*\{|(open|import) (Microsoft\.Quantum|Std)\b|newtype \w+ =)"
)


def recognise(data: bytes) -> int:
    """Judges by the first lines that are not comments: a declaration of Q#."""
    lines = first_lines(data, "//")
    return 95 if lines and _LINE.match(lines[0]) else 0


FRONTEND = Frontend("qsharp", "Q#, compiled to QIR", (".qs",), recognise, later("qmk.frontends.qsharp.reader:read"))
