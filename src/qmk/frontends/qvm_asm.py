"""Front-end ``qvm-asm``: QVM assembly with macros. Files are included from the program's folder and its subfolders
only. Public programs in this language are also found in files named ``.qasm``."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from qmk.base.limits import LIMITS
from qmk.models import files
from qmk.qvm.families import SPELLINGS
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Source, decode_text, first_lines, report_refused, strip_bom

_OTHERS = re.compile(r"OPENQASM\b|//|/\*|#|\{|include\b|qreg\b|creg\b|qubit\b|bit\b|@")
_STATEMENT = re.compile(r"(?:[A-Za-z_{][\w{}\[\]+*/-]*\s*:\s*)?([A-Za-z_][\w.]*)")


def recognise(data: bytes) -> int:
    """Judges by the first lines that are not comments: directives, or statements with known opcodes."""
    lines = first_lines(data, ";")
    if not lines or _OTHERS.match(lines[0]):
        return 0
    known = sum(1 for line in lines if _directive().match(line) or _opcode(line))
    if known == 0:
        return 0
    return 100 if known == len(lines) else max(30, round(95 * known / len(lines)))


@functools.cache
def _directive() -> re.Pattern[str]:
    from qmk.formats.asm.tree import BLOCKS, DECLARATIONS  # with them comes the assembler: for texts that may be for it

    return re.compile(rf"\.({'|'.join((*DECLARATIONS, *BLOCKS))})\b")


def _opcode(line: str) -> bool:
    match = _STATEMENT.match(line)
    return match is not None and match[1] in SPELLINGS


def parse(source: Source) -> Graph:
    from qmk.formats.asm import assemble
    from qmk.formats.asm.rules import ASM_RULES

    with report_refused(ASM_RULES, source):
        text = decode_text(source.data, "ASM-001")
    include = _Folder(Path(source.path).parent).read if source.path else None
    return assemble(text, params=source.params, file=source.name, include=include)


class _Folder:
    """Reads files by name from one folder and those below it; links that lead out are not followed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def read(self, name: str) -> str:
        if "\0" in name:
            raise ValueError("the name holds a zero byte")
        path = (self.root / name).resolve()
        if Path(name).is_absolute() or not path.is_relative_to(self.root):
            raise ValueError("the file is outside the program's folder")
        if not path.exists():
            raise FileNotFoundError(2, "there is no such file in the program's folder")
        data = files.read_included(path, LIMITS.source_bytes)
        if len(data) > LIMITS.source_bytes:
            raise ValueError(f"it is larger than {LIMITS.source_bytes} bytes")
        return strip_bom(data).decode("utf-8")


def emit(graph: Graph) -> bytes:
    from qmk.formats.asm import disassemble

    return disassemble(graph).encode("utf-8")


FRONTEND = Frontend("qvm-asm", "QVM assembly with macros", (".qvm.asm", ".asm", ".qasm"), recognise, parse, emit)
