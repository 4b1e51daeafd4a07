"""The SDK's other kinds of programs as OpenQASM: JAQCD, which it wrote before, and each executable of a program set."""

from __future__ import annotations

# the SDK is not among our dependencies and has no stubs
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
from collections.abc import Iterator
from typing import Any

from braket.ir.openqasm import Program

_QUBITS = ("control", "controls", "target", "targets")
_PLAIN = {"statevector": "state_vector", "densitymatrix": "density_matrix"}


def from_jaqcd(program: Any) -> Program:
    """The program on physical qubits."""
    asked = program.results or []
    lines = ["OPENQASM 3.0;", *map(_instruction, program.instructions), *(_result(each.dict()) for each in asked)]
    if not asked:
        lines += map(_instruction, program.basis_rotation_instructions or [])
    return Program(source="\n".join(lines))


def _instruction(instruction: Any) -> str:
    given = instruction.dict()
    name = str(getattr(given["type"], "value", given["type"]))
    qubits = [_list(given.pop(key)) for key in _QUBITS if given.get(key) is not None]
    operands = ", ".join(f"${qubit}" for group in qubits for qubit in group)
    if name == "unitary":
        return f"#pragma braket unitary({_matrix(given['matrix'])}) {operands}"
    if name == "kraus":
        return f"#pragma braket noise kraus({', '.join(map(_matrix, given['matrices']))}) {operands}"
    order = ("gamma", "probability", "probX", "probY", "probZ", "angle", "angle1", "angle2", "angle3")
    numbers = ", ".join(repr(float(given[key])) for key in order if given.get(key) is not None)
    if numbers and not any(key.startswith("angle") for key in given):
        return f"#pragma braket noise {name}({numbers}) {operands}"
    return f"{name}({numbers}) {operands};" if numbers else f"{name} {operands};"


def _list(value: Any) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _matrix(rows: Any) -> str:
    return str([[f"{float(re)!r}{float(im):+}im" for re, im in row] for row in rows]).replace("'", "")


def _result(result: dict[str, Any]) -> str:
    kind = str(getattr(result["type"], "value", result["type"]))
    name = _PLAIN.get(kind, kind)
    targets = list(result.get("targets") or [])
    if name == "amplitude":
        rest = ", ".join(f'"{state}"' for state in result["states"])
    elif "observable" in result:
        factors: list[str] = []
        for factor in result["observable"]:
            count = 1 if isinstance(factor, str) else len(factor).bit_length() - 1
            own, targets = ", ".join(f"${qubit}" for qubit in targets[:count]), targets[count:]
            if isinstance(factor, str):
                factors.append(f"{factor}({own})" if own else f"{factor} all")
            else:
                factors.append(f"hermitian({_matrix(factor)}) {own or 'all'}")
        rest = " @ ".join(factors)
    else:
        rest = ", ".join(f"${qubit}" for qubit in targets)
    return f"#pragma braket result {name} {rest}"


def executables(program: Any) -> Iterator[Program]:
    """One program for each set of values of a program's inputs."""
    inputs = program.inputs or {}
    if not any(isinstance(values, list) for values in inputs.values()):
        yield Program(source=program.source, inputs=inputs)
        return
    for row in zip(*inputs.values(), strict=True):
        yield Program(source=program.source, inputs=dict(zip(inputs, row, strict=True)))
