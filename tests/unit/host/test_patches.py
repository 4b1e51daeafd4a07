"""Programs on their way to a machine: what is asked of whom, and what is told of what cannot be written."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from qmk.abi.calls import q_estimate
from qmk.abi.shapes import Qec
from qmk.base.errors import QmkError
from qmk.host import checking, translations
from qmk.host.choosing import Choosing
from qmk.host.patches import Here, Then, Wish, Written
from qmk.host.routing import Choice, Routing
from qmk.host.translation import Translation
from qmk.host.translation_tasks import TextBounds
from qmk.host.translations import Wanted, Write
from qmk.host.translator import Translator
from qmk.kernel import admission
from qmk.kernel import effects as fx
from qmk.kernel import events as ev
from qmk.kernel.demand import count_program
from qmk.qvm.families import CAPABILITIES
from qmk.qvm.graph import Graph, Node, digest, pack
from qmk.worker.messages import Failed

HELD = frozenset(CAPABILITIES)
QEC = Qec(machine="surface(d=3)", noise="p=1e-3")


def pair(*middle: Node) -> Graph:
    return Graph(
        nodes=(
            Node("a", "core.alloc", vqs=("q0", "q1")),
            Node("h", "core.h", vqs=("q0",)),
            *middle,
            Node("f", "core.fence"),
            Node("cx", "core.cnot", vqs=("q0", "q1")),
            Node("m", "core.mz", vqs=("q1",), produces=("m",)),
        ),
        vqs=("q0", "q1"),
        events=("m",),
    )


def wrote(graph: Graph, qec: Qec = QEC) -> Written | QmkError:
    told: list[Any] = []
    Here().write(Wish(pack(graph), qec, "lab", 0.0), lambda found, error: told.append(found or error))
    return told[0]


def test_rounds_are_counted_from_fence_to_fence() -> None:
    found = wrote(pair())
    assert isinstance(found, Written)
    taken = found.footprint
    assert (taken.distance, taken.cycles, taken.rounds) == (3, 5, 15)
    assert taken.epoch_rounds == [9, 6], "an h of three cycles, then a cnot of two, of three rounds each"
    tiles = 2 * 2 + 4 + 1
    assert (taken.patches, taken.tiles, taken.physical_qubits) == (2, tiles, tiles * taken.patch_qubits)


def test_nothing_begins_before_the_last_fence() -> None:
    graph = pair()
    late = Node("h1", "core.h", vqs=("q1",))
    moved = msgspec.structs.replace(graph, nodes=(*graph.nodes[:3], late, *graph.nodes[3:]))
    found = wrote(moved)
    assert isinstance(found, Written)
    assert found.footprint.epoch_rounds == [9, 15], "q1 waits for the fence although nothing was done to it yet"


def test_a_freed_qubit_suffers_nothing_at_a_fence() -> None:
    nodes = (
        Node("a", "core.alloc", vqs=("q0", "q1")),
        Node("x", "core.s", vqs=("q0",)),
        Node("d", "core.free", vqs=("q0",)),
        Node("h", "core.h", vqs=("q1",)),
        Node("f", "core.fence"),
        Node("m", "core.mz", vqs=("q1",), produces=("m",)),
    )
    found = wrote(Graph(nodes=nodes, vqs=("q0", "q1"), events=("m",)))
    assert isinstance(found, Written)
    at = next(index for index, node in enumerate(found.graph.nodes) if node.id == "d")
    assert not [node for node in found.graph.nodes[at + 1 :] if "q0" in node.vqs]


@pytest.mark.parametrize(
    ("qec", "kind", "field", "says"),
    [
        (Qec(machine="surfac(d=3)", noise="p=1e-3"), "INVALID_PARAMS", "qec.machine", "surface"),
        (Qec(machine="surface(d=4)", noise="p=1e-3"), "INVALID_PARAMS", "qec.machine", "distance, odd"),
        (Qec(machine="gross", noise="p=1e-3"), "UNSUPPORTED", "qec.machine", "one logical qubit"),
        (Qec(machine="surface(d=3)", noise="quiet"), "INVALID_PARAMS", "qec.noise", "depolarizing"),
        (Qec(machine="surface(d=3)", noise="/etc/passwd"), "INVALID_PARAMS", "qec.noise", "depolarizing"),
        (Qec(machine="surface(d=3)", noise="{"), "INVALID_PARAMS", "qec.noise", "noise.md"),
        (Qec(machine="surface(d=3)", noise="uniform=1e-3"), "UNSUPPORTED", "qec.noise", "models"),
    ],
)
def test_what_is_no_machine_is_told_with_its_place_and_a_way_out(qec: Qec, kind: str, field: str, says: str) -> None:
    error = wrote(pair(), qec)
    assert isinstance(error, QmkError)
    assert (error.kind.name, error.fields["field"]) == (kind, field)
    assert says in error.fields["help"]


def test_no_file_of_the_daemon_is_read(tmp_path: Any) -> None:
    file = tmp_path / "p=1e-3.json"
    file.write_bytes(b'{"name": "secret"}')
    error = wrote(pair(), Qec(machine="surface(d=3)", noise=str(file)))
    assert isinstance(error, QmkError)
    assert "secret" not in str(error.to_dict())


def test_an_angle_that_is_neither_clifford_nor_t_names_its_node() -> None:
    error = wrote(pair(Node("tilt", "core.rz", {"theta": 0.3}, ("q0",))))
    assert isinstance(error, QmkError)
    assert (error.kind.name, error.fields["node"]) == ("UNSUPPORTED", "tilt")


class Desk:
    """Plays kernel, router and caller. ``later`` holds what is to be written."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.answers: list[Any] = []
        self.later: list[tuple[Wish, Then]] = []
        self.routed: list[Graph] = []
        self.broken = False
        routing: Any = self
        self.choosing = Choosing(routing, self, self, self.events.append, lambda: 7, lambda job: HELD)

    def write(self, wish: Wish, then: Then) -> None:
        self.later.append((wish, then))

    def written(self) -> None:
        wish, then = self.later.pop()
        Here().write(wish, then)

    def blocks(self, outputs: object, choice: Choice) -> int:
        del outputs, choice
        return 0

    def choose(self, graph: Graph, name: str, *rest: Any, tenant: str, floor: str, resources: object) -> Choice:
        if self.broken:
            raise ZeroDivisionError
        assert name == digest(graph)
        self.routed.append(graph)
        return Choice("native", "", 1.0, 2, [], True)

    def estimate(self, graph: Graph, name: str, shots: int, outputs: Any, *, tenant: str) -> q_estimate.Reply:
        self.routed.append(graph)
        return q_estimate.Reply(digest=name, shots=shots, logical={}, engines=[], gaps=[], chosen="native")

    def answer(self, conn: int, ref: int, result: Any) -> None:
        self.answers.append(result)

    def refuse(self, conn: int, ref: int, error: QmkError) -> None:
        self.answers.append(error)

    def route(self, qec: Qec | None = QEC, graph: Graph | None = None) -> None:
        graph = pair() if graph is None else graph
        policy = {} if qec is None else {"qec": msgspec.to_builtins(qec)}
        self.choosing.route(fx.Route("job_a", digest(graph), 9, policy, graph, None, pack(graph), "lab"))


