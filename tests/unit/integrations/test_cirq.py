"""QMK inside Cirq: the contracts of ``cirq.Sampler`` and of Cirq's simulators, as Cirq's own tests have them (cirq-core
1.7: ``sim/sparse_simulator_test.py``, ``work/sampler_test.py``; written anew)."""

from __future__ import annotations

# Cirq's types are those of operations where its operators give Pauli strings.
# pyright: reportPrivateImportUsage=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false
import importlib
import importlib.util
import pickle
from typing import Any

import cirq
import duet
import networkx as nx
import numpy as np
import pytest
import sympy
from cirq.work.observable_measurement import RepetitionsStoppingCriteria, measure_observables

from qmk.base.errors import QmkError
from qmk.integrations.cirq import Device, Engine, Sampler, Simulator
from qmk.models.devices import target_named
from tests.unit.adapters.circuits_of_cirq import distribution, random_circuit

A, B, C = cirq.LineQubit.range(3)
T = sympy.Symbol("t")
BELL = cirq.Circuit(cirq.H(A), cirq.CX(A, B), cirq.measure(A, B, key="m"))
TURNED = cirq.Circuit(cirq.rx(T)(A), cirq.measure(A, key="m"))


# -- samples -----------------------------------------------------------------------------------------------------------


def test_a_run_gives_cirqs_result() -> None:
    result = Sampler(seed=1).run(
        cirq.Circuit(cirq.X(A), cirq.measure(A, B, key="m"), cirq.measure(A, key="z")), repetitions=3
    )
    assert isinstance(result, cirq.ResultDict)
    assert list(result.records) == ["m", "z"]
    assert result.records["m"].shape == (3, 1, 2)
    assert result.records["m"].dtype == np.uint8
    np.testing.assert_array_equal(result.measurements["m"], [[1, 0]] * 3)
    assert result.repetitions == 3
    assert result.histogram(key="m") == {2: 3}
    assert list(result.data.columns) == ["m", "z"]
    assert pickle.loads(pickle.dumps(result)) == result
    assert cirq.read_json(json_text=cirq.to_json(result)) == result


def test_repeated_keys_are_records() -> None:
    circuit = cirq.Circuit(
        cirq.measure(A, B, key="m"), cirq.X(A), cirq.measure(A, B, key="m"), cirq.measure(A, key="n")
    )
    result = Sampler().run(circuit, repetitions=4)
    np.testing.assert_array_equal(result.records["m"], [[[0, 0], [1, 0]]] * 4)
    with pytest.raises(ValueError, match="repeated keys"):
        _ = result.measurements


def test_seeds_are_those_of_cirq() -> None:
    def histograms(seed: Any) -> list[Any]:
        sampler = Sampler(seed=seed)
        return [sampler.run(BELL, repetitions=200).measurements["m"].tolist() for _ in range(2)]

    first = histograms(7)
    assert first == histograms(7)
    assert first == histograms(np.random.RandomState(7))
    assert first[0] != first[1], "each run draws anew"
    assert first != histograms(8)


def test_a_sweep_is_one_job_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler, asked = Sampler(seed=1), list[Any]()
    run = sampler._target.run
    monkeypatch.setattr(sampler._target, "run", lambda batch, **options: asked.append(batch) or run(batch, **options))
    sweep = cirq.Linspace("t", 0, np.pi, 3)
    results = sampler.run_sweep(TURNED, sweep, repetitions=50)
    assert len(asked) == 1
    assert [result.params for result in results] == list(sweep)
    assert [int(result.measurements["m"].sum()) for result in results][::2] == [0, 50]
    assert sampler.run_sweep(TURNED, cirq.Points("t", []), repetitions=5) == []
    assert len(sampler.run_sweep(BELL, [{}, {}], repetitions=5)) == 2
    assert sampler.run(TURNED, {"t": np.pi}, repetitions=2).measurements["m"].tolist() == [[1], [1]]
    assert sampler.run(TURNED, {T: np.pi}, repetitions=2).measurements["m"].tolist() == [[1], [1]]
    assert sampler.sample(TURNED, params=sweep, repetitions=2).shape == (6, 2)


