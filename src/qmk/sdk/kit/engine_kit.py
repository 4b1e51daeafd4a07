"""The conformance kit of engines.

``run(declaration, method)`` runs every check that the declared capabilities call for and reports; ``checks`` gives them
one by one, and ``as_tests(checks(...))`` makes pytest tests of them. Distributions are compared with the exact ones of
``qmk.exact.simulator`` by the test of ``kit.statistics``; a run of the whole kit on a correct engine fails with
probability at most ``FALSE_FAILURE``. An engine that declares itself approximate may be off by ``APPROXIMATE`` in any
probability.
"""

from __future__ import annotations

from collections.abc import Callable

from qmk.exact.simulator import exact_distribution
from qmk.ir import bits
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import digest
from qmk.sdk.engine import Declaration
from qmk.sdk.kit.channel_programs import channel_cases, fenced_channel_cases
from qmk.sdk.kit.evolution_checks import evolution_checks
from qmk.sdk.kit.evolving import runs_evolutions, runs_nothing_else
from qmk.sdk.kit.fences import fence_checks
from qmk.sdk.kit.gate_programs import gate_cases
from qmk.sdk.kit.honesty import honesty_checks
from qmk.sdk.kit.light_programs import PROGRAMS, is_of_light, light_checks
from qmk.sdk.kit.loss_programs import loss_cases
from qmk.sdk.kit.noise_programs import fenced_noise_cases, noise_cases
from qmk.sdk.kit.programs import Case, fixed_cases
from qmk.sdk.kit.protocol import protocol_checks
from qmk.sdk.kit.random_programs import fenced_cases, random_cases
from qmk.sdk.kit.report import Check, KitReport, as_tests, run_checks
from qmk.sdk.kit.statistics import check
from qmk.sdk.kit.subject import Subject
from qmk.sdk.kit.values import value_checks
from qmk.worker.runner import Runner

__all__ = ["APPROXIMATE", "FALSE_FAILURE", "Case", "Check", "Declaration", "as_tests", "checks", "run"]

FALSE_FAILURE = 1e-7
APPROXIMATE = 0.1
SEED = 20_240
FENCED_PROGRAMS = 10
"""Random programs with fences of each kind, at most: each is run several times"""


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
    """Every check of the kit for one method; those that its capabilities do not call for are marked skipped.

    A method that runs ops of light only gets programs of light (``light_programs``), one that runs evolutions only gets
    evolutions (``evolutions``, ``dynamics_programs``); one that runs gates too gets both.
    Of a method without "counts" only values are compared. Programs that cannot be written in the declared gates do not
    apply either, unless the declared gates suffice for every program; random programs are then made of the gates that
    can be written in them."""
    subject = Subject(Runner(declaration), method, shots)
    if is_of_light(subject):
        return list(light_checks(subject, FALSE_FAILURE / len(PROGRAMS)))
    evolving = list(evolution_checks(subject, FALSE_FAILURE)) if runs_evolutions(subject) else []
    if runs_nothing_else(subject):
        return [*evolving, *protocol_checks(subject), *honesty_checks(subject)]
    if "counts" not in subject.can.outputs:
        return list(value_checks(subject, programs))
    noisy = (*channel_cases(), *noise_cases(), *loss_cases())
    among = None if subject.is_complete else subject.expressible
    every = (*gate_cases(), *fixed_cases(), *noisy, *random_cases(programs, among=among))
    cases = [case for case in every if select(case)]
    fenced = (*fenced_cases(min(programs, FENCED_PROGRAMS)), *fenced_channel_cases(), *fenced_noise_cases())
    stopping = [case for case in fenced if select(case)]
    rate = FALSE_FAILURE / (len(cases) + len(stopping))
    return [
        *(_case_check(subject, case, rate) for case in cases),
        *protocol_checks(subject),
        *honesty_checks(subject),
        *value_checks(subject, programs),
        *(_case_check(subject, case, rate) for case in stopping),
        *fence_checks(subject, stopping),
        *evolving,
    ]


def _case_check(subject: Subject, case: Case, rate: float) -> Check:
    def compare() -> str:
        program = subject.lower(case)
        limit = subject.can.max_qubits
        if limit is not None and program.n_qubits > limit:
            return ""
        samples = subject.sample(program, subject.shots, SEED)
        seen = bits.counts(program.registers, bits.finish(program, samples.bits, SEED))
        return check(seen, _exact(case), rate, 0.0 if subject.can.exact else APPROXIMATE)

    return Check(case.name, compare, subject.lacks(case))


_EXACT: dict[str, dict[str, float]] = {}
"""Distributions by digest: they are the same for every engine"""


def _exact(case: Case) -> dict[str, float]:
    key = digest(case.graph)
    if key not in _EXACT:
        _EXACT[key] = exact_distribution(lower(case.graph, ALL_GATES))
    return _EXACT[key]
