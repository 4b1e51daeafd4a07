"""Front-end ``pulser``: probabilities and samples that Pulser itself computed, and what the front-end pins."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import qmk
from qmk import frontends
from qmk.formats import binary, json_codec
from qmk.frontends.pulser import FRONTEND, samples
from qmk.frontends.pulser.program import _DECODER
from qmk.frontends.pulser.register import c6, device, known_devices, register
from qmk.frontends.pulser.sequence import Sequence
from qmk.frontends.pulser.values import Values
from qmk.qvm.graph import digest
from qmk.qvm.verify import verify
from qmk.sdk.kit import frontend_kit
from tests.unit.frontends.pulser_documents import (
    DATA,
    constant,
    document,
    evolution,
    pulse,
    read,
    sampled,
    text,
    written_out,
)

CASES = ["phase_1", "parametrized_3", "ramp_z2_6"]


def case(name: str) -> tuple[bytes, dict[str, Any]]:
    return (DATA / f"{name}.pulser.json").read_bytes(), json.loads((DATA / f"{name}.expected.json").read_text())


def rydberg(made: Any, **params: Any) -> list[float]:
    """Probability of a 1, qubit by qubit."""
    graph = read(made, **params)
    found = qmk.expectation(graph, [f"Z{k}" for k in range(len(graph.vqs))])
    return [(1 - float(z)) / 2 for z in found]


# -- against Pulser --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_probabilities_are_those_of_pulsers_simulator(name: str) -> None:
    """1e-6 is what its solver is good for; other meanings of samples are 3e-5 to 4e-4 away. The cases have an
    asymmetric phase, variables, and six atoms that interact."""
    data, known = case(name)
    params = known["build_variables"] or {}
    wanted = known["p(measure 1) per qubit"]
    assert rydberg(data, **params) == pytest.approx(wanted, abs=1e-6)
    found = qmk.probabilities(read(data, **params)).values
    for key, probability in known["bitstring_probabilities"].items():
        assert found[int(key, 2)] == pytest.approx(probability, abs=1e-6)
    assert evolution(read(data, **params))["duration"] == known["duration_ns"] / 1000


def test_held_samples_are_another_program() -> None:
    data, known = case("parametrized_3")
    held = rydberg(data, **known["build_variables"], samples="hold")
    apart = max(abs(a - b) for a, b in zip(held, known["p(measure 1) per qubit"], strict=True))
    assert 1e-4 < apart < 1e-3


def probabilities_of_three_levels(args: dict[str, Any]) -> np.ndarray:
    """Of 0, 1 and r for two atoms that begin in 0: the midpoint rule on pieces of at most half a ns."""
    atoms, (levels, both) = 2, (3, 9)
    couples = {"rydberg0": (0, 2), "raman": (0, 1)}
    where = args["positions"]
    number = np.diag([0.0, 0.0, 1.0])
    still = np.kron(number, number) * args["c6"] / np.linalg.norm(np.subtract(where[0], where[1])) ** 6
    cuts = {round(0.5 * k * 1e-3, 9) for k in range(round(args["duration"] * 2000) + 1)}
    times = np.array(sorted(cuts))
    middles = 0.5 * (times[1:] + times[:-1])
    total = np.repeat(still[None].astype(complex), len(middles), axis=0)
    for drive in args["drives"]:
        a, b = couples[drive["transition"]]
        one = np.zeros((len(middles), levels, levels), dtype=complex)
        if "amplitude" in drive:
            strength = np.interp(middles, drive["amplitude"]["times"], drive["amplitude"]["values"])
            one[:, a, b] = strength / 2 * np.exp(1j * drive["phase"]["values"][0])
            one += one.conj().transpose(0, 2, 1)
        if "detuning" in drive:
            one[:, b, b] -= np.interp(middles, drive["detuning"]["times"], drive["detuning"]["values"])
        for atom in range(atoms):
            parts = [np.eye(levels)[None], np.eye(levels)[None]]
            parts[atom] = drive.get("pattern", [1.0, 1.0])[atom] * one
            total += np.einsum("tij,tkl->tikjl", *np.broadcast_arrays(*parts)).reshape(-1, both, both)
    state = np.zeros(both, dtype=complex)
    state[0] = 1
    energies, vectors = np.linalg.eigh(total)
    for energy, vector, step in zip(energies, vectors, np.diff(times), strict=True):
        state = vector @ (np.exp(-1j * energy * step) * (vector.conj().T @ state))
    return np.abs(state.reshape(levels, levels)) ** 2


@pytest.mark.parametrize("name", ["digital_cz_2", "digital_detuned_2"])
def test_a_digital_sequence_is_one_of_three_levels(name: str) -> None:
    """Raman light between g = 0 and h = 1, Rydberg light from 0 to r: Pulser's own probabilities, by an integration of
    the op's Hamiltonian that shares no code with any engine. An atom in r reads 0. In the second both kinds of light,
    detuned, are on at once."""
    data, known = case(name)
    graph = read(data)
    assert verify(graph).ok
    assert [node.op for node in graph.nodes][1] == "analog.rydberg3"
    found = probabilities_of_three_levels(evolution(graph))
    read_as = np.zeros((2, 2))
    for a in range(3):
        for b in range(3):
            read_as[a % 2, b % 2] += found[a, b]
    for key, probability in known["bitstring_probabilities"].items():
        assert read_as[int(key[0]), int(key[1])] == pytest.approx(probability, abs=2e-6)


def test_three_levels_run() -> None:
    """Six standard deviations: a false failure in 5e8 runs. Of 10 there is none but for 1e-8."""
    data, known = case("digital_cz_2")
    counts = qmk.run(data.decode(), shots=4000, seed=2).counts
    for key, probability in known["bitstring_probabilities"].items():
        assert abs(counts.get(key, 0) - 4000 * probability) <= 1 + 6 * (4000 * probability * (1 - probability)) ** 0.5
    assert counts.get("10", 0) == 0


def test_who_is_in_the_third_level_may_be_what_is_measured() -> None:
    """The probabilities are those that Pulser's simulator gives for a measurement of ground-rydberg; six deviations."""
    made = json.loads(case("digital_detuned_2")[0]) | {"measurement": "ground-rydberg"}
    graph = read(made)
    assert verify(graph).ok
    counts = qmk.run(graph, shots=4000, seed=2).counts
    wanted = {"00": 0.735681625, "01": 0.131907091, "10": 0.131907091, "11": 0.000504194187}
    for key, probability in wanted.items():
        assert abs(counts.get(key, 0) - 4000 * probability) <= 5 + 6 * (4000 * probability * (1 - probability)) ** 0.5
    assert sum(counts.values()) == 4000


