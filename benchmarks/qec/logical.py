"""The logical kernel: ``python -m benchmarks.qec.logical``.

Random Clifford programs with a Pauli channel after every operation, 20 % measurements and 10 % Pauli feedback: with
neighbours on a line, and with partners anywhere, which entangles everything. Bars: 1e6 operations a second in one shot
at 1,000 qubits (aim 1e7), 10,000 qubits, 0.3 of raw Stim when batched, the same bits from the same seed. Channels are
not counted as operations. CPU time of one thread; Stim in the same run.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import qmk_native
import stim

KINDS = {name: number for number, (name, _, _) in enumerate(qmk_native.KINDS)}
CHANCES = [2e-4, 1e-4, 2e-4]
SHOTS = 1024
CASES = (("line", 1_000, 1_000_000, 100_000), ("anywhere", 1_000, 200_000, 20_000), ("line", 10_000, 200_000, 0))
"""partners, qubits, operations, operations of the comparison with Stim (0: none)"""


def circuits(partners: str, qubits: int, count: int, seed: int = 1) -> tuple[qmk_native.Circuit, stim.Circuit]:
    """The same program for both."""
    dice = random.Random(f"{partners}:{qubits}:{count}:{seed}")
    rows: list[Any] = []
    conds: list[tuple[str, list[int]]] = []
    peer = stim.Circuit()
    read = 0
    for _ in range(count):
        draw, q = dice.random(), dice.randrange(qubits)
        if draw < 0.2:
            rows.append((KINDS["measure"], [q], [], -1, read, -1))
            peer.append("M", [q])
            read += 1
        elif draw < 0.3 and read:
            back, pauli = dice.randint(1, min(read, 50)), dice.choice("xz")
            conds.append(("bit", [read - back]))
            rows.append((KINDS[pauli], [q], [], len(conds) - 1, -1, -1))
            peer.append("C" + pauli.upper(), [stim.target_rec(-back), q])
        elif draw < 0.6:
            name = dice.choice("hs")
            rows.append((KINDS[name], [q], [], -1, -1, -1))
            peer.append(name.upper(), [q])
        else:
            other = (q + 1 if partners == "line" else q + dice.randrange(1, qubits)) % qubits
            rows.append((KINDS["cnot"], [q, other], [], -1, -1, -1))
            peer.append("CX", [q, other])
        rows.append((KINDS["noise"], [q], CHANCES, -1, -1, -1))
        peer.append("PAULI_CHANNEL_1", [q], CHANCES)
    registers = [("", list(range(read)), False)]
    return qmk_native.Circuit(qubits, read, rows, conds, [], registers), peer


def clocked(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and its CPU seconds."""
    begin = time.process_time()
    found = work()
    return found, time.process_time() - begin


def main() -> None:
    for partners, qubits, count, compared in CASES:
        circuit, _ = circuits(partners, qubits, count)
        plan, compiling = clocked(lambda circuit=circuit: qmk_native.LogicalPlan(circuit))
        first, one = clocked(lambda plan=plan: plan.run(1, 7))
        again = plan.run(1, 7)
        batch, many = clocked(lambda plan=plan: plan.run(SHOTS, 7))
        same = first.bits() == again.bits() and plan.run(SHOTS, 7).bits() == batch.bits()
        print(f"partners {partners}, {qubits} qubits, {count} operations, {plan.coins} coins")
        print(f"  one shot {count / one:.2e} operations/s (bar 1e6, aim 1e7); {count / (one + compiling):.2e} with the")
        print(f"  reference run of {compiling:.3f} s; {SHOTS} shots {count * SHOTS / many:.2e} operations/s")
        print(f"  the same bits from the seed: {same}")
        if compared:
            _compare(partners, qubits, compared)


def _compare(partners: str, qubits: int, count: int) -> None:
    circuit, peer = circuits(partners, qubits, count)
    plan, compiling = clocked(lambda: qmk_native.LogicalPlan(circuit))
    sampler, theirs_compiling = clocked(lambda: peer.compile_sampler(seed=1))
    _, ours = clocked(lambda: plan.run(SHOTS, 7))
    _, theirs = clocked(lambda: sampler.sample(SHOTS, bit_packed=True))
    rate, whole = theirs / ours, (theirs + theirs_compiling) / (ours + compiling)
    print(f"  {count} operations, {SHOTS} shots: {rate:.2f} of Stim's rate (bar 0.3), {SHOTS * count / ours:.1e}/s;")
    print(f"  with both reference runs {whole:.1f}")


if __name__ == "__main__":
    main()
