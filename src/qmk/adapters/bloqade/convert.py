"""From a program of ``bloqade.analog`` to the program of Amazon Braket that it stands for, which QMK reads."""

from __future__ import annotations

# bloqade-analog is not among our dependencies, and its private members are all that makes a program
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from collections.abc import Mapping
from typing import Any

from bloqade.analog.builder.base import Builder

from qmk.models.arguments import show
from qmk.sdk.adapter import cannot

NAME = "bloqade"


def read(program: Any, params: Mapping[Any, Any] | None) -> bytes:
    """The one AHS program of a chain of ``bloqade.analog``, its variables set by ``params``. Raises UNSUPPORTED for
    another object, a batch of several, or for what Bloqade itself refuses."""
    if not isinstance(program, Builder):
        fix = "give the program, such as start.add_position(...).rydberg..., or a kernel of squin"
        raise cannot(NAME, f"a {type(program).__name__} is not a program", show(type(program), 80), fix)
    try:
        assigned = program.assign(**params) if params else program
        tasks = list(assigned.braket.local_emulator()._compile(1).tasks.values())
    except Exception as error:  # Bloqade has no kind of error of its own
        fix = "give every variable a value, such as params={'t': 1.0}, and finish the last waveform"
        raise cannot(NAME, f"Bloqade makes no program of it: {error}", "the program", fix) from error
    if len(tasks) != 1:
        fix = "run one at a time: leave out batch_assign, and give params or points"
        raise cannot(NAME, f"it is a batch of {len(tasks)}", "batch_assign", fix)
    return tasks[0].task_ir.program.json().encode()