def test_a_job_without_a_machine_is_routed_at_once() -> None:
    desk = Desk()
    desk.route(qec=None)
    (routed,) = desk.events
    assert (routed.footprint, routed.graph, desk.later) == (None, None, [])


def test_a_job_is_routed_as_it_is_on_its_machine() -> None:
    desk = Desk()
    desk.route()
    assert desk.later[0][0][1:3] == (QEC, "lab")
    assert desk.events == [], "the program is written elsewhere, and the daemon goes on"
    desk.written()
    (routed,) = desk.events
    assert isinstance(routed, ev.Routed)
    assert routed.footprint is not None
    assert desk.routed == [routed.graph]
    assert any(node.op == "noise.pauli" for node in routed.graph.nodes)


def test_what_cannot_be_written_is_refused() -> None:
    desk = Desk()
    desk.route(graph=pair(Node("tilt", "core.rz", {"theta": 0.3}, ("q0",))))
    desk.written()
    (refused,) = desk.events
    assert isinstance(refused, ev.Refused)
    assert (refused.kind, refused.fields["node"]) == ("UNSUPPORTED", "tilt")


def test_a_defect_after_the_writing_is_answered() -> None:
    desk = Desk()
    desk.broken = True
    desk.route()
    desk.written()
    assert [event.kind for event in desk.events] == ["INTERNAL_ERROR"]


