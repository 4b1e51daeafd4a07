"""Checks of methods that run modes of light: programs with exact distributions, from Fock space, and the protocol."""

from __future__ import annotations

import functools
import math
import pickle
from collections.abc import Iterator
from typing import cast

import numpy as np

from qmk.exact.light import fock
from qmk.exact.light.setup import optics
from qmk.ir import bits
from qmk.ir.lower import lower
from qmk.ir.program import Detect, Gate, Program
from qmk.qvm.families import photonic
from qmk.qvm.graph import Graph, Node, Output
from qmk.sdk.engine import ObservingEngine, Unsupported
from qmk.sdk.kit.report import Check
from qmk.sdk.kit.statistics import check
from qmk.sdk.kit.subject import Subject

ALL = frozenset(op.name for op in photonic.FAMILY.ops)
SEED = 20_240
QUARTER = math.pi / 4
_U = np.linalg.qr(np.array([[1, 2j, 0.5], [0.3, 1j, -1], [1j, 0.2, 0.7]]))[0]
_MATRIX = [[[float(x.real), float(x.imag)] for x in row] for row in _U]

Line = tuple[str, dict[str, object], tuple[int, ...]]
PROGRAMS: dict[str, tuple[Line, ...]] = {
    "two photons at a beam splitter": (
        ("prepare_fock", {"n": 1}, (0,)),
        ("prepare_fock", {"n": 1}, (1,)),
        ("beam_splitter", {"theta": QUARTER, "phi": 0.3}, (0, 1)),
    ),
    "three photons in an interferometer": (
        ("prepare_fock", {"n": 2}, (0,)),
        ("prepare_fock", {"n": 1}, (2,)),
        ("interferometer", {"matrix": _MATRIX}, (0, 1, 2)),
        ("shift_phase", {"phi": 0.4}, (1,)),
        ("mach_zehnder", {"inner": 0.7, "outer": 0.2}, (2, 0)),
    ),
    "photons that are lost": (
        ("prepare_fock", {"n": 2}, (0,)),
        ("lose", {"transmission": 0.6}, (0,)),
        ("beam_splitter", {"theta": 0.5}, (0, 1)),
    ),
    "a coherent state": (("prepare_coherent", {"r": 0.8, "phi": 0.5}, (0,)), ("beam_splitter", {"theta": 0.9}, (0, 1))),
    "a squeezed pair": (("squeeze_two", {"r": 0.4, "phi": 0.3}, (0, 1)),),
    "squeezed light in an interferometer": (
        ("squeeze", {"r": 0.3}, (0,)),
        ("prepare_squeezed", {"r": -0.3, "phi": 0.2}, (1,)),
        ("displace", {"r": 0.2}, (0,)),
        ("beam_splitter", {"theta": QUARTER, "phi": 1.0}, (0, 1)),
        ("lose", {"transmission": 0.8}, (1,)),
    ),
    "a thermal state": (
        ("prepare_thermal", {"nbar": 0.3}, (0,)),
        ("lose_thermal", {"transmission": 0.7, "nbar": 0.1}, (0,)),
    ),
    "a Kerr medium": (
        ("prepare_fock", {"n": 1}, (0,)),
        ("prepare_fock", {"n": 1}, (1,)),
        ("beam_splitter", {"theta": QUARTER}, (0, 1)),
        ("kerr", {"kappa": 0.5}, (0,)),
        ("cross_kerr", {"kappa": 0.3}, (0, 1)),
        ("beam_splitter", {"theta": QUARTER}, (0, 1)),
    ),
    "a cubic phase": (("prepare_coherent", {"r": 0.5}, (0,)), ("cubic_phase", {"gamma": 0.05}, (0,))),
}
"""By name, ops on three modes at most; all are then counted, the second by a detector without numbers."""


@functools.cache
def graph(name: str, modes: int = 3, counted: bool = True) -> Graph:
    """The program of a name, with its read-out."""
    handles = tuple(f"m{k}" for k in range(modes))
    nodes = [Node("a", "core.alloc", {"n": modes, "carrier": "mode"}, handles, caps=("CAP_ALLOC",))]
    for op, args, on in PROGRAMS[name]:
        nodes.append(Node(f"n{len(nodes)}", f"photonic.{op}", dict(args), tuple(handles[k] for k in on)))
    if not counted:
        return Graph(nodes=tuple(nodes), vqs=handles, caps=("CAP_ALLOC",))
    nodes.append(Node("c0", "photonic.count_photons", {"most": 3}, ("m0",), produces=("e0", "e1")))
    nodes.append(Node("c1", "photonic.detect_photons", {}, ("m1",), produces=("e2",)))
    output = Output("n", ("e1", "e0", "e2"))
    return Graph(nodes=tuple(nodes), vqs=handles, events=("e0", "e1", "e2"), caps=("CAP_ALLOC",), outputs=(output,))


