"""Compiles Q# with the Quantum Development Kit, and gives the text of its QIR.

It is run as a process of its own (``qir.apart``), by its path: it imports nothing of QMK. The source comes on standard
input; the answer, a MessagePack list that begins with its kind, goes to what was standard output when it started. What
the source prints goes nowhere. The kit is told to report nothing to its makers.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
from typing import Any

import msgspec

PROFILES = ("Adaptive_RIF", "Adaptive")
"""Profiles of QIR that are tried in turn: loops that known values end are written out by the first."""


def compile_source(source: str, entry: str) -> list[Any]:
    """["text", QIR] of what ``entry`` calls, or ["refused", why], or ["missing"] where there is no kit."""
    os.environ["QDK_PYTHON_TELEMETRY"] = os.environ["QSHARP_PYTHON_TELEMETRY"] = "none"
    try:
        kit: Any = importlib.import_module("qdk.qsharp")
    except ImportError:
        return ["missing"]
    why = ""
    for profile in PROFILES:
        try:
            kit.init(target_profile=getattr(kit.TargetProfile, profile))
            kit.eval(source)
            return ["text", str(kit.compile(entry))]
        except kit.QSharpError as error:
            why = str(error)
    return ["refused", why[:4000]]


def main() -> None:
    """Arguments: what to call, seconds of processor time, bytes of address space."""
    entry, seconds, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for which, bound in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory)):
        bound = min([bound, *(old for old in resource.getrlimit(which) if old != resource.RLIM_INFINITY)])
        resource.setrlimit(which, (bound, bound))
    source = sys.stdin.buffer.read().decode("utf-8", "replace")
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        out.write(msgspec.msgpack.encode(compile_source(source, entry)))


if __name__ == "__main__":
    main()