def test_a_batch_pairs_circuits_sweeps_and_repetitions() -> None:
    sampler = Sampler(seed=1)
    found = sampler.run_batch([BELL, TURNED], [None, cirq.Points("t", [0, np.pi])], repetitions=[3, 5])
    assert [[result.repetitions for result in row] for row in found] == [[3], [5, 5]]
    assert found[1][1].measurements["m"].all()
    assert duet.run(sampler.run_batch_async, [BELL], None, 2)[0][0].repetitions == 2
    assert duet.run(sampler.run_async, BELL, repetitions=2).repetitions == 2
    with pytest.raises(ValueError, match="must match"):
        sampler.run_batch([BELL], [None, None])


def test_parameters_that_only_their_values_let_read() -> None:
    loop = cirq.CircuitOperation(cirq.FrozenCircuit(cirq.X(A)), repetitions=sympy.Symbol("n"))
    circuit = cirq.Circuit(loop, cirq.measure(A, key="m"))
    results = Sampler().run_sweep(circuit, cirq.Points("n", [1, 2, 3]), repetitions=2)
    assert [int(result.measurements["m"][0, 0]) for result in results] == [1, 0, 1]


def test_what_cirq_refuses_is_refused() -> None:
    sampler = Sampler()
    with pytest.raises(ValueError, match="no measurements"):
        sampler.run(cirq.Circuit(cirq.X(A)))
    with pytest.raises(ValueError, match="not specified in parameter sweep"):
        sampler.run(TURNED)
    with pytest.raises(ValueError, match="at least 0"):
        sampler.run(BELL, repetitions=-1)
    empty = sampler.run(BELL, repetitions=0)
    assert empty.records["m"].shape == (0, 1, 2)
    with pytest.raises(ValueError, match="at least one sample"):
        sampler.sample_expectation_values(BELL[:-1], cirq.Z(A), num_samples=0)
    with pytest.raises(ValueError, match="At least one observable"):
        sampler.sample_expectation_values(BELL[:-1], [], num_samples=5)
    with pytest.raises(ValueError, match="terminal measurements"):
        sampler.sample_expectation_values(BELL, [cirq.Z(A)], num_samples=5)


def test_values_from_samples() -> None:
    circuit = cirq.Circuit(cirq.rx(T)(A))
    wanted = [cirq.Z(A), 2 * cirq.Z(A) + cirq.Z(A) * cirq.Z(B) - 1]
    found = Sampler(seed=1).sample_expectation_values(
        circuit, wanted, num_samples=100, params=cirq.Points("t", [0, np.pi])
    )
    np.testing.assert_allclose(found, [[1, 2], [-1, -4]], atol=1e-9)


def test_noise_of_cirq_and_of_ours() -> None:
    circuit = cirq.Circuit(cirq.X(A), cirq.measure(A, key="m"))
    for noise in (cirq.ConstantQubitNoiseModel(cirq.bit_flip(0.5)), cirq.bit_flip(0.5), "depolarizing=0.75"):
        ones = Sampler(seed=1, noise=noise).run(circuit, repetitions=1000).measurements["m"].mean()
        assert 0.3 < ones < 0.7, noise
    assert Sampler(engine="stabilizer").run(BELL, repetitions=3).repetitions == 3


def test_a_circuit_with_classical_control_draws_what_cirq_computes() -> None:
    circuit, shots = random_circuit(11), 20_000
    wanted = distribution(circuit)
    keys = sorted(cirq.measurement_key_names(circuit))
    counts = Sampler(seed=3).run(circuit, repetitions=shots).multi_measurement_histogram(keys=keys)
    assert counts.keys() <= {key for key, chance in wanted.items() if chance > 1e-9}
    for key, count in counts.items():
        assert abs(count - shots * wanted[key]) < 6 * (shots * wanted[key]) ** 0.5 + 10


def test_cirqs_own_experiments_take_the_sampler() -> None:
    found = measure_observables(
        cirq.FrozenCircuit(cirq.H(A), cirq.CX(A, B)),
        [cirq.X(A) * cirq.X(B)],
        Sampler(seed=1),
        stopping_criteria=RepetitionsStoppingCriteria(500),
    )
    assert found[0].mean == pytest.approx(1)


