"""docs/reference/compiler-figures.md: its tables are the committed results of ``benchmarks/results/compiler.json``."""

from __future__ import annotations

import sys

from pages import NOTICE, ROOT, write_or_check

sys.path.insert(0, str(ROOT))
from benchmarks import results
from benchmarks.compiler.asked import PEERS
from benchmarks.compiler.table import Row, ratios, summary, table

PAGE = """# The compiler beside Qiskit and pytket

After this page you know how many gates on two qubits [`qmk compile`](../howto/compile.md) writes for a circuit, in
which depth and CPU time, beside Qiskit {qiskit} (level 3, the best of {seeds} seeds) and pytket {pytket} (full peephole
optimisation, then placement, routing and resynthesis where there is a map). `python -m benchmarks.compiler FOLDER`
measures it, for public circuits up to {most} gates on two qubits and for Trotter circuits that it makes; on the maps
the figures below end at about 320, where the peers' time ended.

Every compiler gets the same circuit, without gates that no measurement can see, and writes CZ, RZ, SX and X; qubits may
end anywhere. CPU seconds are those of compiling alone, warm, with one thread. Qiskit begins no further seed after
{cpu_s:g} CPU seconds, on part of the circuits after 3; how many it had is in brackets. A compiler has {wall_s:g}
seconds of wall time for a circuit (`qb_ghz_n127` on a map 300), and a dash says that this was not enough. Measured
{measured} on two shared cores **that other work used as well**.

Qiskit leaves out interactions of less than about 1e-4, which QMK keeps: it has fewer gates for that reason on
`mqt_qft_24` and `mqt_qpeexact_20`.

## Means
Of gates and of depth on two qubits over the better of both peers for each circuit; and CPU time over all that the
better peer took, and over one seed of it. Circuits of which nothing is left are not in the means.

{means}

## At -O3
{levels}

## Circuits
Gates / depth on two qubits.

{tables}"""


def _targets(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["target"], []).append(row)
    return found


def _highest(rows: list[Row]) -> str:
    """What -O3 takes on the circuits where it was run: those on which -O2 takes more than a peer."""
    tried = [row for row in rows if "gates" in row.get("qmk3", {})]
    above = [(value, row) for row in tried for value in ratios([row], "qmk3")["gates"] if value > 1]
    worst = "; ".join(
        f"`{row['circuit']}` on {row['target']} {value:.3f}" for value, row in sorted(above, key=lambda one: -one[0])
    )
    return (
        f"`-O3` also runs both peers, one seed of Qiskit, and keeps the best. It was run on {len(tried)} circuits on"
        f" which `-O2` takes more gates than a peer. On {len(tried) - len(above)} of them it takes no more than the"
        f" better peer with all its seeds." + (f" The others: {worst}." if worst else "")
    )


def main() -> int:
    """Write the page, or compare it."""
    found = results.read("compiler")
    targets = _targets(found["rows"])
    page = PAGE.format(
        means="\n".join(f"- `{target}`: {summary(rows, 'qmk2')}" for target, rows in targets.items()),
        levels=_highest(found["rows"]),
        tables="\n".join(table(target, rows, "qmk2") for target, rows in targets.items()).rstrip(),
        **{name: found["versions"][name] for name in PEERS},
        **{key: found[key] for key in ("seeds", "most", "cpu_s", "wall_s", "measured")},
    )
    notice = NOTICE.format(script="generate_compiler_figures.py")
    return write_or_check({"docs/reference/compiler-figures.md": notice + page + "\n"}, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
