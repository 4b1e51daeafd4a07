"""The circuit of a program with noise of gates is the one that its graph gives."""

from __future__ import annotations

import random
from typing import Any

import pytest

import qmk
from qmk.api.source import Source
from qmk.models.noise import GateRule, NoiseModel, resolve
from qmk.models.noise.errors import Depolarize, Pauli
from qmk.request.options import read_options
from qmk.worker.native import circuit_of_graph

GATES = {"h": 0, "sxdg": 0, "t": 0, "rx": 1, "p": 1, "id": 0, "cx": 0, "cz": 0, "swap": 0, "cp": 1, "ccx": 0}
MODELS = {
    "depolarizing": resolve("depolarizing=0.01"),
    "biased": resolve("biased=0.02:7"),
    "by arity": NoiseModel(gates=(GateRule((Depolarize(0.01),), arity=1), GateRule((Pauli(px=0.2), Pauli(pz=0.1))))),
    "by name": NoiseModel(gates=(GateRule((Depolarize(0.03),), gates=("cx", "h", "t", "rx", "p")),), name="named"),
}


def circuit_at_random(seed: int) -> qmk.Circuit:
    rng = random.Random(seed)
    circuit = qmk.Circuit(4, 4)
    for _ in range(20):
        name = rng.choice([*GATES])
        qubits = rng.sample(range(4), 3 if name == "ccx" else 2 if name in ("cx", "cz", "swap", "cp") else 1)
        circuit.apply(name, *(rng.random() for _ in range(GATES[name])), *qubits)
        if rng.random() < 0.1:
            circuit.barrier().reset(rng.randrange(4)).measure(rng.randrange(4), rng.randrange(4))
    return circuit.measure_all()


def source_of(program: Any, noise: Any, **more: Any) -> Source:
    return Source(program, read_options("qmk.sample", {"noise": noise, "shots": 100, "seed": 1, **more}))


@pytest.mark.parametrize("name", MODELS)
def test_the_circuit_is_that_of_the_graph(name: str) -> None:
    for seed in range(12):
        circuit = circuit_at_random(seed)
        found = source_of(circuit, MODELS[name]).noisy_circuit
        assert found is not None
        graph = source_of(circuit, MODELS[name])
        expected, notes = circuit_of_graph(graph.graph)
        assert found == (expected, notes)


@pytest.mark.parametrize("noise", ["uniform=0.01", "readout=0.1", "si1000=0.01", "depolarizing=0.01,reset=0.1"])
def test_other_noise_is_left_to_the_graph(noise: str) -> None:
    assert source_of(circuit_at_random(1), resolve(noise)).noisy_circuit is None


def test_other_programs_are_left_to_the_graph() -> None:
    model = MODELS["depolarizing"]
    assert source_of("OPENQASM 3.0; qubit q; U(0, 0, 0) q;", model).noisy_circuit is None
    assert source_of(qmk.Circuit(2).ecr(0, 1).measure_all(), model).noisy_circuit is None
    assert source_of(circuit_at_random(1), NoiseModel()).noisy_circuit is None
    damped = resolve("amplitude_damping=0.1")
    assert source_of(circuit_at_random(1), damped).noisy_circuit is None


def test_a_batch_gives_the_bits_of_its_entries() -> None:
    circuits = [circuit_at_random(seed) for seed in range(4)]
    batch = qmk.sample(circuits, shots=200, seed=3, noise="depolarizing=0.05")
    for circuit, found in zip(circuits, batch, strict=True):
        alone = qmk.sample(circuit, shots=200, seed=found.seed, noise="depolarizing=0.05")
        assert alone.counts == found.counts
        assert alone.notes == found.notes