# -- values, amplitudes, states ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=range(4))
def gates(request: pytest.FixtureRequest) -> cirq.Circuit:
    line = cirq.LineQubit.range(4)
    made = cirq.testing.random_circuit(line, 8, 0.7, random_state=request.param)
    return cirq.Circuit(cirq.PhasedXPowGate(phase_exponent=0.3, exponent=0.6).on_each(*line), made)


def test_states_amplitudes_and_values_are_cirqs(gates: cirq.Circuit) -> None:
    ours, theirs = Simulator(dtype=np.complex128), cirq.Simulator(dtype=np.complex128)
    q = sorted(gates.all_qubits())
    order = [q[2], cirq.NamedQubit("idle"), q[0], q[3], q[1]]
    for given in ({}, {"qubit_order": order}, {"initial_state": 5}, {"initial_state": [0, 1, 1, 0]}):
        found, wanted = ours.simulate(gates, **given), theirs.simulate(gates, **given)
        np.testing.assert_allclose(found.final_state_vector, wanted.final_state_vector, atol=1e-6)
        assert found.qubit_map == wanted.qubit_map
    vector = cirq.testing.random_superposition(16, random_state=1).astype(np.complex128)
    product = cirq.KET_PLUS(q[0]) * cirq.KET_MINUS_IMAG(q[1]) * cirq.KET_ONE(q[2]) * cirq.KET_ZERO(q[3])
    for given in (vector, product):
        start: Any = given if given is vector else given.state_vector()
        wanted = theirs.simulate(gates, initial_state=start).final_state_vector
        np.testing.assert_allclose(ours.simulate(gates, initial_state=given).final_state_vector, wanted, atol=1e-6)
    bits = [0, 5, 0b1111]
    np.testing.assert_allclose(ours.compute_amplitudes(gates, bits), theirs.compute_amplitudes(gates, bits), atol=1e-6)
    wanted_values: list[Any] = [cirq.Z(q[0]) * cirq.X(q[1]), 2 * cirq.Y(q[2]) - cirq.Z(q[3]) * cirq.Z(q[0]) + 3]
    for given in ({}, {"initial_state": 3}):
        np.testing.assert_allclose(
            ours.simulate_expectation_values(gates, wanted_values, **given),
            theirs.simulate_expectation_values(gates, wanted_values, **given),
            atol=1e-6,
        )


def test_a_state_is_a_state_of_cirqs() -> None:
    result = Simulator(seed=1).simulate(cirq.Circuit(cirq.H(A), cirq.CX(A, B)))
    assert isinstance(result, cirq.StateVectorTrialResult)
    assert result.final_state_vector.dtype == np.complex64
    assert result.dirac_notation() == "0.71|00⟩ + 0.71|11⟩"
    np.testing.assert_allclose(result.density_matrix_of([A]), np.eye(2) / 2, atol=1e-6)
    assert result.bloch_vector_of(B) == pytest.approx(np.zeros(3), abs=1e-6)
    with pytest.raises(ValueError, match="complex"):
        Simulator(dtype=np.int32)


def test_a_sweep_of_states_and_values() -> None:
    sweep = cirq.Points("t", [0, np.pi, np.pi / 2])
    circuit = cirq.Circuit(cirq.rx(T)(A))
    ours, theirs = Simulator(), cirq.Simulator()
    for found, wanted in zip(ours.simulate_sweep(circuit, sweep), theirs.simulate_sweep(circuit, sweep), strict=True):
        np.testing.assert_allclose(found.final_state_vector, wanted.final_state_vector, atol=1e-6)
        assert found.params == wanted.params
    np.testing.assert_allclose(
        ours.simulate_expectation_values_sweep(circuit, cirq.Z(A), sweep), [[1], [-1], [0]], atol=1e-6
    )
    np.testing.assert_allclose(
        ours.compute_amplitudes_sweep(circuit, [1], sweep),
        theirs.compute_amplitudes_sweep(circuit, [1], sweep),
        atol=1e-6,
    )
    with pytest.raises(ValueError, match="not specified"):
        ours.simulate(circuit)
    with pytest.raises(ValueError, match="not specified"):
        ours.simulate_expectation_values(circuit, cirq.Z(A))


