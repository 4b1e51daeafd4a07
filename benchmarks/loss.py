"""Atoms that are lost on the way: Clifford programs, and a chain that entangles 20 atoms, against their bars.

``python -m benchmarks.loss [--layers 20,50] [--shots 10000] [--wide]`` prints process CPU seconds: of 100 atoms in
layers of H or S on each and CZ on pairs drawn at random, every atom lost with 1 % in each gate, all measured, and how
many times longer ``stim.TableauSimulator`` takes for the same shots with the gates of lost atoms left out; and of
1000 shots of a GHZ state of 20 atoms with wrong readings, with losses, and with T gates besides. Bars: 10 000
Clifford shots in 1.5 CPU seconds, the GHZ state with wrong readings in 0.3. ``--wide`` prints instead what a shot
takes in the native core, the least of five runs, beside what the router predicts: fewer and more atoms, other losses,
memories of the surface code.
"""

from __future__ import annotations

import argparse
import random
import time

import stim

import qmk
from qmk.engines.native import DECLARATION
from qmk.engines.native.loss import TableauPlan
from qmk.models import noise
from qmk.models.qec import codes
from qmk.models.qec.atoms import graph_of
from qmk.models.qec.atoms.steps import memory
from qmk.qvm.graph import Graph, Node, Output
from qmk.router import features as router
from qmk.worker.runner import Runner

ATOMS, LOSS, GHZ = 100, 0.01, 20
BAR_CLIFFORD_S, BAR_GHZ_S = 1.5, 0.3
PEER_SHOTS = 40
WIDE = ((20, 10, 0.01, 50_000), (100, 50, 0.1, 2000), (100, 50, 1e-4, 2000), (600, 20, 0.01, 100))
"""atoms, layers, loss of an atom in a gate, shots"""
MEMORIES = ((5, 0.01, 2000), (5, 1e-3, 2000), (11, 0.01, 100))
"""distance, loss, shots"""

Row = tuple[str, tuple[int, ...]]


def layers(count: int, seed: int = 1, atoms: int = ATOMS) -> list[Row]:
    """(gate, atoms) in order."""
    dice = random.Random(seed)
    rows: list[Row] = []
    for _ in range(count):
        rows += [(dice.choice("hs"), (atom,)) for atom in range(atoms)]
        order = dice.sample(range(atoms), atoms)
        rows += [("cz", (order[k], order[k + 1])) for k in range(0, atoms, 2)]
    return rows


def graph(rows: list[Row], atoms: int = ATOMS, loss: float = LOSS) -> Graph:
    """The gates, each followed by the loss of its atoms, and the measurement of all."""
    names = tuple(f"q{k}" for k in range(atoms))
    nodes = [Node("alloc", "core.alloc", {}, names)]
    for k, (gate, on) in enumerate(rows):
        nodes.append(Node(f"g{k}", f"core.{gate}", {}, tuple(names[atom] for atom in on)))
        nodes += [Node(f"l{k}_{atom}", "noise.loss", {"p": loss}, (names[atom],)) for atom in on]
    nodes += [Node(f"m{k}", "atoms.mz", {}, (name,), produces=(f"b{k}", f"l{k}")) for k, name in enumerate(names)]
    events = tuple(event for node in nodes for event in node.produces)
    return Graph(nodes=tuple(nodes), vqs=names, events=events, outputs=(Output("", events[::2]),))


def peer(rows: list[Row], shots: int) -> float:
    """CPU seconds of a shot on one tableau simulator a shot."""
    dice = random.Random(2)
    started = time.process_time()
    for _ in range(shots):
        state = stim.TableauSimulator()
        gates = {"h": state.h, "s": state.s, "cz": state.cz}
        there = [True] * ATOMS
        for gate, atoms in rows:
            if all(there[atom] for atom in atoms):
                gates[gate](*atoms)
            for atom in atoms:
                there[atom] = there[atom] and dice.random() >= LOSS
        state.measure_many(*(atom for atom in range(ATOMS) if there[atom]))
    return (time.process_time() - started) / shots


def clifford(count: int, shots: int) -> bool:
    rows = layers(count)
    program = graph(rows)
    started = time.process_time()
    done = Runner(DECLARATION).execute(program, "tableau", shots, 7)
    seconds = time.process_time() - started
    ratio = peer(rows, PEER_SHOTS) * shots / seconds
    lost = sum(key.count("L") * times for key, times in done.counts.items()) / shots / ATOMS
    print(f"{ATOMS} atoms, {count} layers, {shots} shots: {seconds:.3f} CPU s, {lost:.1%} of the atoms lost; "
          f"stim.TableauSimulator takes {ratio:.1f} times as long")  # fmt: skip
    return seconds <= BAR_CLIFFORD_S * shots / 10_000


def chain(magic: bool) -> str:
    gates = [f"cx q[{k}], q[{k + 1}];" for k in range(GHZ - 1)]
    gates += [f"h q[{k}]; t q[{k}]; h q[{k}];" for k in range(GHZ)] if magic else []
    return "\n".join(
        ['OPENQASM 3.0; include "stdgates.inc";', f"qubit[{GHZ}] q; bit[{GHZ}] c; h q[0];", *gates, "c = measure q;"]
    )


def ghz(model: str, magic: bool = False) -> float:
    started = time.process_time()
    result = qmk.run(chain(magic), shots=1000, seed=3, noise=model)
    seconds = time.process_time() - started
    print(f"GHZ-{GHZ}{' with T gates' if magic else ''}, 1000 shots, {model}: {seconds:.3f} CPU s on {result.engine}")
    return seconds


def surface(distance: int, loss: float) -> Graph:
    """A memory of the surface code for ``distance`` rounds, ancillas measured and reset in each."""
    model = noise.resolve(f"circuit=1e-3,loss={loss}")
    return graph_of(memory(codes.parse(f"surface(d={distance})"), distance, "Z", model, "end"))


def shot(name: str, program: Graph, shots: int) -> None:
    """Prints microseconds of a shot, all of which lose something where most would not."""
    plan = Runner(DECLARATION).prepare(program, "tableau").plan
    assert isinstance(plan, TableauPlan)
    times: list[float] = []
    for seed in range(5):
        started = time.process_time()
        plan.core.run(shots, seed, given=True)
        times.append((time.process_time() - started) / shots)
    features = router.features(program)
    rest = DECLARATION.predict("tableau", features, 1).seconds
    predicted = DECLARATION.predict("tableau", features, 2).seconds - rest
    print(f"{name}: {min(times) * 1e6:.1f} us a shot; predicted {predicted * 1e6:.1f}")


def wide() -> None:
    for atoms, count, loss, shots in WIDE:
        program = graph(layers(count, atoms=atoms), atoms, loss)
        shot(f"{atoms} atoms, {count} layers, loss {loss}", program, shots)
    for distance, loss, shots in MEMORIES:
        shot(f"surface code, d = {distance}, loss {loss}", surface(distance, loss), shots)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--layers", default="20,50")
    parser.add_argument("--shots", type=int, default=10_000)
    parser.add_argument("--wide", action="store_true")
    options = parser.parse_args()
    if options.wide:
        wide()
        return 0
    met = [clifford(int(text), options.shots) for text in options.layers.split(",")]
    ghz("readout=0.01")  # the first program of a process starts a worker
    met.append(ghz("readout=0.02") <= BAR_GHZ_S)
    ghz("loss=0.01,readout=0.01")
    ghz("loss=0.001,readout=0.01", magic=True)
    return int(not all(met))


if __name__ == "__main__":
    raise SystemExit(main())
