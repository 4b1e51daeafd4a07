"""What the host tells the kernel of a choice: among the rest, whether the job can be stopped at its fences."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmk.host import routing as module
from qmk.host.routing import Routing
from qmk.qvm.graph import Graph, digest
from qmk.router import features, rates
from qmk.sdk.discovery import available, engines
from qmk.sdk.kit.builder import Builder


def program(fences: int, gate: str = "h") -> Graph:
    b = Builder(2).op(gate, 0)
    for _ in range(fences):
        b.op("cnot", 0, 1).op("fence")
    return b.measure_all().graph()


@pytest.mark.parametrize(
    ("graph", "engine", "fenced"),
    [
        (program(2), None, True),
        (program(0), None, False),
        (program(2), "reference", True),
        (program(2), "stabilizer", True),
        (program(2, "t"), "aer:statevector", True),
        (program(2, "t"), "aer:density_matrix", False),
        (program(0, "t"), "aer:statevector", False),
    ],
)
def test_a_job_is_fenced_where_program_and_method_have_fences(graph: Graph, engine: str | None, fenced: bool) -> None:
    routing = Routing(1 << 30, 1, {})
    assert routing.choose(graph, digest(graph), 100, engine).fenced is fenced


def test_alternatives_are_the_other_candidates_but_for_a_named_engine() -> None:
    routing = Routing(1 << 30, 1, {})
    graph = program(0)
    choice = routing.choose(graph, digest(graph), 100, None)
    rows = [row for row in choice.reasons if not row["gaps"] and not row["chosen"]]
    assert [(row.engine, row.method) for row in choice.alternatives] == [(r["engine"], r["method"]) for r in rows]
    assert all(row.uncertainty >= 1 for row in choice.alternatives)
    assert choice.uncertainty == choice.reasons[0]["uncertainty"]
    assert routing.choose(graph, digest(graph), 100, "aer").alternatives == ()


def test_a_version_names_qmk_and_the_library_or_nothing() -> None:
    routing = Routing(1 << 30, 1, {})
    assert routing.version("stabilizer").startswith("qmk ")
    assert "stabilizer 1." in routing.version("stabilizer")
    assert routing.version("unheard-of") == ""


def test_the_rates_of_the_data_folder_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QMK_RATES")
    graph = program(0)
    usual = Routing(1 << 30, 1, {}, tmp_path).choose(graph, digest(graph), 100, "reference")
    declared = engines()["reference"]
    rated = rates.Rated(
        version=available(declared).version,
        rates={name: 2 * rate for name, rate in declared.rates.items()},
        uncertainty={"": 1.5},
        start_s=0.1,
    )
    made = rates.Calibration(cpu=rates.cpu_model(), made=0.0, engines={"reference": rated})
    rates.save(tmp_path / rates.NAME, made)
    choice = Routing(1 << 30, 1, {}, tmp_path).choose(graph, digest(graph), 100, "reference")
    assert choice.seconds == pytest.approx(2 * usual.seconds)
    assert (usual.uncertainty, choice.uncertainty) == (3.0, 1.5)


def test_what_is_kept_of_one_tenant_says_nothing_of_anothers_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []

    class Look(features.Look):
        def __init__(self, graph: Graph, packed: bytes) -> None:
            looks.append(digest(graph))
            super().__init__(graph, packed)

    monkeypatch.setattr(features, "Look", Look)
    monkeypatch.setattr(module, "KEPT", 6)
    routing = Routing(1 << 30, 1, {})

    def looked(graph: Graph, tenant: str) -> bool:
        """Whether the program has to be looked at for this decision, which then takes longer."""
        looks.clear()
        routing.choose(graph, digest(graph), 100, None, tenant=tenant)
        return looks == [digest(graph)]

    mine, *others = (program(0, gate) for gate in ("h", "x", "y", "z", "s", "sdg"))
    assert [looked(mine, "chem"), looked(mine, "chem")] == [True, False]
    assert looked(mine, "bio"), "that chem has had it chosen does not show"
    for graph in others:
        assert looked(graph, "bio")
    assert not looked(mine, "chem"), "the programs of bio pushed out none of chem's"
    assert [looked(graph, "bio") for graph in (others[-1], others[0])] == [False, True], "bio keeps its latest"
    looks.clear()
    for tenant in ("chem", "law"):
        routing.estimate(mine, digest(mine), 100, tenant=tenant)
    assert looks == [digest(mine)], "only law's is new"
