"""Jobs saved, killed, restored, moved and taken back give the bits of a job that nobody disturbed.

The engines are the real ones, held at their fences so that the tests know how far a job is.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.client import Client, Operator
from qmk.host import ledger
from qmk.host.blob_files import FileBlobs
from qmk.host.store import JOURNAL_NAME
from qmk.qvm.graph import Graph, Node

ENGINES = ("reference", "stabilizer", "aer:statevector", "segments")
EPOCHS = 12
SHOTS, SEED = 64, 11
FAR = 1_000_000


def program(measured: bool = True) -> Graph:
    """Twelve epochs on three qubits; ``measured``: each ends with a measurement of random outcome that the next epoch
    depends on, else only the last does."""
    nodes = [Node("alloc", "core.alloc", vqs=("a", "b", "c"))]
    events: list[str] = []
    for epoch in range(EPOCHS):
        nodes += [
            Node(f"h{epoch}", "core.h", vqs=("a",)),
            Node(f"x{epoch}", "core.cnot", vqs=("a", "b")),
            Node(f"s{epoch}", "core.s", vqs=("b",)),
            Node(f"y{epoch}", "core.cnot", vqs=("b", "c")),
        ]
        if measured or epoch == EPOCHS - 1:
            events.append(f"m{epoch}")
            nodes.append(Node(f"m{epoch}", "core.mz", vqs=("a",), produces=(f"m{epoch}",)))
        if epoch < EPOCHS - 1:
            nodes.append(Node(f"f{epoch}", "core.fence"))
    events += ["mb", "mc"]
    nodes += [Node(f"end_{q}", "core.mz", vqs=(q,), produces=(f"m{q}",)) for q in "bc"]
    nodes.append(Node("free", "core.free", vqs=("a", "b", "c")))
    return Graph(nodes=tuple(nodes), vqs=("a", "b", "c"), events=tuple(events))


def coin() -> Graph:
    """One qubit, no fence."""
    return Graph(
        nodes=(
            Node("a", "core.alloc", vqs=("q",)),
            Node("h", "core.h", vqs=("q",)),
            Node("m", "core.mz", vqs=("q",), produces=("m",)),
            Node("d", "core.free", vqs=("q",)),
        ),
        vqs=("q",),
        events=("m",),
    )


class Desk:
    """A daemon whose engines are held, and a client of it."""

    def __init__(self, make_daemon: Callable[..., Any], folder: Path, **options: Any) -> None:
        self.pace_file = folder / "gated" / "pace"
        self.pace_file.parent.mkdir()
        shutil.copy(Path(__file__).parents[1] / "engines" / "gated_engines.py", self.pace_file.parent)
        self.pace(0)
        engines = {
            f"gated_{name}": (f"gated_engines:GATED_{name.upper()}", str(self.pace_file.parent))
            for name in ("reference", "stabilizer", "aer", "segments")
        }
        self.daemon = make_daemon(engines=engines, workers=2, **options)
        self.client = Client(self.daemon.socket)

    def pace(self, epoch: int) -> None:
        """Let runs pass ``epoch`` fences."""
        beside = self.pace_file.with_suffix(".new")
        beside.write_text(str(epoch))
        beside.replace(self.pace_file)

    def submit(self, engine: str, graph: Graph) -> str:
        return self.client.submit(graph, engine=f"gated_{engine}", shots=SHOTS, seed=SEED).job_id

    def meanwhile(self, call: Callable[[Client], Any], pace: int = 1, upto: int = EPOCHS - 1) -> Any:
        """The answer of ``call`` by a client of its own, while runs are let past one fence after the other."""
        answers: list[Any] = []

        def ask() -> None:
            with Client(self.daemon.socket) as client:
                try:
                    answers.append(call(client))
                except QmkError as error:
                    answers.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        while thread.is_alive() and pace <= upto:
            self.pace(pace)
            thread.join(0.15)
            pace += 1
        thread.join(30)
        assert answers, "the call was not answered"
        if isinstance(answers[0], QmkError):
            raise answers[0]
        return answers[0]

    def rows(self, job: str) -> list[str]:
        """Every bit of the job, which may now run to its end."""
        self.pace(FAR)
        assert self.client.wait(job).state == "COMPLETED", self.client.status(job).error
        return list(self.client.result(job).rows())

    def restart(self) -> None:
        """The daemon dies, and another begins."""
        self.client.close()
        self.daemon.kill()
        self.daemon.start()


@pytest.fixture
def desk(make_daemon: Callable[..., Any], tmp_path: Path) -> Iterator[Desk]:
    found = Desk(make_daemon, tmp_path)
    yield found
    found.client.close()


def states(desk: Desk) -> list[str]:
    return [path.name for path in (desk.daemon.folder / "state" / "blobs").glob("*/*")]


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def undisturbed(desk: Desk, engine: str, graph: Graph) -> list[str]:
    return list(desk.client.run(graph, engine=engine, shots=SHOTS, seed=SEED).rows())


def test_status_tells_how_many_epochs_are_behind_a_running_job(desk: Desk) -> None:
    job = desk.submit("stabilizer", program())

    def far(client: Client) -> Any:
        status = client.status(job)
        while status.progress.current_epoch < 4:
            status = client.wait(job, timeout_ms=20)
        return status

    status = desk.meanwhile(far)
    assert (status.state, status.progress.total_epochs, status.progress.shots_done) == ("RUNNING", EPOCHS, 0)
    assert 0 < status.progress.nodes_executed < status.progress.nodes_total


@pytest.mark.parametrize("engine", ENGINES)
def test_saved_killed_restored_the_bits_are_those_of_an_undisturbed_job(
    desk: Desk, engine: str, eventually: Callable[..., None]
) -> None:
    graph = program()
    expected = undisturbed(desk, engine, graph)
    assert len(set(expected)) > SHOTS // 4, "the bits are worth comparing"
    job = desk.submit(engine, graph)
    saved = desk.meanwhile(lambda client: client.checkpoint(job))
    assert saved.job_id == job
    assert 0 < saved.epoch < EPOCHS
    assert saved.size_bytes > 0

    for pid in desk.daemon.children():  # kill -9 of every worker: the job goes on from its state
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: desk.client.status(job).attempts == 1, "the loss of the worker")
    assert desk.client.status(job).progress.current_epoch > saved.epoch

    desk.restart()  # kill -9 of the daemon: accepted jobs and their checkpoints are still there
    again = desk.client.restore(saved.checkpoint_id)
    assert again.epoch == saved.epoch
    assert desk.rows(again.job_id) == expected
    assert desk.rows(job) == expected
    replayed = desk.client.replay(job).job_id
    assert desk.rows(replayed) == expected
    assert list(desk.client.result(replayed).counts) == list(desk.client.result(job).counts)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_migrated_job_goes_on_in_another_process_and_region_with_the_same_bits(
    desk: Desk, engine: str, eventually: Callable[..., None]
) -> None:
    graph = program()
    expected = undisturbed(desk, engine, graph)
    job = desk.submit(engine, graph)
    region = "r1"
    before = set(desk.daemon.children())
    moved = desk.meanwhile(lambda client: client.migrate(job, region))
    assert moved.region == region
    assert 0 < moved.epoch < EPOCHS
    assert sorted(moved.handles) == ["a", "b", "c"]
    assert len(set(moved.handles.values())) == 3
    eventually(lambda: bool(set(desk.daemon.children()) - before), "the start of another worker")
    kinds = [event.kind for event in desk.client.events(job).events]
    assert "requeued" in kinds
    assert desk.rows(job) == expected


@pytest.mark.parametrize("engine", ["stabilizer", "aer:statevector"])
def test_patches_that_moved_at_a_fence_give_the_same_bits_and_the_bill_has_the_move(desk: Desk, engine: str) -> None:
    machine: dict[str, Any] = {"qec": "surface(d=3)", "noise": "p=3e-3", "shots": SHOTS, "seed": SEED}
    expected = list(desk.client.run(program(), engine=engine, **machine).rows())
    job = desk.client.submit(program(), engine=f"gated_{engine}", **machine).job_id
    moved = desk.meanwhile(lambda client: client.migrate(job, "r1"))
    assert desk.rows(job) == expected
    told = desk.client.result(job).provenance
    assert told.moves == 1
    places = sorted(moved.handles.values())
    assert [place - places[0] for place in places] == [0, told.footprint.patch_qubits, 2 * told.footprint.patch_qubits]
    (last,) = [row for row in ledger.read(desk.daemon.folder / "state" / JOURNAL_NAME) if row.job == job and row.rounds]
    assert told.footprint.move_rounds == 3 * 3
    assert last.rounds == SHOTS * (told.footprint.rounds + told.footprint.move_rounds)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_job_taken_back_gives_the_same_bits(desk: Desk, engine: str) -> None:
    graph = program(measured=False)
    expected = undisturbed(desk, engine, graph)
    job = desk.submit(engine, graph)
    saved = desk.meanwhile(lambda client: client.checkpoint(job))
    back = desk.meanwhile(lambda client: client.rollback(job, 1), pace=saved.epoch + 1)
    assert back.epoch <= 1
    assert back.how in ("in_place", "saved", "start")
    assert desk.rows(job) == expected


def test_a_program_without_fences_says_what_to_do(desk: Desk) -> None:
    job = desk.client.run(coin(), shots=10).job_id
    with pytest.raises(QmkError) as over:
        desk.client.checkpoint(job)
    assert over.value.kind.name == "ALREADY_COMPLETED"
    assert "q_replay" in over.value.fields["help"]
    with pytest.raises(QmkError) as unknown:
        desk.client.restore("chk_unknown")
    assert unknown.value.kind.name == "CHECKPOINT_NOT_FOUND"


def test_a_tenant_over_its_share_yields_at_a_fence_and_its_bits_stay(
    desk: Desk, eventually: Callable[..., None]
) -> None:
    """One tenant's jobs have both workers; another's waits; at the edge of an epoch one of them is asked to yield."""
    graph = program()
    expected = undisturbed(desk, "reference", graph)
    operator = Operator(desk.daemon.folder / "state")
    tokens: dict[str, str] = {}
    for tenant in ("greedy", "late"):
        operator.call("op_tenant_add", tenant=tenant)
        tokens[tenant] = operator.call("op_token_issue", tenant=tenant).token
    with Client(desk.daemon.socket, token=tokens["greedy"]) as greedy:
        jobs = [greedy.submit(graph, engine="gated_reference", shots=SHOTS, seed=SEED).job_id for _ in range(2)]
        eventually(lambda: all(greedy.status(job).state == "RUNNING" for job in jobs), "both jobs on a worker")
        with Client(desk.daemon.socket, token=tokens["late"]) as late:
            waiting = late.submit(coin(), shots=10).job_id
            for pace in range(1, EPOCHS):
                if late.status(waiting).state == "COMPLETED":
                    break
                desk.pace(pace)
                late.wait(waiting, timeout_ms=400)
            assert late.status(waiting).state == "COMPLETED", "it did not have to wait for the end of the others"
        desk.pace(FAR)
        for job in jobs:
            assert greedy.wait(job).state == "COMPLETED"
            assert list(greedy.result(job).rows()) == expected
        reasons = [row.fields.get("reason", "") for job in jobs for row in greedy.events(job).events]
        assert sum("preempted" in reason for reason in reasons) == 1


def test_states_are_on_disk_as_long_as_something_names_them(desk: Desk) -> None:
    """Nothing else happens in this daemon after the job's end, and no minute passes."""
    job = desk.submit("reference", program())
    saved = desk.meanwhile(lambda client: client.checkpoint(job))
    desk.pace(FAR)
    desk.client.wait(job)
    eventually(lambda: len(states(desk)) == 1)
    operator = Operator(desk.daemon.folder / "state")
    found = operator.call("op_gc")
    assert (found.blobs, found.kept_states, found.kept_jobs, found.missing) == (0, 1, 1, [])
    again = desk.client.restore(saved.checkpoint_id).job_id
    assert desk.client.wait(again).state == "COMPLETED"
    eventually(lambda: len(states(desk)) == 1)  # what it saved on its way goes once its end is written
    found = operator.call("op_gc", older_than_s=0.0)
    assert (found.jobs, found.kept_jobs) == (2, 0)
    eventually(lambda: states(desk) == [] and operator.call("op_gc").kept_blobs == 0)  # files go behind the records
    with pytest.raises(QmkError, match="no checkpoint"):
        desk.client.restore(saved.checkpoint_id)


def test_a_running_daemon_lets_go_what_is_past_its_time(make_daemon: Callable[..., Any], tmp_path: Path) -> None:
    desk = Desk(make_daemon, tmp_path, keep={"results_s": 2, "checkpoints_s": 1})
    with desk.client as client:
        job = desk.submit("reference", program())
        saved = desk.meanwhile(lambda other: other.checkpoint(job))
        desk.pace(FAR)
        client.wait(job)
        eventually(lambda: states(desk) == [])
        with pytest.raises(QmkError, match="no checkpoint"):
            client.restore(saved.checkpoint_id)

        def forgotten() -> bool:
            try:
                client.status(job)
            except QmkError as error:
                return error.kind.name == "JOB_NOT_FOUND"
            return False

        eventually(forgotten)


def test_what_a_crash_has_left_goes_at_the_next_start(make_daemon: Callable[..., Any], tmp_path: Path) -> None:
    store = FileBlobs(tmp_path / "d" / "state" / "blobs")
    store.put(b"a state whose record was never written")
    (store.folder / "ab" / "1.1.draft").write_bytes(b"half")
    make_daemon()
    eventually(lambda: list(store.folder.glob("*/*")) == [])
