"""docs/reference/speed.md: its tables are the committed results of ``benchmarks/results``."""

# ruff: noqa: E501 - lines of the page
from __future__ import annotations

import sys
from typing import Any

from pages import NOTICE, ROOT, table, write_or_check

sys.path.insert(0, str(ROOT))
from benchmarks import results

LABELS = {
    "qmk": "QMK",
    "clifft": "Clifft {version}, as it comes and with its scheduling pass",
    "clifft:own_reader": "Clifft with its own reader of OpenQASM 2",
    "maestro:mps": "Maestro, matrix product state",
    "maestro:statevector": "Maestro, state vector",
    "aer:matrix_product_state": "Aer, matrix product state",
    "aer:automatic": "Aer, automatic",
    "aer:statevector": "Aer, state vector",
    "ddsim": "DDSIM",
    "qulacs": "Qulacs",
    "qsim": "qsim, read by Cirq",
}
PAGE = """# How fast it is

`python -m benchmarks.router FOLDER` runs every OpenQASM file of a folder on QMK and on each simulator of the field that
is installed, each in a process of its own with one thread: text in, counts of 1,000 shots out, warm, nothing kept from
one call to the next, CPU seconds, the least of three. The best of the others on each circuit, chosen with hindsight, is
the *oracle*. Every peer is at its best setting: text in the gates that its reader knows, its own reductions of the circuit,
Pauli feedback where it has that. A peer that is missing is an error, as an oracle without it is another oracle. The
parities of 20,000 shots of all that answer are compared (1e-9 false alarms a pair); a wrong answer counts as none. A peer
that was stopped is charged the time that it had, and one that refused a circuit is charged nothing for it.
[The commands](../../benchmarks/README.md) and the figures of other parts are beside the benchmarks.

## Circuits of the field
{circuits} public circuits of QASMBench, Benchpress, MQT Bench, SupermarQ, the OpenQASM repository and others, {measured}, two
shared cores with AVX-512 **that other work used as well**, which stretches runs of less than a millisecond most. Peers were
stopped at 2 CPU seconds a circuit, or when 20 times behind the best.

{faces}

On a quiet machine reviewers measured 0.064 for `qmk.sample` over 84 of the same circuits, and 0.080 over as many others;
14 circuits drawn at random, run with nothing beside them, gave 0.112 (halves 0.075 to 0.164) and 0.118 for `qmk.run`.
`qmk.run` is also faster than Aer's own `run` on each of the 73 circuits that any of Aer's methods solved, eight times
or more. Solved by a peer and not by QMK: none. By QMK and by no peer: `ct_n40_d40_t40`, `oq3_adder`, `oq3_qec`. By nobody
within these limits: a QAOA of 50 and a Hamiltonian simulation of 60 qubits, a square root of 45, quantum volumes of 26 and 32,
an Ising chain of 24 with 50 steps. The parities showed wrong answers of peers: Maestro's matrix product state on a dynamic
Fourier transform, qsim behind Cirq's reader on two circuits.

![CPU time of QMK against the best peer of each circuit](../images/router-ratios.svg)

These tables are generated from `benchmarks/results`, which the benchmark writes with `--json`. Each simulator alone, against the oracle, where it solved the circuit, and with the time it had in place of what it did not:

{engines}

![Share of circuits that each engine solves within a factor of the best peer](../images/router-coverage.svg)

## What the rewrites gain
With all rewrites against all but one, whether or not they look as if they pay, over the 87 circuits that end within some
seconds: geometric mean, and the largest gain. Most of these circuits end in less than a millisecond, where looking costs
more than it finds; of QMK as it comes, rewriting costs 12 % in the mean and gains up to 5.4 times.

{rewrites}"""


def number(value: float) -> str:
    """Two digits that say something, three from 100 on."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def faces(found: dict[str, Any]) -> str:
    """The table of ``qmk.sample`` and ``qmk.run`` against the oracle."""
    sample, run = found["summary"]["sample"], found["summary"]["run"]

    def row(label: str, text: Any) -> tuple[str, ...]:
        return (label, text(sample), text(run))

    def none_of(count: int, what: str) -> str:
        return f"{what}{count}" if count else f"{what}none".strip()

    mean = f"QMK / oracle, geometric mean over the {sample['both_solved']} circuits that both solved"
    rows = [
        row(mean, lambda face: f"**{face['ratio']:.3f}**"),
        row("the same over random halves of them", lambda face: face["halves"]),
        row("most behind", lambda face: "{ratio:.2f} (`{circuit}`, {ms:.0f} ms)".format(**face["worst"])),
        row("slower than the oracle", lambda face: none_of(face["slower_on"], "on ")),
        row("wrong answers", lambda face: none_of(face["wrong"], "")),
    ]
    return table(("", "`qmk.sample`, CPU seconds", "`qmk.run`, wall time"), rows).rstrip()


def engines(found: dict[str, Any]) -> str:
    """The table of each engine against the oracle: QMK first, then those that solved most."""
    rows: list[tuple[str, ...]] = []
    for row in sorted(found["rows"], key=lambda row: (row["engine"] != "qmk", -row["solved"])):
        name: str = row["engine"]
        label = LABELS.get(name, name).format(version=found["versions"].get(name, ""))
        best_on = "" if name == "qmk" else str(row["best_on"])
        rows.append((label, str(row["solved"]), best_on, number(row["slowdown"]), number(row["with_unsolved"])))
    head = ("engine", f"solved of {found['circuits']}", "best on", "slowdown", "with the unsolved")
    return table(head, rows).rstrip()


def rewrites(found: dict[str, Any]) -> str:
    """The table of what each rewrite gains."""
    rows = [(r["rewrite"], f"{r['mean']:.2f}", f"{r['most']:.3g}", r["on"]) for r in found["rows"]]
    return table(("rewrite", "mean", "most", "on"), rows)


def main() -> int:
    """Write the page, or compare it."""
    router = results.read("router")
    page = PAGE.format(
        faces=faces(router),
        engines=engines(router),
        rewrites=rewrites(results.read("rewrites")),
        measured=router["measured"],
        circuits=router["circuits"],
    )
    return write_or_check({"docs/reference/speed.md": NOTICE.format(script="generate_speed.py") + page}, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
