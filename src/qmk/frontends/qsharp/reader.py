"""Q# to a graph: the Quantum Development Kit compiles it to QIR, which is read as any other."""

from __future__ import annotations

import re

from qmk.frontends.qir import apart
from qmk.frontends.qir.reader import build
from qmk.frontends.qir.rules import QIR_RULES
from qmk.ir.parameter_values import read_values
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Refused, Source, decode_text, report_refused

_COMMENT = re.compile(r"//[^\n]*")
_NAMESPACE = re.compile(r"\bnamespace\s+([A-Za-z_][\w.]*)\s*\{")
_OPERATION = re.compile(
    r"(@EntryPoint\(\w*\)\s*)?\b(?:operation|function)\s+([A-Za-z_]\w*)\s*(?:<[^>]*>)?\s*\(\s*(\)?)"
)
_WORDS = re.compile(r"(?:x|`->|×|╰─▶) (.*)")
"""What the compiler says, after its marks."""
_PLACE = re.compile(r"\[[^\]\n]*:(\d+):(\d+)\]")


def read(source: Source) -> Graph:
    """The graph. Raises INVALID_GRAPH with one finding, UNSUPPORTED where the kit is not installed."""
    read_values({}, source.params or {})
    with report_refused(QIR_RULES, source):
        text = compile_source(decode_text(source.data, "QIR-11"))
        return build(apart.read(text, is_text=True))


def compile_source(text: str) -> bytes:
    """The QIR of the operation that a source runs. Raises Refused with the line, UNSUPPORTED without the kit."""
    done, found = apart.compile_qsharp(text.encode(), entry_of(text))
    if not done:
        raise _refusal(found)
    return found.encode()


def entry_of(text: str) -> str:
    """The call of the operation that is run: the one marked @EntryPoint(), else Main, else the only one that takes
    nothing. Raises Refused where none is."""
    text = _COMMENT.sub("", text)
    spaces = [(match.start(), match[1]) for match in _NAMESPACE.finditer(text)]
    found: list[tuple[bool, str, str]] = []
    for match in _OPERATION.finditer(text):
        space = next((name for start, name in reversed(spaces) if start < match.start()), "")
        if match[3]:
            found.append((bool(match[1]), match[2], f"{space}.{match[2]}()" if space else f"{match[2]}()"))
    for chosen in ([row for row in found if row[0]], [row for row in found if row[1] == "Main"], found):
        if len(chosen) == 1:
            return chosen[0][2]
    names = ", ".join(name for _, name, _ in found[:5]) or "none"
    raise Refused(
        "QIR-11", f"which operation runs is not clear; those that take nothing: {names}", "mark it with @EntryPoint()"
    )


def _refusal(why: str) -> Refused:
    """What the compiler says first, and where."""
    lines = [line.strip() for line in why.split("\n")]
    words = [match[1] for line in lines[1:] if (match := _WORDS.match(line))][:2]
    place = _PLACE.search(why)
    message = ": ".join(words) or lines[0]
    return Refused("QIR-11", f"Q#: {message[:300]}", line=int(place[1]) if place else 0)
