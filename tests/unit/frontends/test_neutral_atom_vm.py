"""Front-end ``neutral-atom-vm``: jobs come out as documented, also where the origin errs, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from qmk import frontends
from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.frontends.neutral_atom_vm import FRONTEND, NAVM_RULES
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify
from qmk.sdk.kit import frontend_kit

DATA = Path(__file__).resolve().parents[2] / "data" / "atoms" / "origin"
Document = dict[str, Any]


def case(name: str) -> Document:
    return json.loads((DATA / f"{name}.job.json").read_text())


def read(made: Document) -> Graph:
    return FRONTEND.parse(frontends.Source(json.dumps(made).encode(), "j.json"))


def chances(made: Document) -> dict[str, float]:
    return exact_distribution(lower(read(made), ALL_GATES))


def nodes(graph: Graph, op: str) -> list[Node]:
    return [node for node in graph.nodes if node.op == op]


def alloc(count: int) -> Document:
    return {"op": "AllocArray", "n_qubits": count}


def gate(name: str, *targets: int, param: float = 0.0) -> Document:
    return {"op": "ApplyGate", "name": name, "targets": list(targets), "param": param}


def measure(*targets: int) -> Document:
    return {"op": "Measure", "targets": list(targets)}


def job(*program: Document, noise: Document | None = None, **hardware: Any) -> Document:
    machine = {"positions": [0.0, 1.0, 2.0], "blockade_radius": 1.5, **hardware}
    made: Document = {"job_id": "j", "shots": 100, "hardware": machine, "program": list(program)}
    return made if noise is None else {**made, "noise": noise}


# -- the public cases -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("bell", {"00": 0.5, "11": 0.5}),
        ("cooldown_inserted", {"0 1": 0.5, "1 0": 0.5}),
        ("readout_flip", {"0": 0.75, "1": 0.25}),
        ("WRONG_lost_atom_gate", {"L 1": 1.0}),
    ],
)
def test_what_jobs_give(name: str, want: dict[str, float]) -> None:
    assert chances(case(name)) == pytest.approx(want)
    loaded = frontends.load((DATA / f"{name}.job.json").read_bytes())
    assert loaded.format == "neutral-atom-vm"
    assert verify(loaded.graph).ok
    assert loaded.graph.shots == case(name)["shots"]


@pytest.mark.parametrize(("name", "rule"), [("blockade_violation", "ATOM-36"), ("chain_connectivity", "ATOM-34")])
def test_what_the_machine_refuses(name: str, rule: str) -> None:
    with pytest.raises(QmkError) as caught:
        read(case(name))
    assert [(row.rule, row.file) for row in caught.value.findings] == [(rule, "j.json")]


def test_idle_rates_are_per_second() -> None:
    """200 dephasings a second for 1000 ns, an odd number of them flipping: 2e-4, where the origin has 1."""
    assert chances(case("WRONG_idle_units"))["1"] == pytest.approx((1 - math.exp(-4e-4)) / 2, rel=1e-9)
    assert nodes(read(case("WRONG_idle_units")), "atoms.wait")[0].args == {"duration": 1.0}


def test_the_cooldown_is_in_the_timeline() -> None:
    entries = read(case("cooldown_inserted")).metadata["atoms"]["timeline"]
    assert nodes(read(case("cooldown_inserted")), "atoms.wait")[0].args == {"duration": 50.0}
    assert "101" in json.dumps(entries)  # us: the second measurement begins


# -- what differs from the origin -------------------------------------------------------------------------------------


def test_a_gate_on_a_lost_atom_does_not_happen() -> None:
    """Both atoms are there or not, with 3/4 each; q1 is flipped by q0 only where both are."""
    made = job(alloc(2), gate("X", 0), gate("CX", 0, 1), measure(0, 1), noise={"p_loss": 0.25})
    assert chances(made) == pytest.approx({
        "11 00": 9 / 16, "L0 10": 3 / 16, "1L 01": 3 / 16, "LL 11": 1 / 16,
    })  # fmt: skip


def test_moves_move() -> None:
    """Qubits 0 and 2 are too far apart; once 1 is out of the way and 0 beside 2, they are not."""
    apart = job(alloc(3), gate("CX", 0, 2), measure(2))
    with pytest.raises(QmkError, match="ATOM-36"):
        read(apart)
    away, near = ({"op": "MoveAtom", "atom": k, "position": x} for k, x in ((1, 9.0), (0, 1.0)))
    moved = read(job(alloc(3), gate("X", 0), away, near, gate("CX", 0, 2), measure(2)))
    assert [node.args["to"] for node in nodes(moved, "atoms.move")] == [[[9.0, 0.0, 0.0]], [[1.0, 0.0, 0.0]]]
    with pytest.raises(QmkError, match="ATOM-30"):
        read(job(alloc(3), near, measure(0)))
    far = {"op": "MoveAtom", "atom": 1, "position": 9.0}
    with pytest.raises(QmkError, match="ATOM-36"):
        read(job(alloc(3), far, gate("CX", 0, 1), measure(0)))


def test_a_second_array_adds_qubits() -> None:
    made = job(alloc(1), gate("X", 0), alloc(1), gate("CX", 0, 1), measure(0, 1))
    assert chances(made) == pytest.approx({"11": 1.0})


def test_angles_are_taken() -> None:
    made = chances(job(alloc(1), gate("RX", 0, param=0.6), measure(0)))
    assert made == pytest.approx({"0": math.cos(0.3) ** 2, "1": math.sin(0.3) ** 2})


def test_damping_is_a_channel() -> None:
    """|1> decays with 1/2 in the X, the state stays mixed through H with damping again: 1 with (1 - g) / 2."""
    made = job(alloc(1), gate("X", 0), gate("H", 0), measure(0), noise={"amplitude_damping": {"per_gate": 0.5}})
    assert chances(made) == pytest.approx({"0": 0.75, "1": 0.25})


def test_noise_after_gates() -> None:
    pauli = {"px": 0.1, "py": 0.0, "pz": 0.0}
    one = job(alloc(1), gate("X", 0), measure(0), noise={"gate": {"single_qubit": pauli}})
    assert chances(one) == pytest.approx({"1": 0.9, "0": 0.1})
    both = {"two_qubit_control": pauli, "two_qubit_target": {**pauli, "px": 0.2}}
    two = job(alloc(2), gate("CX", 0, 1), measure(0, 1), noise={"gate": both})
    assert chances(two) == pytest.approx({"00": 0.72, "10": 0.08, "01": 0.18, "11": 0.02})
    matrix = [[0.0] * 4 for _ in range(4)]
    matrix[1][1], matrix[0][1] = 0.25, 0.125
    joint = job(alloc(2), gate("CX", 0, 1), measure(0, 1), noise={"correlated_gate": {"matrix": matrix}})
    assert chances(joint) == pytest.approx({"00": 0.625, "11": 0.25, "01": 0.125})
    kick = job(alloc(1), gate("H", 0), gate("H", 0), measure(0), noise={"phase": {"single_qubit": 1.0}})
    assert chances(kick)["1"] == pytest.approx((1 - math.sin(1.0)) / 2)
    flip = job(alloc(1), measure(0), noise={"p_quantum_flip": 0.125})
    assert chances(flip) == pytest.approx({"0": 0.875, "1": 0.125})


def test_places_by_site_ids() -> None:
    """Slots are sites 7 and 3; zone 1 has a radius of its own."""
    sites = [{"id": 3, "x": 0.0, "zone_id": 1}, {"id": 7, "x": 2.0, "zone_id": 1}]
    wide = {"radius": 1.0, "zone_overrides": [{"zone_id": 1, "radius": 3.0}]}
    places: Document = {"positions": [], "site_ids": [7, 3], "sites": sites}
    graph = read(job(alloc(2), gate("CX", 0, 1), measure(0), **places, blockade_model=wide))
    assert graph.metadata["atoms"]["sites"] == {"a0": 7, "a1": 3}
    with pytest.raises(QmkError, match="ATOM-36"):
        read(job(alloc(2), gate("CX", 0, 1), measure(0), **places, blockade_model={"radius": 1.0}))


def test_a_profile_by_its_name() -> None:
    made: Document = {"profile": "ideal_small_array", "shots": 10, "program": [alloc(2), gate("H", 0), measure(0)]}
    assert chances(made) == pytest.approx({"0": 0.5, "1": 0.5})


# -- what it refuses --------------------------------------------------------------------------------------------------

BELL = (alloc(2), gate("H", 0), gate("CX", 0, 1), measure(0, 1))


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        ("NAVM-01", {**job(*BELL), "surprise": 1}),
        ("NAVM-01", job(*BELL, {"op": "Explode"})),
        ("NAVM-01", job(alloc(1), {"op": "Wait", "duration": -1.0})),
        ("NAVM-02", {**job(*BELL), "isa_version": {"major": 9, "minor": 9}}),
        ("NAVM-03", {**job(*BELL), "shots": -5}),
        ("NAVM-03", {**job(*BELL), "shots": 0}),
        ("NAVM-04", job(alloc(64), positions=[float(k) for k in range(64)])),
        ("NAVM-04", job(alloc(63), alloc(1), positions=[float(k) for k in range(64)])),
        ("NAVM-04", {**job(alloc(10**12)), "device_id": "stabilizer"}),
        ("NAVM-04", job(alloc(0))),
        ("NAVM-04", job()),
        ("NAVM-05", job(alloc(2), gate("CX", 0, 2))),
        ("NAVM-05", job(alloc(2), gate("CX", 1, 1))),
        ("NAVM-05", job(alloc(2), measure(5))),
        ("NAVM-05", job(alloc(2), measure())),
        ("NAVM-06", job(alloc(2), gate("SWAP", 0, 1))),
        ("NAVM-06", job(alloc(2), gate("H", 0, 1))),
        ("NAVM-06", job(alloc(2), gate("H", 0, param=0.5))),
        ("NAVM-07", job(alloc(1), {"op": "Pulse", "target": 0, "detuning": 1.0, "duration": 5.0})),
        ("NAVM-08", job(alloc(1), positions=[])),
        ("NAVM-08", job(alloc(1), coordinates=[[0.0, 0.0, 0.0, 0.0]])),
        ("NAVM-08", {"shots": 1, "program": [alloc(1)], "profile": "nowhere"}),
        ("NAVM-09", job(*BELL, noise={"p_loss": 1.5})),
        ("NAVM-09", job(*BELL, noise={"idle_rate": -1.0})),
        ("NAVM-09", job(*BELL, noise={"correlated_gate": {"matrix": [[0.0]]}})),
        ("NAVM-10", {**job(*BELL), "stim_circuit": "H 0"}),
        ("ATOM-24", job(*BELL, positions=[1.0, 1.0])),
        ("ATOM-28", job(alloc(4), measure(0))),
        ("ATOM-32", job(alloc(1), gate("T", 0), native_gates=[{"name": "X", "arity": 1}])),
    ],
)  # fmt: skip
def test_jobs_that_break_a_rule(rule: str, made: Document) -> None:
    with pytest.raises(QmkError) as caught:
        read(made)
    assert [row.rule for row in caught.value.findings] == [rule]
    assert caught.value.findings[0].help


def test_a_hundred_qubits_on_the_stabilizer_device() -> None:
    chain = [gate("CX", k, k + 1) for k in range(99)]
    made = job(alloc(100), gate("H", 0), *chain, measure(0, 99), positions=[float(k) for k in range(100)])
    assert len(nodes(read({**made, "device_id": "stabilizer"}), "core.cnot")) == 99


def test_parameters_are_refused() -> None:
    with pytest.raises(QmkError, match="NAVM-11"):
        FRONTEND.parse(frontends.Source(json.dumps(job(*BELL)).encode(), params={"n": 1}))
    assert list(NAVM_RULES) == [f"NAVM-{k:02d}" for k in range(1, 12)]


SAMPLES = frontend_kit.Samples(
    valid={"bell": (json.dumps(job(*BELL)).encode(), {"00": 0.5, "11": 0.5})},
    invalid={"shots": (json.dumps({**job(*BELL), "shots": -5}).encode(), 0)},
    foreign=[b'{"version": "1.0", "program": {"nodes": []}}', b"H 0\nM 0\n"],
)
CHECKS = frontend_kit.checks(FRONTEND, SAMPLES)


@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
def test_conformance(check: Any) -> None:
    if check.skipped:
        pytest.skip(check.skipped)
    assert check.run() == ""