def test_a_final_measurement_is_drawn_and_its_state_collapses() -> None:
    simulator, seen = Simulator(seed=1), set[tuple[int, ...]]()
    for _ in range(20):
        result = simulator.simulate(BELL)
        bits = tuple(map(int, result.measurements["m"]))
        seen.add(bits)
        assert abs(result.final_state_vector[bits[0] * 3]) == pytest.approx(1, abs=1e-6)
    assert seen == {(0, 0), (1, 1)}
    inverted = cirq.Circuit(cirq.measure(A, key="m", invert_mask=(True,)))
    assert simulator.simulate(inverted).measurements["m"].tolist() == [1]
    with pytest.raises(ValueError, match="on the way"):
        simulator.simulate(cirq.Circuit(cirq.measure(A, key="m"), cirq.X(A)))
    with pytest.raises(ValueError, match="terminal measurements"):
        simulator.simulate_expectation_values(BELL, cirq.Z(A) * cirq.Z(B))
    permitted = simulator.simulate_expectation_values(BELL, cirq.Z(A) * cirq.Z(B), permit_terminal_measurements=True)
    assert permitted == pytest.approx([1])


def test_noise_ends_in_a_density_matrix() -> None:
    circuit = cirq.Circuit(cirq.H(A), cirq.CX(A, B), cirq.amplitude_damp(0.3)(A), cirq.depolarize(0.1)(B))
    wanted = cirq.DensityMatrixSimulator().simulate(circuit).final_density_matrix
    result = Simulator().simulate(circuit)
    assert isinstance(result, cirq.DensityMatrixTrialResult)
    np.testing.assert_allclose(result.final_density_matrix, wanted, atol=1e-6)
    noisy = Simulator(noise=cirq.depolarize(0.1)).simulate(cirq.Circuit(cirq.X(A)))
    assert noisy.final_density_matrix[1, 1].real == pytest.approx(1 - 0.2 / 3, abs=1e-6)
    with pytest.raises(ValueError, match="at most 6"):
        Simulator().simulate(cirq.Circuit(cirq.depolarize(0.1).on_each(*cirq.LineQubit.range(7))))


def test_refusals_of_states() -> None:
    with pytest.raises(ValueError, match="non-Hermitian"):
        Simulator().simulate_expectation_values(cirq.Circuit(cirq.X(A)), 1j * cirq.Z(A))
    for initial in (8, np.ones(3)):
        with pytest.raises(ValueError, match=r"nitial|norm|shape|size|state"):
            Simulator().simulate(cirq.Circuit(cirq.X(A)), initial_state=initial)
    with pytest.raises(QmkError, match="qudit"):
        Simulator().simulate(cirq.Circuit(cirq.IdentityGate(qid_shape=(3,)).on(cirq.LineQid(0, 3))))


# -- an engine with jobs -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(daemon: Any) -> Engine:
    return Engine(str(daemon.socket), seed=1)


def test_a_job_is_found_again_by_its_id(engine: Engine) -> None:
    circuit = cirq.Circuit(cirq.rx(T)(A), cirq.measure(A, B, key="the key"), cirq.measure(A, key="n"))
    job = engine.get_processor("auto").run_sweep(circuit, cirq.Points("t", [0, np.pi]), repetitions=20)
    results = job.results(30)
    assert [result.histogram(key="the key") for result in results] == [{0: 20}, {2: 20}]
    assert [float(result.params.value_of("t")) for result in results] == [0, pytest.approx(np.pi)]
    assert job.status() == "SUCCESS"
    again = engine.get_job(job.id(), circuit)
    assert [result.records.keys() for result in again.results(5)] == [{"the key", "n"}] * 2
    assert [result.records["the_key"].shape for result in engine.get_job(job.id()).results(5)] == [(20, 1, 2)] * 2
    with pytest.raises(QmkError, match="no job"):
        engine.get_job("cirq-none").status()


