"""The conformance kit of engines.

``run(declaration, method)`` runs every check that the declared capabilities call for and reports; ``checks`` gives them
one by one, and ``as_tests(checks(...))`` makes pytest tests of them. Distributions are compared with the exact ones of
``qmk.sdk.exact`` by the test of ``kit.statistics``; a run of the whole kit on a correct engine fails with probability
at most ``FALSE_FAILURE``. An engine that declares itself approximate may be off by ``APPROXIMATE`` in any probability.
"""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from qmk.base.errors import QmkError
from qmk.sdk import bits
from qmk.sdk.engine import Capabilities, Declaration, Engine, Samples, Unsupported
from qmk.sdk.exact import exact_distribution
from qmk.sdk.execute import Runner
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.programs import Case, fixed_cases
from qmk.sdk.kit.random_programs import random_cases
from qmk.sdk.kit.report import Check, KitReport, as_tests, run_checks
from qmk.sdk.kit.statistics import check
from qmk.sdk.lower import lower
from qmk.sdk.native import ALL_GATES
from qmk.sdk.program import Gate, Logic, Measure, Program, Register, Reset

__all__ = ["APPROXIMATE", "FALSE_FAILURE", "as_tests", "checks", "run"]

FALSE_FAILURE = 1e-7
APPROXIMATE = 0.1


def run(
    declaration: Declaration,
    method: str = "",
    *,
    shots: int = 2000,
    programs: int = 10,
    select: Callable[[Case], bool] = lambda case: True,
) -> KitReport:
    """Run the kit on one method. ``programs``: random programs of each kind; ``shots`` of each comparison.
    ``select`` leaves programs out, for an engine too slow to run them all."""
    found = checks(declaration, method, shots=shots, programs=programs, select=select)
    return run_checks(f"{declaration.name}{':' + method if method else ''}", found)


def checks(
    declaration: Declaration,
    method: str = "",
    *,
    shots: int = 2000,
    programs: int = 10,
    select: Callable[[Case], bool] = lambda case: True,
) -> list[Check]:
    """Every check of the kit for one method; those that its capabilities do not call for are marked skipped."""
    subject = _Subject(Runner(declaration), method, shots)
    cases = [case for case in (*fixed_cases(), *random_cases(programs)) if select(case)]
    rate = FALSE_FAILURE / len(cases)
    return [
        *(_case_check(subject, case, rate) for case in cases),
        *_protocol_checks(subject),
        *_honesty_checks(subject),
    ]


class _Subject:
    """The engine under test, with what it declares."""

    def __init__(self, runner: Runner, method: str, shots: int) -> None:
        self.runner, self.method, self.shots = runner, method, shots
        self.can: Capabilities = runner.capabilities(method)

    @property
    def engine(self) -> Engine:
        return self.runner.engine

    def lacks(self, case: Case) -> str:
        """Why the declared capabilities exclude a case, or ""."""
        can = self.can
        if can.clifford and not case.clifford:
            return "Clifford programs only"
        have = {"logic"}
        have |= {"mid_circuit"} if can.mid_circuit else set()
        have |= {"reset"} if can.reset else set()
        have |= {"none": set[str](), "pauli": {"pauli"}, "full": {"pauli", "full"}}[can.feed_forward]
        missing = sorted(case.needs - have)
        return f"does not declare {', '.join(missing)}" if missing else ""

    def lower(self, case: Case) -> Program:
        can = self.can
        return lower(case.graph, can.gates, clifford=can.clifford, inline_logic=not can.logic)

    def sample(self, program: Program, shots: int, seed: int) -> Samples:
        return self.engine.prepare(program, self.method).run(shots, seed)


def _case_check(subject: _Subject, case: Case, rate: float) -> Check:
    def compare() -> str:
        program = subject.lower(case)
        limit = subject.can.max_qubits
        if limit is not None and program.n_qubits > limit:
            return ""
        samples = subject.sample(program, subject.shots, 20_240)
        seen = bits.counts(program.registers, bits.finish(program, samples.bits))
        exact = exact_distribution(lower(case.graph, ALL_GATES))
        return check(seen, exact, rate, 0.0 if subject.can.exact else APPROXIMATE)

    return Check(case.name, compare, subject.lacks(case))


