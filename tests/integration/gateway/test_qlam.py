"""QLAM's protocol: the requests of Bloqade's client, recorded, and what must be refused."""

from __future__ import annotations

import gzip
import json
import math
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

DATA = Path(__file__).resolve().parents[2] / "data"
Http = TestClient[Any]
TASKS = "/qlam/v2/squin-256q/tasks"
PAGES = "page=0&size=10&sort=completed_date%2Casc&shots_page=0&shots_size=100"


def kernel(name: str) -> str:
    return gzip.decompress((DATA / "atoms" / "kirin" / f"{name}.kirin.json.gz").read_bytes()).decode()


@pytest.fixture(scope="module")
def asked() -> dict[str, Any]:
    """The recorded task, its two contents put in: a Bell pair with 5 shots, and a kernel with an angle with 3."""
    recorded = json.loads((DATA / "gateway" / "qlam.json").read_text())["requests"][0]
    assert (recorded["method"], recorded["path"]) == ("POST", TASKS.removeprefix("/qlam"))
    body = recorded["body"]
    for program, name in zip(body["programs"], ("bell", "teleport"), strict=True):
        program["content"] = kernel(name)
    return body


@pytest.fixture(scope="module")
def task(http: Http, asked: dict[str, Any]) -> str:
    made = http.post(TASKS, json=asked)
    assert made.status_code == 201, made.text
    assert made.json()["task_status"] in ("PayloadProcessing", "Scheduled", "ExecutionStarted", "Completed")
    return made.json()["id"]


def ended(http: Http, until: Callable[..., dict[str, Any]], id: str) -> dict[str, Any]:
    final = ("Completed", "Failed", "Cancelled", "PayloadProcessingError")
    return until(lambda: http.get(f"{TASKS}/{id}"), lambda found: found["task_status"] in final)


def test_the_recorded_task_runs(http: Http, until: Any, task: str) -> None:
    found = ended(http, until, task)
    assert (found["task_status"], found["error_reasons"]) == ("Completed", [])
    page = http.get(f"{TASKS}/{task}/results?{PAGES}").json()
    [element] = page["elements"]
    rows = sorted(element["subtasks"], key=lambda row: row["subtask_order"])
    assert [(row["status"], row["num_shots"]) for row in rows] == [("COMPLETED", 5), ("COMPLETED", 3)]
    assert all(row["completed_date"] for row in rows)
    shots = [shot for row in rows for shot in row["shot_results"]]
    assert [shot["shot_index"] for shot in shots] == list(range(8))
    assert [shot["subtask_shot_index"] for shot in shots] == [0, 1, 2, 3, 4, 0, 1, 2]
    assert {shot["frame_type"] for shot in shots} == {"DETECTED"}
    values = [shot["measurement"]["measurement_values"] for shot in shots]
    assert all(pair in ([True, True], [False, False]) for pair in values[:5])


def test_pages_of_shots_and_subtasks_join(http: Http, until: Any, task: str) -> None:
    ended(http, until, task)
    seen: list[int] = []
    for page in (0, 1):
        for shots_page in (0, 1, 2):
            url = f"{TASKS}/{task}/results?page={page}&size=1&shots_page={shots_page}&shots_size=2"
            [element] = http.get(url).json()["elements"]
            [row] = element["subtasks"]
            seen += [shot["shot_index"] for shot in row["shot_results"]]
    assert seen == list(range(8))
    assert http.get(f"{TASKS}/{task}/results?page=2&size=1").json()["elements"] == []


def values_of(http: Http, until: Any, body: dict[str, Any]) -> list[list[bool]]:
    made = http.post(TASKS, json=body)
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert ended(http, until, id)["task_status"] == "Completed"
    [element] = http.get(f"{TASKS}/{id}/results").json()["elements"]
    return [shot["measurement"]["measurement_values"] for shot in element["subtasks"][0]["shot_results"]]


@pytest.mark.parametrize(("theta", "value"), [(math.pi, True), (0.0, False)])
def test_arguments_reach_the_kernel(http: Http, until: Any, asked: dict[str, Any], theta: float, value: bool) -> None:
    """What is teleported is |1> after ry(pi), |0> after ry(0)."""
    one = {**asked, "subtasks": [{"program_index": 1, "num_shots": 4, "arguments": {"theta": theta}}]}
    assert values_of(http, until, one) == [[value]] * 4