def light_of(sequence: Sequence, duration: int) -> dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]:
    """The coupling and the detuning of every qubit in every basis."""
    found: dict[tuple[str, int], tuple[np.ndarray, np.ndarray]] = {}
    for light in samples.lights(sequence.lines, duration):
        for qubit in sequence.everyone:
            coupling, detuning = found.setdefault(
                (light.basis, qubit), (np.zeros(duration + 1, complex), np.zeros(duration + 1))
            )
            if light.weights is not None:
                detuning += light.detuning * light.weights[qubit]
            elif light.atoms is None or qubit in light.atoms:
                coupling += light.amplitude * np.exp(-1j * light.phase)
                detuning += light.detuning
    return found


@pytest.mark.parametrize("known", sampled(), ids=lambda known: known["name"])
def test_samples_are_those_of_pulsers_sampler(known: dict[str, Any]) -> None:
    """Bandwidths, clocks, retargeting, phase jumps, detuning maps, masks, EOM mode and truncation, ns by ns."""
    read_as = _DECODER.decode(text(known["sequence"]))
    sequence = Sequence(
        read_as, device(read_as.device), register(read_as.register, read_as.layout, None), Values({}, {})
    )
    duration = known["duration"]
    assert max(line.end for line in sequence.lines.values()) == duration
    wanted = {key: (np.zeros(duration + 1, complex), np.zeros(duration + 1)) for key in light_of(sequence, duration)}
    for where, light in known["light"].items():
        basis, _, name = where.rpartition(" ")
        amplitude, detuning, phase = (
            np.concatenate([np.full(count, value) for value, count in light[kind]]) for kind in ("amp", "det", "phase")
        )
        for qubit in sequence.everyone if name == "all" else [sequence.register.names.index(name)]:
            if (basis, qubit) not in wanted:
                assert not amplitude.any()
                assert not detuning.any()
                continue
            wanted[basis, qubit][0][:] += amplitude * np.exp(-1j * phase)
            wanted[basis, qubit][1][:] += detuning
    assert any(coupling.any() for coupling, _ in wanted.values())
    for key, (coupling, detuning) in light_of(sequence, duration).items():
        assert np.abs(coupling - wanted[key][0]).max() < 1e-7, key
        assert np.abs(detuning - wanted[key][1]).max() < 1e-7, key