def test_a_processor_is_an_engine(engine: Engine) -> None:
    names = [each.processor_id for each in engine.list_processors()]
    assert names[0] == "auto"
    assert "stabilizer" in names
    assert engine.get_processor("stabilizer").run(BELL, repetitions=5).repetitions == 5
    assert engine.get_sampler("native").run(BELL, repetitions=5).repetitions == 5
    with pytest.raises(QmkError, match="no processor 'nothing'"):
        engine.get_processor("nothing")


def test_values_come_from_the_daemon_too(daemon: Any) -> None:
    simulator = Simulator(server=str(daemon.socket))
    found = simulator.simulate_expectation_values_sweep(
        cirq.Circuit(cirq.rx(T)(A)), cirq.Z(A), cirq.Points("t", [0, np.pi])
    )
    np.testing.assert_allclose(found, [[1], [-1]], atol=1e-6)


def test_layers_of_tensorflow_quantum_say_what_they_need() -> None:
    if importlib.util.find_spec("tensorflow_quantum") is None:
        with pytest.raises(QmkError, match="needs TensorFlow Quantum"):
            importlib.import_module("qmk.integrations.tfq")


# -- devices -----------------------------------------------------------------------------------------------------------


def test_a_processor_of_a_device_validates_routes_and_runs_with_its_noise(daemon: Any) -> None:
    engine = Engine(server=str(daemon.socket))
    assert {"auto", "fake_torino", "zoned"} <= {each.processor_id for each in engine.list_processors()}
    assert engine.get_processor("auto").get_device() is cirq.UNCONSTRAINED_DEVICE
    processor = engine.get_processor("fake_manila")
    device = processor.get_device()
    assert isinstance(device, Device)
    assert nx.is_isomorphic(device.metadata.nx_graph, nx.path_graph(5))
    assert all(0 < data["error"] < 0.1 for _, _, data in device.metadata.nx_graph.edges(data=True))

    own = cirq.LineQubit.range(3)
    star = cirq.Circuit(cirq.H(own[0]), cirq.CX(own[0], own[1]), cirq.CX(own[0], own[2]), cirq.CX(own[1], own[2]))
    with pytest.raises(ValueError, match="does not couple"):
        processor.run_sweep(star + cirq.measure(*own, key="m"), None, 10)
    routed, placed, moved = cirq.RouteCQC(device.metadata.nx_graph).route_circuit(star)
    at = [moved[placed[qubit]] for qubit in own]
    routed += cirq.measure(*at, key="m")
    device.validate_circuit(routed)
    counts = processor.run_sweep(routed, None, 2000).results()[0].histogram(key="m")
    ideal = cirq.Simulator().run(routed, repetitions=200).histogram(key="m")
    assert set(ideal) == {0, 6}
    assert counts[0] + counts[6] > 1500
    assert len(counts) > 2

    far = cirq.Circuit(cirq.X(cirq.LineQubit(7)), cirq.measure(cirq.LineQubit(7)))
    with pytest.raises(ValueError, match="has no qubit"):
        processor.get_sampler().run(far)
    with pytest.raises(ValueError, match="more than two qubits"):
        device.validate_operation(cirq.CCX(*own))
    with pytest.raises(QmkError, match="no processor 'nowhere'"):
        engine.get_processor("nowhere")


def test_a_qubit_of_a_circuit_is_the_site_of_its_number() -> None:
    """Site 5 of the snapshot reads a 1 as 0 more often than site 3; so does a processor."""
    sampler = Engine().get_processor("fake_lagos").get_sampler()
    sampler._target.server = None
    found = []
    target = target_named("fake_lagos")
    order = sorted(range(7), key=lambda site: target.readings[site].p10 or 0.0)
    for site in (order[0], order[-1]):
        qubit = cirq.LineQubit(site)
        values = sampler.sample_expectation_values(cirq.Circuit(cirq.X(qubit)), cirq.Z(qubit), num_samples=10)
        assert values == [[pytest.approx(-1, abs=0.2)]]
        zeros = sampler.run(cirq.Circuit(cirq.X(qubit), cirq.measure(qubit, key="m")), repetitions=20_000)
        found.append(zeros.histogram(key="m")[0] / 20_000)
    expected = [target.readings[site].p10 for site in (order[0], order[-1])]
    assert np.allclose(found, expected, atol=0.02)