def test_whole_arguments_are_whole_for_the_kernel(http: Http, until: Any, asked: dict[str, Any]) -> None:
    """The protocol has floats only; this kernel asks for an ``int`` of qubits."""
    task = {"program_index": 0, "num_shots": 4, "arguments": {"n": 5.0}}
    shots = values_of(http, until, {**asked, "programs": [{"content": kernel("ghz")}], "subtasks": [task]})
    assert all(shot in ([True] * 5, [False] * 5) for shot in shots)


def test_tasks_are_listed_and_deleted(http: Http, until: Any, asked: dict[str, Any]) -> None:
    id = http.post(TASKS, json=asked).json()["id"]
    ended(http, until, id)
    assert http.get(TASKS).json()["elements"][0]["id"] == id
    group = http.get("/qlam/v2/groups").json()["elements"][0]["id"]
    assert http.get(f"{TASKS}?group_id={group}").json()["total"] > 0
    assert http.get(f"{TASKS}?group_id={uuid.uuid4()}").json()["total"] == 0
    assert http.delete(f"{TASKS}/{id}").status_code == 204
    assert http.get(f"{TASKS}/{id}").status_code == 404


def test_an_ended_task_cannot_be_cancelled(http: Http, until: Any, task: str) -> None:
    ended(http, until, task)
    refused = http.put(f"{TASKS}/{task}/cancel")
    assert refused.status_code == 409
    assert refused.json()["messages"] == ["the task has ended"]


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"programs": []}, "programs"),
        ({"program_language": "flair.v1"}, "flair.v1"),
        ({"profile_id": str(uuid.uuid4())}, "profile_id"),
        ({"definition_id": str(uuid.uuid4())}, "definition_id"),
        ({"group_id": str(uuid.uuid4())}, "group"),
        ({"subtasks": [{"program_index": 9, "num_shots": 1}]}, "program 9"),
        ({"subtasks": [{"program_index": 0, "num_shots": 0}]}, "num_shots"),
        ({"subtasks": [{"program_index": 1, "num_shots": 1, "arguments": {}}]}, "theta"),
        ({"programs": [{"content": "{}"}] * 2}, "KIRIN"),
    ],
)
def test_what_is_not_served_is_refused(http: Http, asked: dict[str, Any], changed: dict[str, Any], word: str) -> None:
    refused = http.post(TASKS, json={**asked, **changed})
    assert refused.status_code == 400
    assert set(refused.json()) == {"messages", "code"}
    assert word in " ".join(refused.json()["messages"])
    assert "Traceback" not in refused.text


def test_a_task_is_all_or_nothing(http: Http, asked: dict[str, Any]) -> None:
    """The first program runs, the second does not: no task is left."""
    before = http.get(TASKS).json()["total"]
    broken = {**asked, "programs": [asked["programs"][0], {"content": "{}"}]}
    assert http.post(TASKS, json=broken).status_code == 400
    assert http.get(TASKS).json()["total"] == before


@pytest.mark.parametrize(
    "path",
    [
        f"{TASKS}/{uuid.UUID(int=7)}",
        f"{TASKS}/none/results",
        "/qlam/v2/flair-2q/tasks",
        f"/qlam/v2/groups/{uuid.UUID(int=7)}",
        "/qlam/v2",
    ],
)
def test_what_is_not_there_is_absent(http: Http, path: str) -> None:
    absent = http.get(path)
    assert absent.status_code == 404
    assert len(absent.json()["messages"]) == 1


def test_a_task_is_in_its_own_mode_only(http: Http, task: str) -> None:
    assert http.get(f"/qlam/v2/squin-4q/tasks/{task}").status_code == 404
    assert http.get(f"/qlam/v2/tasks/{task}/results").status_code == 200


@pytest.mark.parametrize("query", ["page=-1", "size=0", "shots_size=10001", "shots_page=x"])
def test_pages_are_bounded(http: Http, task: str, query: str) -> None:
    assert http.get(f"{TASKS}/{task}/results?{query}").status_code == 400


def test_a_stream_of_bytes_is_not_given(http: Http, task: str) -> None:
    refused = http.get(f"{TASKS}/{task}/results", headers={"accept": "application/octet-stream"})
    assert refused.status_code == 406
