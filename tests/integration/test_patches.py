"""Jobs on logical qubits on a real daemon: written in its translator, placed, billed, the same bits as in process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.client import Client, Operator
from qmk.host import ledger
from qmk.host.store import JOURNAL_NAME
from qmk.models.noise import NoiseModel
from qmk.models.qec.logical import on_machine
from qmk.qvm.graph import Graph, Node, digest

Make = Callable[..., Any]
CODE, NOISE = "surface(d=3)", "p=1e-3"


def ghz() -> Graph:
    qubits = ("q0", "q1", "q2")
    return Graph(
        nodes=(
            Node("a", "core.alloc", vqs=qubits),
            Node("h", "core.h", vqs=("q0",)),
            Node("c0", "core.cnot", vqs=("q0", "q1")),
            Node("f", "core.fence"),
            Node("c1", "core.cnot", vqs=("q1", "q2")),
            *(Node(f"m{n}", "core.mz", vqs=(qubit,), produces=(f"m{n}",)) for n, qubit in enumerate(qubits)),
        ),
        vqs=qubits,
        events=("m0", "m1", "m2"),
    )


@pytest.fixture(scope="module")
def client(daemon: Any) -> Any:
    with Client(daemon.socket) as opened:
        yield opened


def test_a_job_on_a_machine_has_the_bits_of_the_same_run_in_process(client: Any) -> None:
    here = qmk.run(ghz(), qec=CODE, noise=NOISE, shots=2000, seed=11)
    there = client.run(ghz(), qec=CODE, noise=NOISE, shots=2000, seed=11)
    assert there.counts == here.counts
    assert there.provenance.digest == digest(on_machine(CODE, NOISE, ghz())[0])
    assert there.provenance.notes["logical"] == here.provenance.notes["logical"]
    footprint = there.provenance.footprint
    told = there.provenance.notes["logical"]
    assert (footprint.physical_qubits, footprint.rounds) == (told["physical_qubits"], told["rounds"])
    assert footprint.epoch_rounds == [15, 6]
    assert (there.provenance.moves, here.provenance.footprint) == (0, None)


def test_its_status_its_replay_and_its_bill(client: Any, daemon: Any) -> None:
    first = client.run(ghz(), qec=CODE, noise=NOISE, shots=500, seed=12)
    footprint = first.provenance.footprint
    status = client.status(first.job_id)
    assert status.physical_qubits == footprint.physical_qubits
    assert status.progress.rounds_done == status.progress.rounds_total == 21
    again = client.replay(first.job_id).job_id
    replayed = client.wait(again).result
    assert replayed.counts == first.counts
    assert replayed.provenance.footprint == footprint
    rows = [row for row in ledger.read(daemon.folder / "state" / JOURNAL_NAME) if row.job in (first.job_id, again)]
    assert [(row.physical_qubits, row.rounds) for row in rows] == [(footprint.physical_qubits, 21 * 500)] * 2


def test_a_model_of_ones_own_travels_as_json(client: Any, tmp_path: Any) -> None:
    """By hash it is the model of the table, by name it is not."""
    file = tmp_path / "ours.json"
    file.write_bytes(NoiseModel.circuit(1e-3).to_json().replace(b"circuit=0.001", b"ours"))
    result = client.run(ghz(), qec=CODE, noise=str(file), shots=100, seed=1)
    assert result.provenance.footprint.noise.startswith("ours [")


def test_an_estimate_says_what_it_takes(client: Any) -> None:
    found = client.estimate(ghz(), qec=CODE, noise=NOISE, shots=100)
    assert found.footprint.rounds == 21
    assert found.chosen
    assert client.estimate(ghz(), shots=100).footprint is None


@pytest.mark.parametrize(
    ("qec", "noise", "kind"),
    [("gross", NOISE, "UNSUPPORTED"), (CODE, "uniform=1e-3", "UNSUPPORTED"), (CODE, None, "INVALID_PARAMS")],
)
def test_what_cannot_be_written_is_refused(client: Any, qec: str, noise: str | None, kind: str) -> None:
    with pytest.raises(QmkError) as caught:
        client.submit(ghz(), qec=qec, noise=noise)
    assert caught.value.kind.name == kind
    assert caught.value.fields["help"]


def test_a_quota_bounds_what_a_submitter_cannot_talk_away(make_daemon: Make) -> None:
    """The report in the metadata of the program is the submitter's word and counts for nothing."""
    daemon = make_daemon()
    Operator(daemon.folder / "state").call("op_tenant_set", tenant="local", quotas={"physical_qubits": 200})
    with Client(daemon.socket) as client:
        with pytest.raises(QmkError) as caught:
            client.submit(ghz(), qec=CODE, noise=NOISE)
        fields = caught.value.fields
        assert (fields["quota"], fields["limit"]) == ("physical_qubits", 200)
        assert fields["asked"] == client.estimate(ghz(), qec=CODE, noise=NOISE).footprint.physical_qubits > 200


def test_a_restart_keeps_the_footprint_and_the_bits(make_daemon: Make) -> None:
    daemon = make_daemon()
    with Client(daemon.socket) as client:
        first = client.run(ghz(), qec=CODE, noise=NOISE, shots=300, seed=3)
    daemon.kill()
    daemon.start()
    with Client(daemon.socket) as client:
        assert client.status(first.job_id).physical_qubits == first.provenance.footprint.physical_qubits
        again = client.wait(client.replay(first.job_id).job_id).result
        assert again.counts == first.counts
