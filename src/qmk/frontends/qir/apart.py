"""Runs LLVM in a process of its own: the file ``child.py``, with bounds on its time and memory.

LLVM ends its process where bitcode is broken in some ways: then it is the child that ends.
"""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

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
EXTRA = "quantum-microkernel[qir]"
CHILD = Path(__file__).with_name("child.py")

_Answer = msgspec.msgpack.Decoder(list[msgspec.Raw])


def read(data: bytes, text: bool) -> Module:
    """What a program says. Raises Refused where LLVM does not read it, UNSUPPORTED where there is no LLVM."""
    rows = _ask(data, "text" if text else "bitcode", "reading QIR")
    return Module(*[msgspec.msgpack.decode(row, type=kind) for row, kind in zip(rows, Module.types(), strict=True)])


def to_bitcode(text: bytes) -> bytes:
    """A text of LLVM as bitcode. Raises as ``read`` does."""
    return msgspec.msgpack.decode(_ask(text, "write", "writing the bitcode of QIR")[0], type=bytes)


def _ask(data: bytes, what: str, purpose: str) -> list[msgspec.Raw]:
    if importlib.util.find_spec("pyqir") is None:
        raise _missing(purpose)
    bounds = [str(CPU_S), str(MEMORY_BYTES), str(LIMITS.expansion_nodes)]
    command = [sys.executable, "-P", str(CHILD), what, *bounds]
    done = subprocess.run(command, input=data, capture_output=True, env=child_environment(), check=False)
    if done.returncode:
        raise Refused("QIR-01", f"LLVM {_end(done)}", "write the file anew with a tool that verifies it")
    kind, *rows = _Answer.decode(done.stdout)
    answer: Any = msgspec.msgpack.decode(kind)
    if answer == "missing":
        raise _missing(purpose)
    if answer == "large":
        raise Refused("QIR-08", f"the module has more than {LIMITS.expansion_nodes} instructions")
    if answer == "refused":
        raise _refused(msgspec.msgpack.decode(rows[0], type=str), data)
    return rows


def _refused(why: str, data: bytes) -> Refused:
    """What LLVM says, with the number of the line that it quotes where the program has it once."""
    message, *quoted = why.removeprefix("error: ").split("\n")
    line = quoted[0].strip() if quoted else ""
    same = [k for k, each in enumerate(data.decode("utf-8", "replace").split("\n"), 1) if each.strip() == line]
    place = f": {line[:80]}" if line else ""
    return Refused("QIR-01", f"LLVM refuses it: {message[:300]}{place}", line=same[0] if line and len(same) == 1 else 0)


def _missing(purpose: str) -> QmkError:
    return QmkError(
        "UNSUPPORTED", f"pyqir is not installed: {purpose} needs it", package="pyqir", help=f"pip install '{EXTRA}'"
    )


def _end(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode == -signal.SIGXCPU or (done.returncode == -signal.SIGKILL):
        return f"was stopped after {CPU_S} s of processor time; give the program as bitcode, which is read faster"
    if b"MemoryError" in done.stderr or b"bad_alloc" in done.stderr or b"out of memory" in done.stderr:
        return f"takes more than {MEMORY_BYTES >> 30} GiB of memory for it"
    if done.returncode < 0:
        return f"broke off ({signal.Signals(-done.returncode).name}): the file is damaged, or nested too deep"
    last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f"failed: {last[:200]}"
