"""``python -m benchmarks.router CIRCUITS``: QMK and its peers on every OpenQASM file of a folder, in one run."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import qmk
from benchmarks import results
from benchmarks.agreement import compare
from benchmarks.router import report
from benchmarks.router.process import Peer
from benchmarks.router.texts import Texts

PEERS = ("stim", "clifft", "maestro", "qsim", "aer", "qulacs", "lightning", "ddsim")
AHEAD = 20.0
"""a peer this many times behind the best so far has lost, and is stopped there, but not before ``--floor`` seconds"""

CHECK_SHOTS, CHECK_S = 20_000, 2.0
"""shots whose parities are compared, where drawing them is expected to take no longer than this, off the clock"""


def main() -> None:
    arguments = _arguments()
    paths = sorted(p for p in arguments.circuits.glob("*.qasm") if arguments.only in p.stem)
    if 0 < arguments.subset < len(paths):
        paths = sorted(random.Random(arguments.subset_seed).sample(paths, arguments.subset))
    pythons = dict(pair.split("=", 1) for pair in arguments.python)
    names = ["qmk", *(arguments.peers.split(",") if arguments.peers else ())]
    peers = [
        Peer(name, pythons.get(name, pythons.get("peers", sys.executable) if name != "qmk" else sys.executable))
        for name in names
    ]
    missing = [f"{peer.name}: {peer.problem}" for peer in peers if peer.problem]
    if missing:  # an oracle without one of its peers is another oracle
        sys.exit(
            "these peers cannot be started; name the others with --peers to do without them\n" + "\n".join(missing)
        )
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="qmk-texts-") as folder:
        texts = Texts(Path(folder))
        for path in paths:
            rows.extend(_circuit(path, peers, texts, arguments))
            if arguments.out:
                arguments.out.write_text(json.dumps(rows))
    for peer in peers:
        peer.close()
    print(report.show(rows))
    if arguments.json:
        versions = {"qmk": qmk.__version__} | {peer.name: peer.version for peer in peers if peer.version}
        results.write(arguments.json, versions=versions, **report.figures(rows))


def _circuit(path: Path, peers: list[Peer], texts: Texts, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    best = float("inf")
    for peer in peers:
        for method in peer.methods:
            if peer.name == "qmk" and method not in ("", "run") and not arguments.ablate:
                continue
            limit = arguments.limit if peer.name == "qmk" else min(arguments.limit, max(arguments.floor, AHEAD * best))
            answer = peer.ask(
                2 * limit + arguments.enough + CHECK_S, path=str(texts.readable(path.resolve(), peer.reads)),
                shots=arguments.shots, method=method, repeats=arguments.repeats, enough_s=arguments.enough,
                warm=not arguments.cold, check_shots=CHECK_SHOTS, check_s=CHECK_S,
            )  # fmt: skip
            if answer.get("error", "").startswith("more than"):
                answer["stopped_s"] = limit
            engine = f"{peer.name}:{method}" if method else peer.name
            rows.append({"circuit": path.stem, "engine": engine, **answer})
            if peer.name != "qmk" and "cpu_s" in answer:
                best = min(best, answer["cpu_s"])
            shown = f"{1e3 * answer['cpu_s']:.2f} ms" if "cpu_s" in answer else answer["error"]
            print(f"{path.stem:<42}{engine:<28}{shown}", file=sys.stderr)
    _judge(rows)
    return rows


def _judge(rows: list[dict[str, Any]]) -> None:
    """Marks answers that cannot be of the distribution that most others sampled; drops the counts."""
    answered = [row for row in rows if "counts" in row]
    found = {id(row): row.pop("counts") for row in answered}
    agrees = {
        (id(a), id(b)): compare(found[id(a)], found[id(b)]).holds for i, a in enumerate(answered) for b in answered[:i]
    }
    for row in answered:
        against = [
            b["engine"]
            for b in answered
            if b is not row and not agrees.get((id(row), id(b)), agrees.get((id(b), id(row))))
        ]
        if len(against) * 2 > len(answered) - 1 or (len(answered) == 2 and against):
            row["disagrees"] = "differs from " + ", ".join(against)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.router", description=__doc__)
    parser.add_argument("circuits", type=Path, help="folder with .qasm files")
    parser.add_argument("--only", default="", help="part of the names of the circuits to run")
    parser.add_argument("--subset", type=int, default=0, help="run so many of them, drawn at random; 0 for all")
    parser.add_argument("--subset-seed", type=int, default=1)
    parser.add_argument("--peers", default=",".join(PEERS), help="peers to run, by comma; empty for QMK alone")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=PATH",
        help="interpreter of a peer; PEER 'peers' is all of them",
    )
    parser.add_argument("--shots", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--enough", type=float, default=1.5, help="CPU seconds after which a run is not repeated")
    parser.add_argument("--limit", type=float, default=10.0, help="CPU seconds of one run")
    parser.add_argument("--floor", type=float, default=1.0, help="CPU seconds that a peer gets at least")
    parser.add_argument("--cold", action="store_true", help="count the first run of each circuit in its process")
    parser.add_argument("--ablate", action="store_true", help="run QMK again with each rewrite switched off")
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    parser.add_argument("--json", type=Path, help="write the figures for docs/reference/speed.md as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
