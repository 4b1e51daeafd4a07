"""Arguments of kernels: QLAM has floats for all; those that a kernel declares as ``int`` become one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from qmk.gateway.jobs import Wish
from qmk.gateway.qlam.shapes import Program, Subtask


class _Method(msgspec.Struct):
    sym_name: str = ""
    arg_names: list[str] = []
    arg_types: list[str] = []


class _Body(msgspec.Struct):
    unit: tuple[str, _Method] = msgspec.field(name="$u")


class _Kernel(msgspec.Struct):
    """As much of Kirin's JSON as says which arguments are whole numbers."""

    symbol_table: dict[str, _Method]
    body: _Body


def whole_numbers(content: str) -> frozenset[str]:
    """The arguments that a kernel declares as ``int``."""
    try:
        kernel = msgspec.json.decode(content, type=_Kernel)
    except (msgspec.DecodeError, RecursionError):
        return frozenset()  # no kernel: its reader says why
    name, names = kernel.body.unit[1].sym_name, kernel.body.unit[1].arg_names[1:]
    return frozenset(
        argument
        for method in kernel.symbol_table.values()
        if method.sym_name == name and len(method.arg_types) == len(names)
        for argument, kind in zip(names, method.arg_types, strict=True)
        if kind == "int"
    )


def wishes(programs: Sequence[Program], subtasks: Sequence[Subtask]) -> list[Wish]:
    """Subtasks as jobs."""
    whole = {at: whole_numbers(programs[at].content) for at in {row.program_index for row in subtasks}}
    found: list[Wish] = []
    for row in subtasks:
        given = {
            name: int(value) if name in whole[row.program_index] and value.is_integer() else value
            for name, value in (row.arguments or {}).items()
        }
        found.append(Wish(programs[row.program_index].content, row.num_shots, given))
    return found
