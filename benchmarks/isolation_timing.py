"""``python -m benchmarks.isolation --timing 200``: whether a tenant can tell by the clock what another tenant has run.

Two tenants, *a* and *b*, of one daemon. The times of *b* are taken for programs that *a* has run just before, for
programs that nobody has run (*a* runs another one then, so that the daemon does as much), and for programs that *b* has
run itself. The three kinds take turns in an order that is drawn; programs are drawn from one distribution, with sets of
gates, angles and conditions of their own, and are sent as text. Times are those of the submit and of the whole run, by
the clock of the caller, and the processor time of the daemon with all that it started.

Kinds are compared by the rank test of Mann and Whitney. With n times of each kind it finds, at level ``ALPHA`` and with
power 0.9, a probability of being faster that differs from 1/2 by ``detectable(n)``. The kind that *b* has run must be
told apart, else the test shows nothing; the kind that *a* has run must not.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
from itertools import count, product
from pathlib import Path
from statistics import NormalDist, median
from typing import Any, NamedTuple

from benchmarks.daemon import daemon
from benchmarks.isolation_kills import descendants
from qmk.client import Client
from qmk.client.operator import Operator

ALPHA = 1e-4
POWER = 0.9
NOBODY, OTHER, SELF = "nobody ran it", "another tenant ran it", "it ran it itself"
QUBITS, SHOTS = 5, 20
SIZES = {"small": 120, "large": 2500}
"""Gates of a program. That of a large one is kept in a file of its own, which is named by its content."""
ONE = ("h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "rx(%)", "ry(%)", "rz(%)", "p(%)", "u3(%, %, %)")
TWO = ("cx", "cy", "cz", "ch", "swap", "crx(%)", "cry(%)", "crz(%)", "cp(%)")


def program(dice: random.Random, gates: int) -> str:
    """OpenQASM 3 with so many gates of a few kinds, drawn, and two conditions."""
    one, two = dice.sample(ONE, 4), dice.sample(TWO, 3)
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', f"qubit[{QUBITS}] q;", f"bit[{QUBITS}] c;"]
    for number in range(gates):
        gate = dice.choice(one if number % 3 else two)
        while "%" in gate:
            gate = gate.replace("%", f"{dice.uniform(0.1, 3.0):.6f}", 1)
        qubits = dice.sample(range(QUBITS), 1 if number % 3 else 2)
        lines.append(f"{gate} {', '.join(f'q[{qubit}]' for qubit in qubits)};")
        if number in (40, 80):
            lines += [f"c[{number // 40}] = measure q[0];", f"if (c[{number // 40}]) {dice.choice('xyz')} q[1];"]
    return "\n".join([*lines, "c = measure q;"])


class Times(NamedTuple):
    """In ms: of the submit and of the whole run by the clock, and processor time."""

    submit: float
    run: float
    cpu: float


class Shift(NamedTuple):
    """How ``these`` differ from ``those``: in ms, the median of all differences, with a 99 % interval, and the
    probability that they would differ as much by chance."""

    ms: float
    low_ms: float
    high_ms: float
    chance: float

    def text(self) -> str:
        return f"{self.ms:+.3f} ms ({self.low_ms:+.3f} to {self.high_ms:+.3f}), p = {self.chance:.2g}"


def compare(these: list[float], those: list[float]) -> Shift:
    """Raises ``ImportError`` without SciPy."""
    from scipy.stats import mannwhitneyu

    chance = float(mannwhitneyu(these, those).pvalue)
    gaps = sorted(one - other for one in these for other in those)
    n, m = len(these), len(those)
    half = NormalDist().inv_cdf(0.995) * math.sqrt(n * m * (n + m + 1) / 12)
    low = max(0, int(n * m / 2 - half))
    return Shift(median(gaps), gaps[low], gaps[-1 - low], chance)


def detectable(n: int) -> float:
    """By how much the probability that one kind is faster must differ from 1/2 for ``n`` times of each kind to show it
    (Noether, J. Am. Stat. Assoc. 82, 645 (1987))."""
    normal = NormalDist()
    return (normal.inv_cdf(1 - ALPHA / 2) + normal.inv_cdf(POWER)) / math.sqrt(6 * n)


class Bench:
    """Two tenants of a daemon. ``clients``: of *a* and *b*."""

    def __init__(self, pid: int, clients: tuple[Client, Client], gates: int, seed: int) -> None:
        self._pid, self._gates = pid, gates
        self._a, self._b = clients
        self._dice = random.Random(seed)
        self._seeds = count(1)
        self.times: dict[str, list[Times]] = {NOBODY: [], OTHER: [], SELF: []}

    def cpu_ms(self) -> float:
        """Of the daemon and what it started, of the threads that there are."""
        total_ns = 0
        for pid in (self._pid, *descendants(self._pid)):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    total_ns += int((thread / "schedstat").read_text().split()[0])
        return total_ns / 1e6

    def measure(self, text: str, **wishes: Any) -> Times:
        """What *b* sees of one job."""
        cpu, began = self.cpu_ms(), time.perf_counter()
        job = self._b.submit(text, shots=SHOTS, **wishes)
        submitted = time.perf_counter()
        self._b.wait(job.job_id)
        ended = time.perf_counter()
        return Times((submitted - began) * 1e3, (ended - began) * 1e3, self.cpu_ms() - cpu)

    def round(self) -> None:
        """One time of each kind. Another tenant's run has what a result in a cache is found by; *b*'s own has another
        seed, so that only what was prepared of the program can be used again."""
        kinds = list(self.times)
        self._dice.shuffle(kinds)
        for kind in kinds:
            text, other = (program(self._dice, self._gates) for _ in range(2))
            self._a.run(text if kind == OTHER else other, shots=SHOTS, seed=1)
            if kind == SELF:
                self._b.run(text, shots=SHOTS, seed=2)
            self.times[kind].append(self.measure(text, seed=1))

    def shifts(self) -> dict[str, dict[str, Shift]]:
        """For each kind but ``NOBODY``, how its times differ from those."""
        return {
            kind: {
                name: compare([getattr(row, name) for row in self.times[kind]],
                              [getattr(row, name) for row in self.times[NOBODY]])
                for name in Times._fields
            }
            for kind in (OTHER, SELF)
        }  # fmt: skip


def run(level: str, rounds: int, size: str, durability: str, seed: int = 1) -> Bench:
    """Times of a new daemon at ``level``, for programs of a size of ``SIZES``."""
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(daemon(durability, more=("--isolation", level)))
        operator = Operator(Path(path).parent)
        clients: list[Client] = []
        for name in "ab":
            operator.call("op_tenant_add", tenant=name)
            token = operator.call("op_token_issue", tenant=name).token
            clients.append(stack.enter_context(Client(path, token=token)))
        pid = int(Path(path).with_name("pid").read_text())
        bench = Bench(pid, (clients[0], clients[1]), SIZES[size], seed)
        for _ in range(3):
            bench.round()
        bench.times = {kind: [] for kind in bench.times}
        for _ in range(rounds):
            bench.round()
        return bench


def main(levels: list[str], rounds: int) -> int:
    """Prints a table for each level, size and durability. 1 where the times tell of another tenant, or do not tell of
    the tenant itself."""
    bad = 0
    for level, size, durability in product(levels, SIZES, ("process", "power")):
        times = run(level, rounds, size, durability)
        medians = ", ".join(
            f"{name} {median(getattr(row, name) for row in times.times[NOBODY]):.2f} ms" for name in Times._fields
        )
        print(f"{level}, {size} programs, durability {durability}, {rounds} of each kind; {NOBODY}: {medians}")
        for kind, shifts in times.shifts().items():
            for name, shift in shifts.items():
                print(f"  {kind}: {name} {shift.text()}")
            seen = min(shift.chance for shift in shifts.values()) < ALPHA
            bad += seen != (kind == SELF)
        print(f"  power {POWER:g} at p < {ALPHA:g} for a probability of being faster of {0.5 + detectable(rounds):.2f}")
    return 1 if bad else 0
