"""Noise and devices beside a program: the same graph whichever way it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.frontends import load
from qmk.models.atoms import AtomNoise, noisy, profile
from qmk.models.noise import apply, resolve
from qmk.request.build import build, build_remote, notes_of
from qmk.request.options import RunOptions
from qmk.request.physical import physical

ANALOG = (Path(__file__).resolve().parents[2] / "data" / "atoms" / "vacancies_6sites.braket.json").read_bytes().decode()
BELL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;'
PROGRAM = load(ANALOG.encode()).graph
OURS = AtomNoise(name="ours", evolution={"decay_per_us": 0.1}, p10=0.2)


def test_noise_of_evolutions_goes_by_name_as_itself_or_as_that_of_the_device() -> None:
    made = noisy(PROGRAM, "aquila")
    assert physical(PROGRAM, "aquila") == (made, {"noise": "aquila"})
    assert physical(PROGRAM, OURS) == (noisy(PROGRAM, OURS), {"noise": "ours"})
    on_aquila, told = physical(PROGRAM, "device", "aquila")
    assert on_aquila.nodes == made.nodes
    assert told["noise"] == "aquila"
    assert told["device"].startswith("aquila, ")


def test_a_device_of_ones_own_brings_its_numbers(tmp_path: Path) -> None:
    mine = tmp_path / "mine.json"
    mine.write_bytes(msgspec.json.encode(msgspec.structs.replace(profile("ideal"), name="mine", noise=OURS)))
    assert physical(PROGRAM, "device", str(mine))[0].nodes == noisy(PROGRAM, OURS).nodes


def test_models_of_gates_are_applied_after_the_device_and_its_own_noise_is_there_already() -> None:
    plain = load(BELL.encode()).graph
    assert physical(plain, "depolarizing=1e-3")[0] == apply(resolve("depolarizing=1e-3"), plain)
    chain, told = physical(plain, "device", "lossy_chain")
    assert told["noise"] == "of the device"
    assert chain == qmk.on_device(plain, "lossy_chain").graph
    both = physical(plain, "depolarizing=1e-3", "lossy_chain")[0]
    assert both == apply(resolve("depolarizing=1e-3"), chain)


@pytest.mark.parametrize(
    ("program", "noise", "device", "says"),
    [
        (ANALOG, "device", None, "no device"),
        (ANALOG, "device", "ideal", "says nothing of errors of evolutions"),
        (BELL, "device", "ideal_grid", "says nothing of errors of gates"),
        (BELL, "aquila", None, "those of evolutions, and the program has none"),
        (ANALOG, "aquilla", None, "is not a term of noise"),
        (ANALOG, 7, None, r"noise model: 7 \(int\) is not one"),
    ],
)
def test_what_does_not_fit_is_refused(program: str, noise: Any, device: str | None, says: str) -> None:
    with pytest.raises(QmkError, match=says) as caught:
        build(program, RunOptions(noise=noise, device=device))
    assert caught.value.kind.name == "INVALID_PARAMS"
    assert caught.value.fields.get("help")


def test_a_machine_of_logical_qubits_has_no_atoms() -> None:
    for make in (build, build_remote):
        with pytest.raises(QmkError, match="both a device of atoms and a machine"):
            make(BELL, RunOptions(noise="p=1e-3", qec="surface(d=3)", device="zoned"))
        with pytest.raises(QmkError, match=r"\(AtomNoise\) is not one"):
            make(BELL, RunOptions(noise=OURS, qec="surface(d=3)"))


def test_a_client_sends_the_graph_and_tells_what_it_asked() -> None:
    assert (
        build_remote(ANALOG, RunOptions(noise="device", device="aquila")).graph.nodes == noisy(PROGRAM, "aquila").nodes
    )
    assert notes_of(RunOptions(noise="aquila", device="aquila")) == {"noise": "aquila", "device": "aquila"}
    assert notes_of(RunOptions(noise="device", device="zoned"))["noise"] == "of the device"
    assert notes_of(RunOptions()) == {}


def test_every_way_to_run_takes_both() -> None:
    """A two-qubit Pauli drawn among fifteen turns Z0 Z1 round eight times, and leaves it seven times."""
    whole: dict[str, Any] = {"noise": "depolarizing=1.0", "device": "ideal_grid"}
    assert float(qmk.expectation(BELL, "ZZ", **whole)) == pytest.approx(-1 / 15)
    assert qmk.probabilities(BELL, [0], **whole).values == pytest.approx([0.5, 0.5])
    assert set(qmk.sample(BELL, shots=200, seed=1, **whole).counts) == {"00", "01", "10", "11"}
    assert qmk.state(BELL, device="ideal_grid").shape == (4,)
    assert len(qmk.amplitudes(BELL, ["00"], device="ideal_grid")) == 1
    swept = qmk.sweep(ANALOG, [{"c6": 5.42e6}], "Z0", shots=20, seed=1, noise=OURS)
    assert swept.errors[0, 0] > 0
    with pytest.raises(QmkError, match="ATOM-27"):
        qmk.gradient(qmk.Circuit(2).rx(0.3, 0).cx(0, 1), "ZZ", device="aquila")


@pytest.mark.parametrize("device", ["fake_manila", "fake_lagos", "line:5", "line:4", "fake_torino"])
def test_values_on_a_device_are_of_the_programs_own_qubits(device: str) -> None:
    """A program that is compiled for a device is moved to other sites, and swaps take more: values keep the program's
    numbers. Without errors they are exact; with them within what these devices err by."""
    circuit = qmk.Circuit(4).x(1).cx(1, 3).h(2).rx(0.3, 0).cx(2, 0).cx(0, 1).cx(3, 2).cx(0, 3)
    observables = ["ZIII", "IZII", "IIZI", "IIIZ", "ZZII", "XIXI", "IIZZ", "ZZZZ"]
    ideal = np.array([each.value for each in qmk.expectation(circuit, observables)])
    found = np.array([each.value for each in qmk.expectation(circuit, observables, device=device)])
    assert np.abs(found - ideal).max() < (1e-9 if device.startswith("line") else 0.3)
    graph, asked = qmk.outputs(circuit, expect=observables)
    values = qmk.run(graph, outputs=asked, device=device, shots=10, seed=1).values
    assert values is not None
    assert [each.value for each in values.points[0].expectations] == pytest.approx(list(found), abs=1e-12)
    chances = np.asarray(qmk.probabilities(circuit, device=device).values)
    assert np.abs(chances - np.asarray(qmk.probabilities(circuit).values)).max() < 0.1


def test_a_device_of_which_no_errors_are_known_has_none_and_says_so() -> None:
    result = qmk.run(BELL, device="line:5", shots=50, seed=1)
    assert set(result.counts) == {"00", "11"}
    assert result.provenance.notes["device"] == "line:5, compiled for it, no errors of it are known"