@functools.cache
def exact(name: str) -> dict[str, float]:
    """The distribution of a program, by what is printed."""
    table, _ = fock.distribution(optics(lower(graph(name), ALL)))
    return {f"{n:02b}{k}": float(table[n, k]) for n in range(4) for k in range(2) if table[n, k] > 1e-12}


def is_of_light(subject: Subject) -> bool:
    """Whether a method runs modes of light only."""
    return bool(subject.can.gates) and subject.can.gates <= ALL


def light_checks(subject: Subject, rate: float) -> Iterator[Check]:
    """Every check of such a method. ``rate``: the probability at most that a correct engine fails one."""
    runs: list[str] = []
    for name in PROGRAMS:
        lost = sorted({node.op for node in graph(name).nodes[1:]} - subject.can.gates)
        skipped = f"does not declare {', '.join(lost)}" if lost else ""
        runs += [] if lost else [name]
        yield Check(name, lambda name=name: _compare(subject, name, rate), skipped)
    skipped = "" if runs else "no program of the kit is written in the declared ops"
    probe = runs[0] if runs else ""
    yield Check("same seed, same bits", lambda: _same_seed(subject, probe), skipped)
    yield Check("plan pickles", lambda: _pickles(subject, probe), skipped)
    yield Check("a condition is refused", lambda: _refuses_conditions(subject, probe), skipped)
    yield Check("undeclared ops are refused", lambda: _refuses_others(subject))
    wanted = "" if "expectation" in subject.can.outputs and runs else "does not declare expectation"
    yield Check("output expectation", lambda: _values(subject, runs), wanted)


def _sample(subject: Subject, name: str, seed: int = SEED) -> tuple[Program, bits.Bits]:
    program = lower(graph(name), subject.can.gates)
    return program, subject.sample(program, subject.shots, seed).bits


def _compare(subject: Subject, name: str, rate: float) -> str:
    program, found = _sample(subject, name)
    return check(bits.counts(program.registers, found), exact(name), rate)


def _same_seed(subject: Subject, name: str) -> str:
    one, two = _sample(subject, name)[1], _sample(subject, name)[1]
    return "" if np.array_equal(one, two) else "two runs with one seed differ"


def _pickles(subject: Subject, name: str) -> str:
    plan = subject.engine.prepare(lower(graph(name), subject.can.gates), subject.method)
    other = pickle.loads(pickle.dumps(plan))  # noqa: S301 our own bytes of a moment ago
    return "" if np.array_equal(plan.run(50, 1).bits, other.run(50, 1).bits) else "a pickled plan gives other bits"


def _refuses_conditions(subject: Subject, name: str) -> str:
    if subject.can.feed_forward != "none":
        return ""
    program = lower(graph(name), subject.can.gates)
    last = Detect("photonic.detect_photons", (0,), (), ("bit", 0), cbits=(2,))
    return _accepts(subject, Program(3, 3, (*program.instructions[:-1], last), program.registers, program.events))


def _refuses_others(subject: Subject) -> str:
    return _accepts(subject, Program(1, 0, (Gate("h", (0,)),), (), {}))


def _accepts(subject: Subject, program: Program) -> str:
    try:
        subject.engine.prepare(program, subject.method)
    except Unsupported:
        return ""
    return "prepare accepted it; an engine refuses what it does not declare"


def _values(subject: Subject, names: list[str]) -> str:
    for name in names:
        whole = graph(name, counted=False)
        observer = cast("ObservingEngine", subject.engine).observe(
            lower(whole, subject.can.gates, whole=True), subject.method
        )
        found = optics(lower(whole, ALL, whole=True))
        state, letters = fock.State.of(found), ("NII", "NNI", "XPI", "IXI")
        for text, theirs in zip(letters, observer.expectation(letters), strict=True):
            ours = state.expectation(text + "I" * (found.n_modes - len(text)))
            if abs(theirs - ours) > 1e-4:
                return f"{name}: <{text}> is {theirs}, not {ours}"
    return ""
