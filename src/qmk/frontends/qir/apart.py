"""Runs LLVM, and libraries for other formats, in a process of its own: the file ``child.py``, with bounds on its time
and memory.

LLVM ends its process where bitcode is broken in some ways: then it is the child that ends.
"""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.frontends.qir.module import Module
from qmk.sdk.frontend import Refused
from qmk.sdk.interpreters import child_environment

CPU_S = 60
"""Seconds of processor time that LLVM may take for one program."""
MEMORY_BYTES = 4 << 30
"""Address space that LLVM may take for one program."""
MOST_INSTRUCTIONS = LIMITS.expansion_nodes
"""Instructions of a module, and values in its variables."""

_Answer = msgspec.msgpack.Decoder(list[msgspec.Raw])


class Tool(NamedTuple):
    """A library that a child uses: its module, what for, how pip installs it, its name in errors, and the rule that a
    program breaks which it cannot read."""

    module: str
    purpose: str
    extra: str
    name: str
    rule: str = "QIR-01"


LLVM = Tool("pyqir", "reading QIR", "quantum-microkernel[qir]", "LLVM")
QDK = Tool("qdk", "compiling Q#", "quantum-microkernel[qsharp]", "the compiler of Q#")
HUGR = Tool("hugr", "reading a HUGR that is not plain JSON", "quantum-microkernel[hugr]", "hugr", "HUGR-01")
CHILD = Path(__file__).with_name("child.py")


def read(data: bytes, is_text: bool) -> Module:
    """What a program says. Raises Refused where LLVM does not read it, UNSUPPORTED where there is no LLVM."""
    rows = _ask_llvm(data, "text" if is_text else "bitcode")
    return Module(*[msgspec.msgpack.decode(row, type=kind) for row, kind in zip(rows, Module.types(), strict=True)])


def to_bitcode(text: bytes) -> bytes:
    """A text of LLVM as bitcode. Raises as ``read`` does."""
    return msgspec.msgpack.decode(_ask_llvm(text, "write")[0], type=bytes)


def compile_qsharp(source: bytes, entry: str) -> tuple[bool, str]:
    """Whether Q# is compiled, and the QIR of what ``entry`` calls, or what the compiler says. Raises UNSUPPORTED where
    it is not installed."""
    kind, rows = _ask(QDK, "qsharp", source, entry)
    return kind == "text", msgspec.msgpack.decode(rows[0], type=str)


def read_hugr(data: bytes, most: int) -> bytes:
    """The package of an envelope of HUGR, in JSON of at most so many bytes. Raises Refused where the library does not
    read it, UNSUPPORTED where it is not installed."""
    kind, rows = _ask(HUGR, "hugr", data, str(most))
    if kind == "large":
        raise Refused("HUGR-07", f"the program is more than {most} bytes long as JSON")
    if kind == "refused":
        raise Refused("HUGR-01", f"hugr refuses it: {msgspec.msgpack.decode(rows[0], type=str)}")
    return msgspec.msgpack.decode(rows[0], type=bytes)


def _ask_llvm(data: bytes, what: str) -> list[msgspec.Raw]:
    kind, rows = _ask(LLVM, what, data)
    if kind == "large":
        raise Refused("QIR-08", f"the module has more than {MOST_INSTRUCTIONS} instructions")
    if kind == "refused":
        raise _refusal(msgspec.msgpack.decode(rows[0], type=str), data)
    return rows


def _ask(tool: Tool, what: str, data: bytes, *more: str) -> tuple[str, list[msgspec.Raw]]:
    """What a child answers: its kind, and the rest. Raises Refused where it breaks off, UNSUPPORTED where the library
    is not installed."""
    kind, rows = "missing", list[msgspec.Raw]()
    if importlib.util.find_spec(tool.module) is not None:
        bounds = map(str, (CPU_S, MEMORY_BYTES, MOST_INSTRUCTIONS))
        command = [sys.executable, "-P", str(CHILD), what, *bounds, *more]
        done = subprocess.run(command, input=data, capture_output=True, env=child_environment(), check=False)
        if done.returncode:
            raise Refused(tool.rule, f"{tool.name} {_end(done)}")
        first, *rows = _Answer.decode(done.stdout)
        kind = msgspec.msgpack.decode(first, type=str)
    if kind == "missing":
        text = f"{tool.module} is not installed: {tool.purpose} needs it"
        raise QmkError("UNSUPPORTED", text, package=tool.module, help=f"pip install '{tool.extra}'")
    return kind, rows


def _refusal(why: str, data: bytes) -> Refused:
    """What LLVM says, with the number of the line that it quotes where the program has it once."""
    message, *quoted = why.removeprefix("error: ").split("\n")
    line = quoted[0].strip() if quoted else ""
    same = [k for k, each in enumerate(data.decode("utf-8", "replace").split("\n"), 1) if each.strip() == line]
    place = f": {line[:80]}" if line else ""
    return Refused("QIR-01", f"LLVM refuses it: {message[:300]}{place}", line=same[0] if line and len(same) == 1 else 0)


def _end(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode == -signal.SIGXCPU or (done.returncode == -signal.SIGKILL):
        return f"was stopped after {CPU_S} s of processor time; bitcode is read faster than text"
    if b"MemoryError" in done.stderr or b"bad_alloc" in done.stderr or b"out of memory" in done.stderr:
        return f"takes more than {MEMORY_BYTES >> 20} MiB of memory for it"
    if done.returncode < 0 or b"PanicException" in done.stderr:
        how = signal.Signals(-done.returncode).name if done.returncode < 0 else "panic"
        return f"broke off ({how}): the file is damaged, or nested too deep"
    last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f"failed: {last[:200]}"
