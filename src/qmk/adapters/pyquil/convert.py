"""Between ``pyquil.Program`` and Quil's text, which QMK reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyquil

from qmk.circuit import whole
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Item, Step
from qmk.circuit.objects import not_a_program
from qmk.circuit.reading import add_register, read_graph
from qmk.frontends import frontend
from qmk.frontends.quil.machine import Layout, run
from qmk.frontends.quil.rules import QUIL_RULES
from qmk.frontends.quil.text import Parsed, Statement, parse
from qmk.sdk.adapter import cannot
from qmk.sdk.collection import no_collection
from qmk.sdk.frontend import Refused

if TYPE_CHECKING:
    from qmk.qvm.graph import Graph

# The graph with open parameters is for writers of formats that have them.
# pyright: reportPrivateUsage=false

lib: Any = pyquil
_NOT_WRAPPED = 1
"""Shots of a program that was not wrapped in a loop."""
_FLAT = frozenset({"MEASURE", "RESET", "NOP", "WAIT"})


def read(program: object, params: Any) -> Circuit | bytes:
    """``read_gates``, with the number of shots of a program that was wrapped in a loop of them."""
    made = read_gates(program)
    if isinstance(made, Circuit) and program.num_shots != _NOT_WRAPPED:  # type: ignore[attr-defined]
        made._shots = program.num_shots  # type: ignore[attr-defined]
    return made


def read_gates(program: object) -> Circuit | bytes:
    """The circuit of a ``pyquil.Program``, its memory of numbers as parameters; its text where only values of these say
    what it does. Raises UNSUPPORTED naming what QMK has no form for, and the line of ``Program.out()``."""
    if not isinstance(program, lib.Program):
        raise not_a_program("pyquil", program, "give the Program")
    text = text_of(program)
    try:
        with no_collection():
            parsed = parse(text)
            flat = _flat(parsed)
            return _of_graph(run(parsed, {})) if flat is None else flat
    except Refused as refused:
        if refused.rule == "QUIL-07":
            return text.encode()  # the values of parameters may say it
        fix = refused.help or QUIL_RULES[refused.rule].help
        raise cannot("pyquil", refused.message, f"line {refused.line} of its Quil", fix, rule=refused.rule) from None


def text_of(program: Any) -> str:
    """The Quil of a program. Labels and qubits that are still placeholders get their numbers in a copy."""
    try:
        return program.out() or "\n"
    except (ValueError, RuntimeError):
        whole_program = program.copy()
        whole_program.resolve_placeholders()
        return whole_program.out() or "\n"


def write(circuit: Circuit) -> Any:
    """The circuit as pyQuil has it. Raises INVALID_GRAPH with findings for what Quil cannot say."""
    writer = frontend("quil").emit
    assert writer is not None
    made = lib.Program(writer(circuit._build({})).decode())
    return made if circuit._shots is None else made.wrap_in_numshots_loop(circuit._shots)


def _flat(parsed: Parsed) -> Circuit | None:
    """The circuit of a program without jumps and arithmetic, gate by gate; None for another."""
    others = [each for each in parsed.statements if isinstance(each, Statement)]
    if parsed.povm or any(each.word not in _FLAT for each in others):
        return None
    layout = Layout(parsed)
    made = Circuit()
    for name, size in layout.qubits:
        made.add_qubits(size, name)
    for register in layout.bits:
        add_register(made, register.name, len(register.bits), register.single, register.shown)
    items: list[Item] = []
    for each in parsed.statements:
        if not isinstance(each, Statement):
            items.append(each if layout.dense else layout.move(each))  # type: ignore[arg-type]
        else:
            items += _steps(each, each.rest.split(), layout)
    whole.append(made, items)
    return made


def _steps(each: Statement, words: Sequence[str], layout: Layout) -> list[Item]:
    if each.word == "RESET":
        qubits = [layout.place[int(words[0])]] if words else list(layout.place.values())
        return [Step("core.reset", {}, (qubit,)) for qubit in qubits]
    if each.word != "MEASURE":
        return []
    bit = layout.hidden if len(words) == 1 else layout.bit(words[1], each.line)
    return [Step("core.mz", {}, (layout.place[int(words[0])],), (), (bit,))]


def _of_graph(graph: Graph) -> Circuit:
    made = Circuit()
    read_graph(made, graph, is_open=True)
    return made
