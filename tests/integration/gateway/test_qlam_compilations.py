"""QLAM's definitions, compilations and task profiles: what they become, who sees them, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from qmk.base.errors import QmkError
from qmk.client import Operator, attenuate
from qmk.frontends import load
from qmk.gateway.app import make_app
from qmk.gateway.http import Refusal
from qmk.gateway.qlam import compiling, definitions
from qmk.gateway.qlam.compiler import Case, Job, compile_all
from qmk.gateway.records import Record, Records
from qmk.qvm.graph import digest

DATA = Path(__file__).resolve().parents[2] / "data" / "atoms" / "kirin"
Http = TestClient[Any]
MODE = "/qlam/v2/squin-256q"
LANGUAGE = "squin.v0.1.0"
ALONE = {"programs": "-", "subtasks": "-"}


def kernel(name: str) -> str:
    return gzip.decompress((DATA / f"{name}.kirin.json.gz").read_bytes()).decode()


def definition() -> dict[str, Any]:
    """A kernel that is asked for two lengths, one of them twice, and one without arguments."""
    return {
        "program_language": LANGUAGE,
        "programs": [
            {"content": kernel("ghz"), "program_metadata": {"user_metadata": "mine"}},
            {"content": kernel("bell")},
        ],
        "subtasks": [
            {"program_index": 0, "num_shots": 4, "arguments": {"n": 5.0}},
            {"program_index": 0, "num_shots": 2, "arguments": {"n": 3.0}, "subtask_metadata": {"user_metadata": "x"}},
            {"program_index": 0, "num_shots": 9, "arguments": {"n": 5.0}},
            {"program_index": 1, "num_shots": 3},
        ],
    }


@pytest.fixture(scope="module")
def defined(http: Http) -> dict[str, Any]:
    made = http.post(f"{MODE}/definitions", json=definition())
    assert made.status_code == 201, made.text
    return made.json()


@pytest.fixture(scope="module")
def compiled(http: Http, defined: dict[str, Any]) -> dict[str, Any]:
    made = http.post(f"{MODE}/compilations", json={"definition_id": defined["id"]})
    assert made.status_code == 201, made.text
    return finished(http, made.json()["id"])


def finished(http: Http, id: str, mode: str = MODE, headers: dict[str, str] | None = None) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (found := http.get(f"{mode}/compilations/{id}", headers=headers).json())["status"] == "Pending":
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def shots_of(http: Http, until: Callable[..., Any], id: str, mode: str = MODE) -> list[set[tuple[bool, ...]]]:
    """The different shots of each subtask."""
    until(lambda: http.get(f"{mode}/tasks/{id}"), lambda row: row["task_status"] == "Completed")
    rows = http.get(f"{mode}/tasks/{id}/results").json()["elements"][0]["subtasks"]
    return [{tuple(shot["measurement"]["measurement_values"]) for shot in row["shot_results"]} for row in rows]


def test_a_definition_is_kept_as_it_came(http: Http, defined: dict[str, Any]) -> None:
    found = http.get(f"{MODE}/definitions/{defined['id']}").json()
    assert found == defined
    assert {name: found[name] for name in definition()} == definition()
    assert found["group"]["id"] == http.get("/qlam/v2/groups").json()["elements"][0]["id"]
    assert http.get(f"/qlam/v2/squin-4q/definitions/{defined['id']}").status_code == 404


def test_a_compiled_definition_has_what_runs(http: Http, defined: dict[str, Any], compiled: dict[str, Any]) -> None:
    assert (compiled["status"], compiled["input_definition_id"]) == ("Succeeded", defined["id"])
    made = http.get(f"{MODE}/definitions/{compiled['compiled_definition_id']}").json()
    assert made["program_language"] == "qvm-json.v1.0"
    assert [(row["program_index"], row["num_shots"]) for row in made["subtasks"]] == [(0, 4), (1, 2), (0, 9), (2, 3)]
    assert made["subtasks"][1]["subtask_metadata"] == {"user_metadata": "x"}
    graphs = [load(row["content"].encode(), format="qvm-json").graph for row in made["programs"]]
    assert [len(graph.outputs[0].bits) for graph in graphs if graph.outputs] == [5, 3, 2]
    notes = [json.loads(row["program_metadata"]["system_metadata"]) for row in made["programs"]]
    assert [(row["passes"], row["program_index"], row["arguments"]) for row in notes] == [
        (["full"], 0, {"n": 5}),
        (["full"], 0, {"n": 3}),
        (["full"], 1, {}),
    ]
    assert made["programs"][0]["program_metadata"]["user_metadata"] == "mine"
    listed = [row["id"] for row in http.get(f"{MODE}/definitions?size=100").json()["elements"]]
    assert defined["id"] in listed
    assert made["id"] not in listed


def test_tasks_run_by_the_id_of_either(http: Http, until: Any, defined: Any, compiled: Any) -> None:
    """Both give what the kernels say: GHZ states of 5, 3 and 5 qubits, and a Bell pair."""
    for asked in ({"compilation_id": compiled["id"]}, {"definition_id": defined["id"]}):
        made = http.post(f"{MODE}/tasks", json=asked).json()
        assert (made["definition_id"], made["compilation_id"]) == (defined["id"], asked.get("compilation_id"))
        for width, seen in zip((5, 3, 5, 2), shots_of(http, until, made["id"]), strict=True):
            assert seen <= {(True,) * width, (False,) * width}
            assert seen


def test_a_device_as_mode_compiles_for_it(http: Http, until: Any) -> None:
    """On ``zoned`` a CZ is the only gate of two atoms, and the timeline is that of ``qmk.on_device``."""
    import qmk

    mode = "/qlam/v2/squin-zoned"
    body = {
        **definition(),
        "programs": [{"content": kernel("bell")}],
        "subtasks": [{"program_index": 0, "num_shots": 50}],
    }
    made = http.post(f"{mode}/tasks", json=body)
    assert made.status_code == 201, made.text
    compilation = http.get(f"{mode}/compilations/{made.json()['compilation_id']}").json()
    content = http.get(f"{mode}/definitions/{compilation['compiled_definition_id']}").json()["programs"][0]["content"]
    assert digest(load(content.encode()).graph) == digest(qmk.on_device(kernel("bell"), "zoned").graph)
    ops = {node["op"] for node in json.loads(content)["program"]["nodes"]}
    assert {"core.cz", "atoms.move"} <= ops
    assert any(op.startswith("noise.") for op in ops)
    [seen] = shots_of(http, until, made.json()["id"], mode)
    assert seen & {(True, True), (False, False)}


def test_every_program_that_fails_says_why(http: Http) -> None:
    body = definition()
    body["programs"] += [{"content": "{}"}, {"content": "nonsense"}]
    body["subtasks"] += [{"program_index": at, "num_shots": 1} for at in (2, 3)]
    body["subtasks"].append({"program_index": 0, "num_shots": 1, "arguments": {}})
    made = http.post(f"{MODE}/compilations", json=body).json()
    found = finished(http, made["id"])
    assert (found["status"], found["compiled_definition_id"], found["stack_trace"]) == ("Failed", None, None)
    failures = {row["program_index"]: row for row in found["program_failures"]}
    assert set(failures) == {0, 2, 3}
    assert failures[0]["error_type"] == "INVALID_GRAPH"
    assert "'n'" in failures[0]["error_messages"][0]
    refused = http.post(f"{MODE}/tasks", json={"compilation_id": made["id"]})
    assert (refused.status_code, "Failed" in refused.text) == (409, True)


def test_rules_of_a_device_refuse_compilation_and_task(http: Http) -> None:
    """Twelve atoms do not fit on ``lossy_chain``."""
    mode, body = "/qlam/v2/squin-lossy_chain", definition()
    body["programs"], body["subtasks"] = body["programs"][:1], [{**body["subtasks"][0], "arguments": {"n": 40.0}}]
    refused = http.post(f"{mode}/tasks", json=body)
    assert refused.status_code == 400
    assert "ATOM-" in refused.json()["messages"][0]


def test_a_mode_of_few_qubits_refuses_more(http: Http) -> None:
    body = definition()
    made = http.post("/qlam/v2/squin-4q/compilations", json=body).json()
    found = finished(http, made["id"], "/qlam/v2/squin-4q")
    assert [row["error_messages"] for row in found["program_failures"]] == [["it takes 5 qubits, and the mode has 4"]]


def test_a_program_with_noise_stays_as_it_is() -> None:
    [made] = compile_all(Job([kernel("noise")], [Case(0, {}, 1)], 0, "")).compiled
    assert made.notes["passes"] == []
    assert "noise.loss" in made.notes["not_rewritten"]


def test_a_repeated_request_is_a_second_one(http: Http, defined: dict[str, Any], compiled: dict[str, Any]) -> None:
    """The protocol has no key of idempotency; what is made is the same, under ids of their own."""
    again = http.post(f"{MODE}/compilations", json={"definition_id": defined["id"]}).json()["id"]
    ids = [row["compiled_definition_id"] for row in (compiled, finished(http, again))]
    first, second = (http.get(f"{MODE}/definitions/{id}").json() for id in ids)
    assert first["id"] != second["id"]
    assert (first["programs"], first["subtasks"]) == (second["programs"], second["subtasks"])


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("definitions", {"program_language": None}, 400, "program_language"),
        ("definitions", {"program_language": "flair.v1"}, 400, "flair.v1"),
        ("definitions", {"program_language": "qvm-json.v1.0"}, 400, "compilation"),
        ("definitions", {"programs": []}, 400, "programs"),
        ("definitions", {"group_id": str(uuid.UUID(int=1))}, 400, "group"),
        ("definitions", {"subtasks": [{"program_index": 9, "num_shots": 1}]}, 400, "program 9"),
        ("definitions", {"subtasks": [{"program_index": 0, "num_shots": -1}]}, 400, "num_shots"),
        ("compilations", {"definition_id": str(uuid.UUID(int=1))}, 400, "not both"),
        ("compilations", {**ALONE, "definition_id": "../x"}, 400, "definition_id"),
        ("compilations", {"program_language": None}, 400, "program_language"),
        ("tasks", {"compilation_id": str(uuid.UUID(int=1))}, 400, "one of"),
        ("tasks", {"profile_id": str(uuid.UUID(int=1))}, 400, "profile_id"),
        ("tasks", {**ALONE, "compilation_id": str(uuid.UUID(int=1))}, 400, "compilation_id"),
    ],
)
def test_what_does_not_fit_is_refused(http: Http, path: str, body: dict[str, Any], status: int, word: str) -> None:
    refused = http.post(f"{MODE}/{path}", json={k: v for k, v in {**definition(), **body}.items() if v != "-"})
    assert (refused.status_code, word in refused.text) == (status, True), refused.text
    assert set(refused.json()) == {"messages", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{MODE}/definitions/{uuid.UUID(int=7)}", 404),
        ("GET", f"{MODE}/compilations/none", 404),
        ("PUT", f"{MODE}/compilations/{uuid.UUID(int=7)}/cancel", 404),
        ("GET", f"/qlam/v2/task-profiles/{uuid.UUID(int=7)}", 404),
        ("GET", "/qlam/v2/squin-nowhere/definitions", 404),
        ("GET", "/qlam/v2/squin-aquila/definitions", 404),
        ("GET", f"{MODE}/definitions?size=101", 400),
        ("GET", f"{MODE}/compilations?sort=status,asc", 400),
        ("DELETE", f"{MODE}/definitions/{uuid.UUID(int=7)}", 405),
        ("POST", "/qlam/v2/groups", 501),
        ("PUT", f"/qlam/v2/groups/{uuid.UUID(int=7)}", 501),
        ("GET", f"/qlam/v2/groups/{uuid.UUID(int=7)}/users", 501),
        ("GET", "/qlam/v2/users", 501),
        ("GET", "/qlam/v2/users/x/groups", 501),
        ("PUT", f"/qlam/v2/tenants/{uuid.UUID(int=7)}/audiences", 501),
    ],
)
def test_what_is_not_there_says_so(http: Http, method: str, path: str, status: int) -> None:
    refused = http.request(method, path)
    assert (refused.status_code, set(refused.json())) == (status, {"messages", "code"})


def test_bodies_are_bounded(http: Http) -> None:
    for body in (b"[" * 100_000, b"{", b'{"programs": 1}'):
        assert http.post(f"{MODE}/definitions", content=body).status_code == 400
    assert http.post(f"{MODE}/definitions", content=b" " * (16 << 20) + b"{}").status_code == 413
    assert http.post(f"{MODE}/definitions", content=b"{}", headers={"content-encoding": "gzip"}).status_code == 400


def test_a_group_is_found_by_its_name(http: Http) -> None:
    whole = http.get("/qlam/v2/groups").json()["elements"][0]
    for query, count in (("name=LOC", 1), ("name=other", 0), (f"id={whole['id']}", 1), (f"id={uuid.UUID(int=1)}", 0)):
        assert http.get(f"/qlam/v2/groups?{query}").json()["total"] == count, query


def test_profiles_are_notes(http: Http, until: Any) -> None:
    content = {"name": "afm-sweep", "layers": 3, "note": None}
    made = http.post("/qlam/v2/task-profiles", json=content)
    assert (made.status_code, made.json()["content"]) == (201, content)
    id = made.json()["id"]
    assert http.get(f"/qlam/v2/tenant/task-profiles/{id}").json() == made.json()
    assert http.get("/qlam/v2/task-profiles").json()["elements"][0]["id"] == id
    assert http.post(f"{MODE}/tasks", json={**definition(), "profile_id": id}).json()["profile_id"] == id
    dry = http.post("/qlam/v2/tenant/task-profiles", json={"dry_run": True}).json()["id"]
    refused = http.post(f"{MODE}/tasks", json={**definition(), "profile_id": dry})
    assert (refused.status_code, "dry_run" in refused.text) == (400, True)
    assert http.post("/qlam/v2/task-profiles", json={"name": 3}).status_code == 400
    assert http.post("/qlam/v2/task-profiles", json={"name": "x" * (64 << 10)}).status_code == 413


def test_lists_turn_around(http: Http, defined: dict[str, Any]) -> None:
    newest = [row["created_date"] for row in http.get(f"{MODE}/compilations").json()["elements"]]
    oldest = [row["created_date"] for row in http.get(f"{MODE}/compilations?sort=created_date,asc").json()["elements"]]
    assert newest == sorted(newest, reverse=True)
    assert oldest == sorted(oldest)
    assert http.get(f"{MODE}/definitions?group_id={uuid.UUID(int=1)}").json()["total"] == 0


def test_a_tenant_sees_and_uses_nothing_of_another(make_daemon: Any, tmp_path: Path) -> None:
    daemon = make_daemon(require_token=True)
    operator = Operator(daemon.folder / "state")
    tokens: list[str] = []
    for name in ("chem", "bio"):
        operator.call("op_tenant_add", tenant=name)
        tokens.append(operator.call("op_token_issue", tenant=name).token)
    chem, bio = ({"authorization": f"Bearer {token}"} for token in tokens)
    reader = {"authorization": f"Bearer {attenuate(tokens[0], rights=['CAP_STATUS'])}"}
    body = {**definition(), "subtasks": [{"program_index": 1, "num_shots": 1}]}
    app = make_app(daemon.socket, tmp_path / "gateway.db", needs_token=True)
    with TestClient(app, base_url="http://127.0.0.1") as http:
        made = http.post(f"{MODE}/compilations", json=body, headers=chem).json()
        done = finished(http, made["id"], headers=chem)
        profile = http.post("/qlam/v2/task-profiles", json={}, headers=chem).json()["id"]
        for path in (
            f"{MODE}/definitions/{made['input_definition_id']}",
            f"{MODE}/definitions/{done['compiled_definition_id']}",
            f"{MODE}/compilations/{made['id']}",
            f"/qlam/v2/tenant/task-profiles/{profile}",
        ):
            assert http.get(path, headers=chem).status_code == 200
            assert http.get(path, headers=bio).status_code == 404
        assert http.put(f"{MODE}/compilations/{made['id']}/cancel", headers=bio).status_code == 404
        for path in (f"{MODE}/definitions", f"{MODE}/compilations", "/qlam/v2/task-profiles"):
            assert http.get(path, headers=bio).json()["total"] == 0
        for asked in ({"definition_id": made["input_definition_id"]}, {"compilation_id": made["id"]}):
            assert http.post(f"{MODE}/tasks", json=asked, headers=bio).status_code == 400
        asked = {"definition_id": made["input_definition_id"]}
        assert http.post(f"{MODE}/compilations", json=asked, headers=bio).status_code == 400
        for path in (f"{MODE}/definitions", f"{MODE}/compilations", "/qlam/v2/task-profiles"):
            assert http.post(path, json=body, headers=reader).status_code == 403


def _blocked(job: Any) -> Any:
    return asyncio.Event().wait()


def test_one_that_waits_can_be_cancelled_and_goes_on_after_a_restart(
    daemon: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gateway() -> Http:
        return TestClient(
            make_app(daemon.socket, tmp_path / "gateway.db", needs_token=False), base_url="http://127.0.0.1"
        )

    compilations = f"{MODE}/compilations"
    body = {**definition(), "subtasks": [{"program_index": 1, "num_shots": 1}]}
    with monkeypatch.context() as patch, gateway() as http:
        patch.setattr(compiling, "compile_job", _blocked)
        first, second = (http.post(compilations, json=body).json()["id"] for _ in range(2))
        gone = http.put(f"{compilations}/{first}/cancel")
        assert (gone.status_code, gone.json()["status"]) == (202, "Failed")
        assert "cancelled" in gone.json()["stack_trace"]
        assert http.put(f"{compilations}/{first}/cancel").status_code == 409
        assert http.post(f"{MODE}/tasks", json={"compilation_id": second}).status_code == 409
        statuses = [http.post(compilations, json=body).status_code for _ in range(compiling.WAITING)]
        assert statuses == [201] * (compiling.WAITING - 1) + [429]
        with sqlite3.connect(tmp_path / "gateway.db") as base:
            base.execute("DELETE FROM records WHERE kind = 'qlam-compilation' AND id != ?", (second,))
    with gateway() as http:
        assert finished(http, second)["status"] == "Succeeded"


def test_a_compiler_that_takes_too_long_or_dies_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job([kernel("bell")], [Case(0, {}, 1)], 0, "")
    monkeypatch.setattr(compiling, "SECONDS", 0.01)
    with pytest.raises(compiling.Failed, match=r"more than 0\.01 s"):
        asyncio.run(compiling.compile_job(job))
    monkeypatch.setattr(compiling, "SECONDS", 60.0)
    with pytest.raises(compiling.Failed, match="log"):
        asyncio.run(compiling.compile_job(Job([], [Case(3, {}, 1)], 0, "")))


def test_of_records_the_oldest_go_by_bytes(tmp_path: Path) -> None:
    records = Records(tmp_path / "gateway.db")

    async def kept() -> list[str]:
        for id in "abc":
            await records.put("kind", "chem", Record(id, 0.0, b"x" * 40), kept=10, kept_bytes=100)
        await records.put("kind", "bio", Record("d", 0.0, b"x" * 40), kept=10, kept_bytes=100)
        return [row.id for row in (await records.page("kind", "chem", 10))[0]]

    assert asyncio.run(kept()) == ["c", "b"]
    records.close()


def test_a_page_of_definitions_is_bounded(http: Http, defined: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "PAGE_BYTES", 10)
    refused = http.get(f"{MODE}/definitions")
    assert (refused.status_code, "smaller size" in refused.text) == (400, True)
    assert issubclass(Refusal, Exception)


def test_what_nests_too_deep_is_not_kept(http: Http) -> None:
    deep: Any = 1
    for _ in range(80):
        deep = {"a": deep}
    asked = definition()
    asked["programs"][0]["program_metadata"] = deep
    for path, body in ((f"{MODE}/definitions", asked), ("/qlam/v2/task-profiles", deep)):
        refused = http.post(path, json=body)
        assert (refused.status_code, "deeper than 64 levels" in refused.text) == (400, True)
    wide = {"name": "many", "content": [0] * 200_000}
    assert "more than 100000 values" in http.post("/qlam/v2/task-profiles", json=wide).text
    assert http.post("/qlam/v2/task-profiles", json={"a": [{"b": [1, "x"]}]}).status_code == 201


def test_no_size_is_no_mode(http: Http) -> None:
    assert http.post("/qlam/v2/squin-0q/definitions", json=definition()).status_code == 404


def test_compilations_at_once_are_no_more_than_there_is_room_for() -> None:
    """A place is taken before anything is waited for."""

    async def scenario() -> None:
        turns, go = compiling.Compiling(), asyncio.Event()
        for _ in range(compiling.WAITING):
            turns.enter("chem")
        with pytest.raises(Refusal, match="wait already"):
            turns.enter("chem")
        for number in range(compiling.WAITING):
            turns.begin(str(number), "chem", go.wait)
        turns.enter("lab")
        turns.begin("0", "lab", go.wait)  # under way already: the place is given back
        go.set()
        await asyncio.gather(*(turns.wait(str(number)) for number in range(compiling.WAITING)))
        for _ in range(compiling.WAITING):
            turns.enter("chem")
            turns.enter("lab")

    asyncio.run(scenario())


def test_a_page_is_read_as_far_as_its_bound(tmp_path: Path) -> None:
    async def scenario() -> None:
        records = Records(tmp_path / "records.db")
        for number in range(4):
            await records.put("x", "chem", Record(str(number), 0.0, bytes(100)))
        assert len((await records.page("x", "chem", 10, most_bytes=400))[0]) == 4
        with pytest.raises(QmkError, match="at most 399 bytes"):
            await records.page("x", "chem", 10, most_bytes=399)
        records.close()

    asyncio.run(scenario())