def test_an_estimate_is_of_the_program_on_its_machine() -> None:
    desk = Desk()
    graph = pair()
    desk.choosing.estimate(fx.Estimate(1, 2, digest(graph), 9, graph, None, QEC, "lab"))
    desk.written()
    (reply,) = desk.answers
    assert reply.footprint.rounds == 15
    assert reply.digest == digest(desk.routed[0]) != digest(graph)


def test_the_translator_writes_and_says_what_it_cannot() -> None:
    graph = pair()
    done = Translator().answer(Write(4, pack(graph), QEC))
    assert isinstance(done, translations.Written)
    here = wrote(graph)
    assert isinstance(here, Written)
    assert (done.fence, done.program.graph, done.footprint) == (4, here.packed, here.footprint)
    assert done.program.facts.digest == digest(here.graph)
    failed = Translator().answer(Write(5, pack(graph), Qec(machine="gross", noise="p=1e-3")))
    assert isinstance(failed, Failed)
    assert (failed.fence, failed.kind) == (5, "UNSUPPORTED")


def test_a_program_on_its_machine_is_not_unpacked_by_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by the router nor by the kernel: for a job, for an estimate, and for the rest of a job."""
    rewrite = Wanted(None, "lab", all_rights=True)
    estimate = msgspec.structs.replace(rewrite, native="auto", summary=True)
    found: list[Graph] = []
    for wanted in (Wanted(HELD, "lab", native="auto"), rewrite, estimate):
        done = Translator().answer(Write(4, pack(pair()), QEC, wanted=wanted))
        assert isinstance(done, translations.Written)
        found.append(checking.graph_of(done.program, wanted))
    here = wrote(pair())
    assert isinstance(here, Written)
    routing = Routing(1 << 30, 1, {})
    chosen = routing.choose(here.graph, here.digest, 9, None, None, tenant="other")
    monkeypatch.setattr(checking, "unpack", None)
    job, rest, estimated = found
    assert admission.report_of(job, HELD, "lab").ok
    assert count_program(job, 9, True, None)["epochs"] == 2
    assert routing.choose(job, digest(job), 9, None, None, pack(job), tenant="lab") == chosen
    assert admission.report_of(rest, None, "lab").ok
    assert count_program(rest, 9, True, None)["epochs"] == 2
    assert routing.estimate(estimated, digest(estimated), 9, tenant="third").chosen == chosen.engine


def test_a_process_of_its_own_writes_for_the_daemon() -> None:
    told: list[Any] = []

    async def scene() -> None:
        writing = Translation(TextBounds())
        heard = asyncio.Event()

        def then(found: Written | None, error: QmkError | None) -> None:
            told.append(found or error)
            heard.set()

        for qec in (QEC, Qec(machine="gross", noise="p=1e-3")):
            writing.write(Wish(pack(pair()), qec, "lab", 0.0), then)
            await asyncio.wait_for(heard.wait(), 60)
            heard.clear()
        await writing.close()

    asyncio.run(scene())
    found, error = told
    here = wrote(pair())
    assert isinstance(here, Written)
    assert (found.packed, found.footprint) == (here.packed, here.footprint)
    assert error.fields["field"] == "qec.machine"