# -- what it pins ----------------------------------------------------------------------------------------------------


def test_units_are_ns_and_rad_per_us() -> None:
    where = [{"name": "a", "x": 6.1, "y": -2}]
    made = evolution(read(document(pulse(amplitude=constant(250, 4.0)), register=where), samples="hold"))
    assert made["duration"] == 0.25
    assert made["positions"] == [[6.1, -2.0]]
    assert made["drives"][0]["amplitude"] == {"times": [0.0, 0.25], "values": [4.0, 4.0]}


def test_the_phase_has_the_sign_that_pulser_gives_it() -> None:
    """e^{+i phase} |r><g| there is e^{+i (-phase)} |g><r| of the op."""
    assert evolution(read(document(pulse(phase=0.7))))["drives"][0]["phase"]["values"] == [-0.7, -0.7]
    data, known = case("phase_1")
    turned = json.loads(data)
    turned["operations"][2]["phase"] = -0.7
    assert abs(rydberg(turned)[0] - known["p(measure 1) per qubit"][0]) > 0.1


def test_c6_is_that_of_the_level() -> None:
    mock = written_out("MockDevice")
    assert evolution(read(document()))["c6"] == c6(70) == 5_420_158.53
    assert evolution(read(document(device={**mock, "rydberg_level": 60})))["c6"] == c6(60) == 865_723.02
    assert evolution(read(document(), c6=5_420_000))["c6"] == 5_420_000.0


def test_bits_stand_in_the_registers_order() -> None:
    """A pi pulse on the second of three, whose names are in another order."""
    made = document(
        {"op": "target", "channel": "l", "target": 1},
        pulse("l", constant(100, 10 * np.pi)),
        channels={"l": "rydberg_local"},
        register=[{"name": name, "x": 100.0 * k, "y": 0.0} for k, name in enumerate("zay")],
    )
    graph = read(made, samples="hold")
    assert graph.metadata["atoms"]["qubits"] == ["z", "a", "y"]
    assert graph.outputs is not None
    assert [(row.name, row.bits) for row in graph.outputs] == [("q", ("r0", "r1", "r2"))]
    assert evolution(graph)["drives"][0]["pattern"] == [0.0, 1.0, 0.0]
    assert dict(qmk.run(graph, shots=10, seed=1).counts) == {"010": 10}


def test_held_samples_have_the_area_that_pulser_says() -> None:
    """A pulse of pi: exact where samples are held; the spline's way down to 0 is beyond the end."""
    made = document(pulse(amplitude=constant(100, 10 * np.pi)))
    assert rydberg(made, samples="hold") == pytest.approx([1.0] * 3, abs=1e-6)
    assert 1e-6 < 1 - rydberg(made)[0] < 1e-3


