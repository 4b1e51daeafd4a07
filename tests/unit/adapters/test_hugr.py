"""Objects of the package ``hugr`` as programs, and every form of its envelopes."""

from __future__ import annotations

# the package has types in part, and may not be there
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
import importlib
import math
from typing import Any

import pytest

import qmk
from qmk import frontends

ROUNDS = 3


def op(name: str, taken: list[Any], given: list[Any], args: list[Any] | None = None) -> Any:
    from hugr import ops, tys

    extension, _, short = name.rpartition(".")
    return ops.Custom(short, tys.FunctionType(taken, given), extension, args or [])


@pytest.fixture
def package() -> Any:
    """A qubit is turned by ``ROUNDS`` calls of a function, measured, and a second one flipped where that gave 1."""
    pytest.importorskip("hugr", reason="hugr is not installed")
    from hugr import tys
    from hugr.build import Module
    from hugr.package import Package
    from hugr.std.float import FLOAT_T, FloatVal

    q, kind = tys.Qubit, tys.Opaque("rotation", tys.TypeBound.Copyable, [], "tket.rotation")
    module = Module()
    turn = module.define_function("turn", [q], [q])
    angle = turn.add_op(op("tket.rotation.from_halfturns_unchecked", [FLOAT_T], [kind]), turn.load(FloatVal(0.2)))
    turn.set_outputs(turn.add_op(op("tket.quantum.Rx", [q, kind], [q]), *turn.inputs(), angle))
    main = module.define_function("main", [], [], visibility="Public")
    one = main.add_op(op("tket.quantum.QAlloc", [], [q]))
    for _ in range(ROUNDS):
        one = main.call(turn, one)
    one, bit = main.add_op(op("tket.quantum.Measure", [q], [q, tys.Bool]), one)[:]
    with main.add_conditional(bit, main.add_op(op("tket.quantum.QAlloc", [], [q]))) as choice:
        with choice.add_case(0) as case:
            case.set_outputs(*case.inputs())
        with choice.add_case(1) as case:
            case.set_outputs(case.add_op(op("tket.quantum.X", [q], [q]), *case.inputs()))
    for label, qubit in (("a", one), ("b", choice.parent_node[0])):
        qubit, read = main.add_op(op("tket.quantum.Measure", [q], [q, tys.Bool]), qubit)[:]
        main.add_op(op("tket.quantum.QFree", [q], []), qubit)
        main.add_op(op("tket.result.result_bool", [tys.Bool], [], [tys.StringArg(label)]), read)
    main.set_outputs()
    return Package([module.hugr])


def test_a_package_and_a_graph_are_programs(package: Any) -> None:
    circuit = qmk.Circuit(2)
    for _ in range(ROUNDS):
        circuit.rx(0.2 * math.pi, 0)
    circuit.cx(0, 1).measure_all()
    shots = 4000
    wanted = qmk.run(circuit, shots=shots, seed=1).counts["11"] / shots
    for program in (package, package.modules[0]):
        counts = qmk.run(program, shots=shots, seed=2).counts
        assert set(counts) == {"0 0", "1 1"}
        error = math.sqrt(2 * wanted * (1 - wanted) / shots)
        assert abs(counts["1 1"] / shots - wanted) < 5 * error


def test_every_form_of_an_envelope_is_one_program(package: Any) -> None:
    from hugr.envelope import EnvelopeConfig, EnvelopeFormat

    forms = [form for form in EnvelopeFormat if form is not EnvelopeFormat.S_EXPRESSION]  # which it does not read
    configs = [EnvelopeConfig(format=form, zstd=level) for form in forms for level in (None, 0)]
    found = [qmk.run(package.to_bytes(config), shots=100, seed=3).counts for config in configs]
    assert all(counts == found[0] for counts in found)


def test_what_is_no_program_and_what_is_damaged(package: Any) -> None:
    from hugr import tys
    from hugr.envelope import EnvelopeConfig

    no_program: Any = tys.Qubit
    with pytest.raises(qmk.QmkError, match="is not a program"):
        qmk.run(no_program)
    data = package.to_bytes(EnvelopeConfig.BINARY)
    for cut in range(8, len(data), max(1, len(data) // 8)):
        with pytest.raises(qmk.QmkError, match="HUGR-01"):
            frontends.load(data[:cut])


def test_a_small_file_that_unpacks_to_a_large_one(package: Any) -> None:
    """Zeros that were compressed: the process that unpacks them is bounded, and the parent reads none of them."""
    zstd: Any = importlib.import_module("hugr._hugr").zstd

    data = b"HUGRiHJv?A" + zstd.compress(b" " * (256 << 20), 3)
    assert len(data) < 1 << 20
    with pytest.raises(qmk.QmkError, match="HUGR-0"):
        frontends.load(data)