def _protocol_checks(subject: _Subject) -> Iterator[Check]:
    """Shapes, seeds, progress, pickling: on a GHZ state, which every engine has the gates for."""
    ghz = Builder(3).op("h", 0).op("cnot", 0, 1).op("cnot", 1, 2).measure_all().graph()

    @functools.cache
    def program() -> Program:
        return subject.lower(Case("GHZ", ghz))

    def sample(shots: int, seed: int = 7) -> Samples:
        return subject.sample(program(), shots, seed)

    def shapes() -> str:
        for shots in (1, 2, 257):
            got = sample(shots).bits
            if got.shape != (shots, 3) or got.dtype != np.uint8:
                return f"{shots} shots of 3 bits gave shape {got.shape} of {got.dtype}, not ({shots}, 3) of uint8"
            if got.max() > 1:
                return "a bit is neither 0 nor 1"
        return ""

    def many_shots() -> str:
        shots = 50_000 if subject.can.exact else subject.shots
        got = sample(shots)
        return check(bits.counts(program().registers, got.bits), {"000": 0.5, "111": 0.5}, 1e-9)

    def same_seed() -> str:
        plan = subject.engine.prepare(program(), subject.method)
        first, again, other = plan.run(200, 3).bits, plan.run(200, 3).bits, sample(200, 3).bits
        if not np.array_equal(first, again):
            return "one plan gave different bits for the same seed"
        return "" if np.array_equal(first, other) else "two plans of one program gave different bits for the same seed"

    def other_seed() -> str:
        drawn = [sample(200, seed).bits.tobytes() for seed in (0, 1, 2, (1 << 63) - 1)]
        return "" if len(set(drawn)) == len(drawn) else "two seeds gave the same 200 shots (chance 2^-200)"

    def progress() -> str:
        done: list[int] = []
        subject.engine.prepare(program(), subject.method).run(300, 5, done.append)
        if not done or done[-1] != 300 or done != sorted(done):
            return f"progress must rise to the number of shots (300) and end there; got {done[-5:]}"
        return ""

    def pickles() -> str:
        plan = subject.engine.prepare(program(), subject.method)
        kept = pickle.loads(pickle.dumps(plan))  # noqa: S301 our own bytes of a moment ago
        same = np.array_equal(plan.run(100, 9).bits, kept.run(100, 9).bits)
        return "" if same else "a pickled plan gave different bits"

    def no_bits() -> str:
        nothing = Program(1, 0, (), (), {})
        got = subject.sample(nothing, 5, 1).bits
        return "" if got.shape == (5, 0) else f"a program without bits gave shape {got.shape}, not (5, 0)"

    def version() -> str:
        return "" if isinstance(subject.engine.version, str) and subject.engine.version else "the version is empty"

    yield Check("shape and type of samples", shapes)
    yield Check("many shots", many_shots)
    yield Check("same seed, same bits", same_seed)
    yield Check("other seed, other bits", other_seed)
    yield Check("progress", progress)
    yield Check("plan pickles", pickles)
    yield Check("program without bits", no_bits)
    yield Check("version", version)
    yield from _execute_checks(subject)


def _execute_checks(subject: _Subject) -> Iterator[Check]:
    """Through ``execute``: registers and per-shot events agree with the counts."""

    def events() -> str:
        b = Builder(3).op("x", 0).op("h", 1)
        b.measure_all()
        done = subject.runner.execute(b.graph(), subject.method, 50, 1)
        rows = np.unpackbits(np.frombuffer(done.event_bits, dtype=np.uint8).reshape(50, -1), axis=1)[:, :3]
        if done.event_names != ["e0", "e1", "e2"] or done.event_widths != [1, 1, 1]:
            return f"events are {done.event_names} of widths {done.event_widths}"
        tally: dict[str, int] = {}
        for row in rows.tolist():
            key = "".join(map(str, row))
            tally[key] = tally.get(key, 0) + 1
        return "" if tally == done.counts else f"per-shot events give {tally}, counts are {done.counts}"

    yield Check("per-shot events agree with counts", events)


def _refused(subject: _Subject, program: Program, method: str | None = None) -> str:
    """ "" when ``prepare`` refuses the program, else that it does not."""
    try:
        subject.engine.prepare(program, subject.method if method is None else method)
    except Unsupported as why:
        return "" if str(why) else "Unsupported was raised without saying what"
    except QmkError as why:
        return "" if why.kind.name == "UNSUPPORTED" else f"refused with {why.kind.name}, not with Unsupported"
    return "prepare accepted it; an engine refuses what it does not declare"


def _honesty_checks(subject: _Subject) -> Iterator[Check]:
    """What is not declared must be refused, never ignored."""
    can = subject.can
    h, read = Gate("h", (0,)), Measure(0, 0)
    cond = ("bit", 0)
    pauli = Gate("x", (1,), (), cond)
    both = Gate("x", (2,), (), ("and", ("bit", 0), ("bit", 1)))
    limited = can.feed_forward != "full"
    undeclared: list[tuple[str, bool, tuple[Gate | Measure | Reset | Logic, ...]]] = [
        ("a T gate", can.clifford, (Gate("t", (0,)), read)),
        ("a condition on a Pauli gate", can.feed_forward == "none", (h, read, pauli, Measure(1, 1))),
        ("a condition on another gate", limited, (h, read, Gate("h", (1,), (), cond), Measure(1, 1))),
        ("a measurement under a condition", limited, (h, read, Measure(1, 1, cond))),
        ("a condition that is no parity", limited, (h, read, Measure(1, 1), both, Measure(2, 2))),
        ("a reset", not can.reset, (h, Reset(0), read)),
        ("a gate after measurement", not can.mid_circuit, (h, read, h, Measure(0, 1))),
        ("event logic", not can.logic, (h, read, Logic(0b01, (0,), 1))),
    ]

    def refusing(program: Program) -> Callable[[], str]:
        return lambda: _refused(subject, program)

    yield Check("refuses an unknown gate", refusing(_program(2, (Gate("no_such_gate", (0,)), read))))
    yield Check("refuses an unknown method", lambda: _refused(subject, _program(2, (h, read)), "no_such_method"))
    for name, applies, instructions in undeclared:
        skipped = "" if applies else "declared"
        yield Check(f"refuses {name}", refusing(_program(3, instructions)), skipped)
    limit = can.max_qubits
    wide = _program((limit or 0) + 1, (Gate("h", (limit or 0,)), Measure(limit or 0, 0)))
    yield Check("refuses too many qubits", refusing(wide), "" if limit else "no limit declared")


def _program(qubits: int, instructions: Iterable[Gate | Measure | Reset | Logic]) -> Program:
    items = tuple(instructions)
    written = [item.cbit for item in items if isinstance(item, Measure | Logic)]
    width = max(written, default=-1) + 1
    registers = (Register("", tuple(range(width))),)
    return Program(qubits, width, items, registers, {f"e{k}": (k,) for k in range(width)})