def test_light_of_the_raman_channel_alone_is_of_two_levels() -> None:
    """1 is h. Its detuning is of g, so that of h is the opposite; a phase shift turns the axis."""
    made = document(
        {"op": "target", "channel": "m", "target": 0},
        pulse("m", constant(100, 5 * np.pi), constant(100, 3.0)),
        {"op": "phase_shift", "phi": 0.4, "targets": [0], "basis": "digital"},
        pulse("m", constant(100, 5 * np.pi)),
        channels={"m": "raman_local"},
        measurement="digital",
    )
    graph = read(made, samples="hold")
    args = evolution(graph)
    assert args["c6"] == 0.0
    first, second = args["drives"]
    assert set(first["detuning"]["values"]) == {-3.0, 0.0}
    assert first["phase"]["values"] == [0.0, 0.0]
    assert second["phase"]["values"][0] == pytest.approx(np.pi / 2)
    detuned = np.array([[-3.0, 5 * np.pi / 2], [5 * np.pi / 2, 0.0]])  # of g and h
    turned = 5 * np.pi / 2 * np.array([[0, np.exp(0.4j)], [np.exp(-0.4j), 0]])
    state = np.array([1.0, 0.0], dtype=complex)
    for hamiltonian in (detuned, turned):
        energy, vector = np.linalg.eigh(hamiltonian)
        state = vector @ (np.exp(-0.1j * energy) * (vector.conj().T @ state))
    assert rydberg(made, samples="hold")[0] == pytest.approx(abs(state[1]) ** 2, abs=1e-7)


def test_what_is_measured_is_what_is_driven_unless_it_is_said() -> None:
    assert read(document(measurement=None)).metadata["atoms"]["measurement"] == "ground-rydberg"


def test_a_device_by_its_name_is_the_one_written_out() -> None:
    for name in ("MockDevice", "DigitalAnalogDevice"):
        written = device(_DECODER.decode(text(document(device=written_out(name)))).device)
        assert known_devices()[name].channels == written.channels
    assert set(known_devices()) == {"MockDevice", "AnalogDevice", "DigitalAnalogDevice"}


def test_a_mappable_register_is_told_its_traps() -> None:
    layout = {"coordinates": [[10, 0], [0, 0], [0, 8], [10, 8], [20, 0], [20, 8]]}
    made = document(register=[{"qid": "a"}, {"qid": "b"}, {"qid": "c"}], layout=layout)
    assert evolution(read(made, qubits=[5, 0]))["positions"] == [[20.0, 8.0], [0.0, 0.0]]
    for atom, trap in zip(made["register"], (2, 3, 1), strict=True):
        atom["default_trap"] = trap
    assert evolution(read(made))["positions"] == [[10.0, 0.0], [10.0, 8.0], [0.0, 8.0]]


def test_a_register_may_be_in_space() -> None:
    made = document(register=[{"name": "a", "x": 0, "y": 0, "z": 1}, {"name": "b", "x": 0, "y": 0, "z": 8}])
    assert evolution(read(made))["positions"] == [[0.0, 0.0, 1.0], [0.0, 0.0, 8.0]]
    assert verify(read(made)).ok


def test_a_ramp_has_few_knots() -> None:
    made = document(pulse(amplitude={"kind": "ramp", "duration": 30_000, "start": 0.0, "stop": 5.0}))
    assert len(evolution(read(made))["drives"][0]["amplitude"]["times"]) < 60
    assert len(evolution(read(made, samples="hold"))["drives"][0]["amplitude"]["times"]) > 50_000


def test_the_graph_survives_every_form() -> None:
    for name in (*CASES, "digital_cz_2"):
        data, known = case(name)
        graph = read(data, **(known["build_variables"] or {}))
        assert digest(json_codec.decode(json_codec.encode(graph))[0]) == digest(graph)
        assert binary.decode(binary.encode(graph)) == graph


def test_it_is_recognised_by_its_content() -> None:
    data, known = case("parametrized_3")
    assert frontends.load(data, params=known["build_variables"]).format == "pulser"
    assert FRONTEND.recognise((DATA / "z2_sweep_N8.quera.json").read_bytes()) == 0


SAMPLES = frontend_kit.Samples(
    valid={name: (case(name)[0], None) for name in ("phase_1", "ramp_z2_6", "digital_cz_2")},
    invalid={"no register": (b'{"pulser_version": "1.9.1"}', 0), "a number": (b"1", 0)},
    foreign=[(DATA / "z2_sweep_N8.quera.json").read_bytes(), b'{"register": [], "program": {}}', b"OPENQASM 3;"],
)


@pytest.mark.parametrize("check", frontend_kit.checks(FRONTEND, SAMPLES), ids=lambda check: check.name)
def test_the_conformance_kit(check: frontend_kit.Check) -> None:
    if not check.skipped:
        assert check.run() == ""
