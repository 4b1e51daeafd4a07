"""Figures with their bars, and the circuits that they are taken on."""

from __future__ import annotations

from dataclasses import dataclass

import stim

from qmk.models.qec import circuits, codes


@dataclass(frozen=True)
class Bar:
    """One figure and what it must stay below (``most``) or above (``least``)."""

    name: str
    value: float
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool:
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    def line(self) -> str:
        bars = [f"<= {self.most:g}" if self.most is not None else "", f">= {self.least:g}" if self.least else ""]
        verdict = "" if self.most is None and self.least is None else "met" if self.met else "MISSED"
        return (
            f"  {self.name:<58}{self.value:>11.4g}  {' '.join(filter(None, bars)):<10}{verdict:<8}{self.note}".rstrip()
        )


def show(title: str, bars: list[Bar]) -> bool:
    """Print the bars under ``title``; whether all are met."""
    print(f"\n{title}")
    for bar in bars:
        print(bar.line())
    return all(bar.met for bar in bars)


def surface(d: int, p: float, rounds: int, basis: str = "z") -> stim.Circuit:
    """Stim's rotated surface code memory with one p for gates, resets, measurements and data before each round."""
    return stim.Circuit.generated(
        f"surface_code:rotated_memory_{basis}",
        distance=d,
        rounds=rounds,
        after_clifford_depolarization=p,
        before_round_data_depolarization=p,
        before_measure_flip_probability=p,
        after_reset_flip_probability=p,
    )


def gross(p: float, basis: str) -> stim.Circuit:
    """Memory of the [[144,12,12]] code over 12 rounds, as the circuits published with arXiv:2506.01779 are: ``uniform``
    noise, but for the read-out of the data qubits at the end, which is without error; detectors of one basis."""
    circuit = circuits.memory(codes.parse("gross"), 12, basis, f"uniform={p}", both=False)
    last = max(index for index, item in enumerate(circuit) if item.name == ("M" if basis == "Z" else "MX"))
    read = circuit[last]
    assert isinstance(read, stim.CircuitInstruction)
    assert len(read.targets_copy()) == 144, "all data qubits at once"
    clean = stim.CircuitInstruction(read.name, read.targets_copy(), [])
    circuit.pop(last)
    circuit.insert(last, clean)
    return circuit
