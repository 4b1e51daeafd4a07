"""The compiler for zoned atoms beside mqt.qmap's, both scored by one model on one architecture.

    python -m benchmarks.zoned FOLDER --peer PYTHON [--most 2000] [--only NAME,...] [--json FILE]

Every circuit of FOLDER with up to 60 qubits, no feed-forward and 1 to ``--most`` CZ is compiled once to CZ and U
(``qmk.compile``, all pairs, -O2), and all compilers get that. PYTHON has mqt.qmap; each of its two compilers runs
with its defaults, and the faster result counts. Both outputs become programs of the atom VM, which checks them: QMK's
against every rule, the peer's (``naviz``) without the order of rows and columns, which it changes by offsets.
``predict`` scores both; docs/howto/zoned.md has the model.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

import qmk
from benchmarks.naviz import read_naviz
from qmk.base.errors import QmkError
from qmk.models import atoms
from qmk.models.atoms.on_device import timeline
from qmk.models.atoms.plans import best_plan
from qmk.models.atoms.predicted import predict
from qmk.models.atoms.timeline import check_timeline
from qmk.qvm.graph import Graph
from qmk.request.program import to_graph

ARCHITECTURE = Path(__file__).parent / "zoned_architecture.json"
MOST_QUBITS = 60


def native(path: Path, most: int) -> Graph | None:
    """The circuit in CZ and U without its measurements; None where the peer does not take it."""
    graph = to_graph(path)
    if not 0 < len(graph.vqs) <= MOST_QUBITS or any(node.guard is not None for node in graph.nodes):
        return None
    try:
        made = qmk.compile(path, f"all:{len(graph.vqs)}", gates=("cz", "u"), level=2)
    except QmkError:
        return None
    nodes = made.program.nodes
    measured: set[str] = set()
    for node in nodes:
        if node.guard is not None or node.op == "core.reset" or (measured.intersection(node.vqs) and node.op in GATES):
            return None
        measured.update(node.vqs if node.op == "core.mz" else ())
    if not 0 < sum(node.op == "core.cz" for node in nodes) <= most:
        return None
    kept = tuple(node for node in nodes if node.op in (*GATES, "core.alloc"))
    return Graph(nodes=kept, vqs=made.program.vqs, caps=("CAP_ALLOC",), families=())


GATES = ("core.cz", "core.u")


def to_qasm(graph: Graph) -> str:
    number = {qubit: k for k, qubit in enumerate(graph.vqs)}
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{len(number)}];"]
    for node in graph.nodes:
        operands = ",".join(f"q[{number[qubit]}]" for qubit in node.vqs)
        if node.op == "core.u":
            lines.append("u3({theta!r},{phi!r},{lam!r}) ".format(**node.args) + f"{operands};")
        elif node.op == "core.cz":
            lines.append(f"cz {operands};")
    return "\n".join(lines)


def score_peer(text: str, profile: atoms.Profile, merge: bool) -> dict[str, Any]:
    assert profile.transport is not None
    free = msgspec.structs.replace(profile.transport, crossing=True, separation=0.0)
    made = timeline(read_naviz(text, profile, merge), msgspec.structs.replace(profile, transport=free))
    return predict(made, profile)._asdict()


def score_own(graph: Graph, profile: atoms.Profile) -> dict[str, Any]:
    began = time.process_time()
    found = best_plan(graph, profile)
    seconds = time.process_time() - began
    assert not check_timeline(found.made.graph, profile), "the checker accepts what the planner made"
    return {**found.prediction._asdict(), "cpu_s": seconds}


def row_of(name: str, graph: Graph, folder: Path, seconds: dict[str, float], profile: atoms.Profile) -> dict[str, Any]:
    peers: dict[str, dict[str, Any]] = {}
    for kind, cpu_s in seconds.items():
        text = (folder / f"{name}.{kind}.naviz").read_text()
        peers[kind] = {**score_peer(text, profile, True), "cpu_s": cpu_s}
    mine = score_own(graph, profile)
    for peer in peers.values():
        same = (peer["gates_1q"], peer["gates_2q"]) == (mine["gates_1q"], mine["gates_2q"])
        assert same, f"{name}: the peer has other gates"
    kind = min(peers, key=lambda kind: peers[kind]["time_us"])
    written = score_peer((folder / f"{name}.{kind}.naviz").read_text(), profile, False)["time_us"]
    return {"circuit": name, "qubits": len(graph.vqs), "qmk": mine, "peers": peers, "peer_as_written_us": written}


def fastest(row: dict[str, Any]) -> dict[str, Any]:
    return min(row["peers"].values(), key=lambda peer: peer["time_us"])


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """The aim: as fast or faster on 80 %, geometric mean of time at most 0.9; fidelity beside."""
    times = [row["qmk"]["time_us"] / fastest(row)["time_us"] for row in rows]
    gains = [row["qmk"]["log_fidelity"] - fastest(row)["log_fidelity"] for row in rows]
    written = [row["qmk"]["time_us"] / row["peer_as_written_us"] for row in rows]

    def mean(ratios: list[float]) -> float:
        return math.exp(sum(map(math.log, ratios)) / len(ratios))

    return [
        f"time, QMK to the faster peer: geometric mean {mean(times):.3f}, worst {max(times):.2f}, "
        f"as fast or faster on {sum(ratio <= 1 for ratio in times)} of {len(times)}",
        f"the same with the peer's rides as written: {mean(written):.3f}",
        f"predicted fidelity as high or higher on {sum(gain >= 0 for gain in gains)} of {len(gains)}, "
        f"geometric mean of its ratio {math.exp(sum(gains) / len(gains)):.3f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer", required=True, help="an interpreter that has mqt.qmap")
    parser.add_argument("--architecture", type=Path, default=ARCHITECTURE)
    parser.add_argument("--most", type=int, default=2000, help="CZ of the largest circuit")
    parser.add_argument("--only", default="", help="names, with commas between them")
    parser.add_argument("--json", type=Path, help="where figures are written; circuits in it are not run again")
    asked = parser.parse_args()
    profile = atoms.load(asked.architecture)
    only = set(filter(None, asked.only.split(",")))
    graphs: dict[str, Graph] = {}
    for path in sorted(asked.folder.glob("*.qasm")):
        graph = native(path, asked.most) if not only or path.stem in only else None
        if graph is not None:
            graphs[path.stem] = graph
    rows: list[dict[str, Any]] = []
    if asked.json is not None and asked.json.exists():
        rows = json.loads(asked.json.read_text())["rows"]
    done = {row["circuit"] for row in rows}
    graphs = dict(sorted(graphs.items(), key=lambda row: len(row[1].nodes)))
    with tempfile.TemporaryDirectory() as place:
        for name, graph in graphs.items():
            (Path(place) / f"{name}.qasm").write_text(to_qasm(graph))
        peer = Path(__file__).with_name("zoned_peer.py")
        command = [asked.peer, str(peer), str(asked.architecture), place]
        seconds = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        for name, graph in graphs.items():
            if name in done:
                continue
            row = row_of(name, graph, Path(place), seconds[name], profile)
            rows.append(row)
            mine, best = row["qmk"], fastest(row)
            print(
                f"{name:36} {mine['time_us'] / 1e3:8.2f} ms {best['time_us'] / 1e3:8.2f} ms "
                f"{mine['time_us'] / best['time_us']:.2f}   {mine['fidelity']:.3g} {best['fidelity']:.3g}",
                flush=True,
            )
            if asked.json:
                asked.json.write_text(json.dumps({"model": "docs/howto/zoned.md", "rows": rows}, indent=1) + "\n")
    print("\n".join(summary(rows)))


if __name__ == "__main__":
    main()
