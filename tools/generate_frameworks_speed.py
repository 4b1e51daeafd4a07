"""docs/reference/framework-speed.md: its tables are the committed results of ``benchmarks/results/public.json``."""

from __future__ import annotations

import sys
from typing import Any

from pages import NOTICE, ROOT, table, write_or_check

sys.path.insert(0, str(ROOT))
from benchmarks import results
from qmk.base.units import seconds_text

TITLES = {
    "qiskit-sampler": ("Qiskit `SamplerV2`", "Aer's `SamplerV2`, automatic or matrix product state"),
    "qiskit-estimator": ("Qiskit `EstimatorV2`", "Aer's `EstimatorV2`, automatic or matrix product state"),
    "cirq-sampler": ("Cirq `Sampler`", "qsim at the best of three fusions, or Cirq's simulator"),
    "braket-sampler": ("Braket `LocalSimulator`", "Braket's own state vector"),
    "pennylane-gradient": ("PennyLane, first value and gradient", "lightning.qubit, adjoint"),
    "pennylane-step": ("PennyLane, a later step", "lightning.qubit, adjoint"),
}
PAGE = """# Speed inside other frameworks

After this page you know what a public circuit costs when it is run through QMK's tool inside Qiskit, Cirq, Braket or
PennyLane, beside the fastest simulator that comes with that framework. `python -m benchmarks.frameworks.public FOLDER`
measures it: every OpenQASM file of a folder in every framework, each tool in a process of its own with one thread, at
most {cpu_s:.0f} s of CPU time and {memory_gib} GiB. CPU seconds, the least of up to three runs after a small program to
warm up; QMK keeps nothing from one run to the next, but in the row of later steps. A peer with several settings counts
with its best on each circuit. A peer is stopped, too, once it is 20 times behind QMK and has had three seconds; such a
circuit counts in no mean.

1,024 shots in Qiskit, 1,000 in Cirq and Braket. The estimator and PennyLane compute the mean of Z over all qubits and
the sum of ZZ over neighbours; PennyLane also the derivative by each angle of the circuit. QMK samples values of which
it has no exact ones, so do the others where a circuit measures on the way. Values that differ by more than 1e-6 and six
standard errors of QMK's: {apart}. Measured
{measured} on two shared cores **that other work used as well**.

## Ratios
QMK's time over the peer's, over the circuits that both ran.

{summary}

*Neither* are circuits that no tool ran within the bounds, or that the framework has no form for.

**What is close, and why.** The estimator on chains of qubits with bonds of 16 and more (`qb_dnn_n51`): QMK cuts off
far less of a matrix product state than Aer does, so that its values count as exact. The sampler of Cirq on 22 qubits:
the circuit is read, written and planned besides, which qsim does not do. The first gradient of a circuit in PennyLane:
QMK works out how its angles depend on the parameters, and keeps that for the steps of a loop, the row below it.

## Every circuit
CPU time of QMK and of the fastest peer, and the ratio; or why there is none.

{circuits}
Versions: {versions}.
"""


def summary(found: dict[str, Any]) -> str:
    """A row a task."""
    rows = [
        (
            TITLES[row["task"]][0],
            TITLES[row["task"]][1],
            f"{row['both']}" + (f", {row['sampled']} sampled" if row["sampled"] else ""),
            f"**{row['mean']:.3f}**" + (f", exact ones {row['mean_exact']:.3f}" if row["sampled"] else ""),
            f"{row['worst']:.2f} (`{row['worst_on']}`)",
            str(row["above_1"]),
            str(row["only_qmk"]),
            str(row["only_peer"]),
            str(row["neither"]),
        )
        for row in found["summary"]
    ]
    head = ("QMK as", "beside", "both", "mean", "worst", "slower on", "only QMK", "only the peer", "neither")
    return table(head, rows).rstrip()


def circuits(found: dict[str, Any]) -> str:
    """A section a task, a row a circuit."""
    parts: list[str] = []
    for task, (title, _) in TITLES.items():
        rows = [_row(row) for row in found["rows"] if row["task"] == task]
        if rows:
            parts.append(f"### {title}\n" + table(("circuit", "QMK", "peer", "ratio"), rows))
    return "\n".join(parts)


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    peers = {
        side: value
        for side, value in row.items()
        if side not in ("task", "circuit", "qmk", "ratio", "apart", "sampled")
    }
    timed = {side: value for side, value in peers.items() if isinstance(value, float)}
    best = min(timed, key=lambda side: timed[side]) if timed else ""
    peer = f"{_text(timed[best])} ({best})" if best else "; ".join(dict.fromkeys(map(_text, peers.values())))
    return (
        f"`{row['circuit']}`",
        _text(row.get("qmk", "not run")) + (", sampled" if "sampled" in row else ""),
        peer,
        f"{row['ratio']:.2f}" if "ratio" in row else "",
    )


def _text(value: float | str) -> str:
    if isinstance(value, str):
        return "not supported" if value.startswith("refused") else value
    return seconds_text(value)


def main() -> int:
    """Write the page, or compare it."""
    found = results.read("public")
    apart = [f"`{name}`" for row in found["summary"] for name in row["apart"]]
    page = PAGE.format(
        summary=summary(found),
        circuits=circuits(found),
        apart=", ".join(apart) or "there are none",
        versions=", ".join(f"{name} {version}" for name, version in found["versions"].items()),
        measured=found["measured"],
        cpu_s=found["cpu_s"],
        memory_gib=found["memory_gib"],
    )
    notice = NOTICE.format(script="generate_frameworks_speed.py")
    return write_or_check({"docs/reference/framework-speed.md": notice + page}, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
