"""Pasqal Cloud's protocol: the requests of its client, recorded, and what must be refused."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

Http = TestClient[Any]
BATCHES = "/pasqal/api/v1/batches"
CONFIGURATION = {
    "callbacks": [],
    "observables": [
        {"observable": "bitstrings", "evaluation_times": None, "num_shots": None, "one_state": None, "tag_suffix": None}
    ],
    "default_evaluation_times": [1.0],
    "initial_state": None,
    "with_modulation": False,
    "interaction_matrix": None,
    "prefer_device_noise_model": False,
    "noise_model": {"noise_types": [], "runs": None},
    "n_trajectories": 1,
    "default_num_shots": 30,
}


def channel(id: str) -> dict[str, Any]:
    free = dict.fromkeys(
        ("max_abs_detuning", "max_amp", "min_retarget_interval", "fixed_retarget_t", "max_targets", "max_duration")
    )
    more = {"mod_bandwidth": None, "eom_config": None, "clock_period": 1, "min_duration": 1}
    return {"id": id, "basis": "ground-rydberg", "addressing": "Global", **free, **more}


def sequence(duration: Any = 400, variables: dict[str, Any] | None = None) -> str:
    """Two atoms 3 um apart under a pulse of 6 rad/us: both are excited with a probability of 1e-6."""
    pulse = {
        "op": "pulse",
        "channel": "r",
        "protocol": "min-delay",
        "amplitude": {"kind": "constant", "duration": 400, "value": 6.0 if variables is None else duration},
        "detuning": {"kind": "constant", "duration": 400, "value": 0.0},
        "phase": 0.0,
        "post_phase_shift": 0.0,
    }
    device = {
        "name": "MockDevice",
        "dimensions": 3,
        "rydberg_level": 70,
        "min_atom_distance": 0.0,
        "max_atom_num": None,
        "max_radial_distance": None,
        "supports_slm_mask": True,
        "max_layout_filling": 0.5,
        "reusable_channels": True,
        "version": "1",
        "pulser_version": "1.9.1",
        "channels": [channel("rydberg_global")],
        "is_virtual": True,
    }
    return json.dumps(
        {
            "version": "1",
            "name": "pulser-exported",
            "register": [{"name": "q0", "x": -1.5, "y": 0.0}, {"name": "q1", "x": 1.5, "y": 0.0}],
            "channels": {"r": "rydberg_global"},
            "variables": variables or {},
            "operations": [pulse],
            "measurement": "ground-rydberg",
            "pulser_version": "1.9.1",
            "device": device,
        }
    )


def batch(**changed: Any) -> dict[str, Any]:
    return {
        "sequence_builder": sequence(),
        "webhook": None,
        "jobs": [{"runs": 10}],
        "open": False,
        "device_type": "EMU_SV",
        "backend_configuration": json.dumps(CONFIGURATION),
        "project_id": "p",
        **changed,
    }


def made(http: Http, body: dict[str, Any]) -> dict[str, Any]:
    """As the client sends it, gzipped."""
    data, headers = gzip.compress(json.dumps(body).encode()), {"content-encoding": "gzip"}
    response = http.post(BATCHES, content=data, headers=headers)
    assert response.status_code == 201, response.text
    told = response.json()
    assert told["status"] == "success"
    return told["data"]


def ended(http: Http, until: Callable[..., Any], id: str) -> dict[str, Any]:
    def over(told: dict[str, Any]) -> bool:
        counts = told["data"]["jobs_count_per_status"]
        return not counts.get("PENDING") and not counts.get("RUNNING")

    until(lambda: http.get(f"{BATCHES}/{id}/status"), over)
    return http.get(f"/pasqal/api/v2/batches/{id}").json()["data"]


def jobs(http: Http, id: str) -> list[dict[str, Any]]:
    return http.get(f"/pasqal/api/v2/jobs?batch_id={id}&order_by=creation_order").json()["data"]


def counter(http: Http, job: str) -> dict[str, int]:
    link = http.get(f"/pasqal/api/v1/jobs/{job}/results_link").json()["data"]["results_link"]
    return http.get(link).json()["counter"]


def test_the_recorded_calls_give_counts(http: Http, until: Any, wire: Any) -> None:
    """The calls of the client in its order, by the paths that were recorded."""
    paths = [row["path"].replace("/core-fast", "/pasqal") for row in wire("pasqal")]
    assert paths[0] == BATCHES
    id = made(http, batch())["id"]
    found = ended(http, until, id)
    assert (found["status"], found["open"], found["jobs_count_per_status"]) == ("DONE", False, {"DONE": 1})
    assert found["sequence_builder"] == sequence()
    [job] = jobs(http, id)
    assert (job["status"], job["runs"], job["batch_id"]) == ("DONE", 10, id)
    for path in paths[1:7]:
        asked = path.replace(path.split("/")[5], id)
        assert http.get(asked).status_code == 200, asked
    counts = counter(http, job["id"])
    assert sum(counts.values()) == 10
    assert set(counts) <= {"00", "01", "10"}


def test_a_job_without_runs_has_the_shots_of_the_configuration(http: Http, until: Any) -> None:
    id = made(http, batch(jobs=[{}]))["id"]
    ended(http, until, id)
    assert jobs(http, id)[0]["runs"] == 30


def test_variables_reach_the_sequence(http: Http, until: Any) -> None:
    """Next to no amplitude excites nothing; each job has its own."""
    amplitude = {"expression": "index", "lhs": {"variable": "a"}, "rhs": 0}
    text = sequence(amplitude, {"a": {"type": "float", "value": [0.0]}})
    asked = batch(sequence_builder=text, jobs=[{"runs": 20, "variables": {"a": value}} for value in ([1e-9], [6.0])])
    id = made(http, asked)["id"]
    ended(http, until, id)
    first, second = (counter(http, job["id"]) for job in jobs(http, id))
    assert first == {"00": 20}
    assert set(second) - {"00"}


def test_an_open_batch_takes_jobs_until_it_is_closed(http: Http, until: Any) -> None:
    id = made(http, batch(jobs=[], open=True))["id"]
    url = f"/pasqal/api/v2/batches/{id}"
    for runs in (3, 4):
        assert http.post(f"{url}/jobs", json=[{"runs": runs}]).json()["data"]["open"] is True
    assert [job["runs"] for job in jobs(http, id)] == [3, 4]
    assert http.patch(f"{url}/complete").json()["data"]["open"] is False
    assert http.post(f"{url}/jobs", json=[{"runs": 3}]).status_code == 400
    assert ended(http, until, id)["status"] == "DONE"
    refused = http.patch(f"{url}/cancel")
    assert (refused.status_code, refused.json()["status"]) == (409, "fail")


def test_results_are_there_after_the_end_only_and_by_their_own_link(http: Http, until: Any) -> None:
    id = made(http, batch())["id"]
    ended(http, until, id)
    job = jobs(http, id)[0]["id"]
    link = http.get(f"/pasqal/api/v1/jobs/{job}/results_link").json()["data"]["results_link"]
    assert http.get(link[:-4] + "AAA=").status_code == 404
    again = http.get(f"/pasqal/api/v1/jobs/{job}/results_link", headers={"authorization": "Bearer anything"})
    assert sum(http.get(again.json()["data"]["results_link"]).json()["counter"].values()) == 10
    assert http.get("/pasqal/results/none").status_code == 404


def test_batches_are_listed_and_tagged(http: Http) -> None:
    id = made(http, batch(tags=["a"]))["id"]
    assert http.patch(f"{BATCHES}/{id}/tags", json=["b", "c"]).json()["data"]["tags"] == ["b", "c"]
    listed = http.get(f"{BATCHES}?limit=1").json()
    assert listed["data"][0]["id"] == id
    assert listed["pagination"]["end"] == 1 < listed["pagination"]["total"]


def test_devices_are_described(http: Http) -> None:
    told = http.get("/pasqal/api/v1/devices/specs").json()["data"]
    assert set(told) == {"EMU_FREE", "EMU_SV", "EMU_MPS", "EMU_TN"}
    assert json.loads(told["EMU_SV"])["channels"][0]["id"] == "rydberg_global"
    assert http.get("/pasqal/api/v1/devices/public-specs").json()["data"][0]["specs"] == told["EMU_FREE"]


def configured(**changed: Any) -> str:
    return json.dumps({**CONFIGURATION, **changed})


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"device_type": "FRESNEL"}, "FRESNEL"),
        ({"webhook": "http://127.0.0.1/"}, "webhooks"),
        ({"jobs": []}, "at least one job"),
        ({"sequence_builder": None}, "no sequence"),
        ({"sequence_builder": "{}"}, "PULSER"),
        ({"jobs": [{"runs": 0}]}, "runs"),
        ({"jobs": [{"runs": 1, "variables": {"no": 1}}]}, "no"),
        ({"configuration": {"with_noise": True}}, "with_noise"),
        ({"backend_configuration": configured(noise_model={"noise_types": ["dephasing"]})}, "noise"),
        ({"backend_configuration": configured(default_evaluation_times="Full")}, "evaluation_times"),
        ({"backend_configuration": configured(observables=[{"observable": "energy"}])}, "energy"),
        ({"backend_configuration": configured(initial_state={"a": 1})}, "initial state"),
        ({"backend_configuration": configured(with_modulation=True)}, "with_modulation"),
        ({"backend_configuration": "["}, "backend_configuration"),
    ],
)
def test_what_is_not_served_is_refused(http: Http, changed: dict[str, Any], word: str) -> None:
    refused = http.post(BATCHES, json=batch(**changed))
    assert refused.status_code == 400
    told = refused.json()
    assert told["status"] == "fail"
    assert word in told["data"]["description"]
    assert "Traceback" not in refused.text


@pytest.mark.parametrize(
    "path",
    [
        f"v2/batches/{uuid.UUID(int=7)}",
        f"v1/batches/{uuid.UUID(int=7)}/status",
        f"v2/jobs?batch_id={uuid.UUID(int=7)}",
        f"v2/jobs/{uuid.UUID(int=7)}",
        f"v1/jobs/{uuid.UUID(int=7)}/results_link",
        "v1/nothing",
    ],
)
def test_what_is_not_there_is_absent(http: Http, path: str) -> None:
    absent = http.get(f"/pasqal/api/{path}")
    assert (absent.status_code, absent.json()["status"]) == (404, "fail")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (gzip.compress(b"{" + b" " * (17 << 20) + b"}"), 413),
        (gzip.compress(b"{}")[:-4], 400),
        (b"{}", 400),
        (gzip.compress(b"{}") * 2, 400),
    ],
    ids=["larger inside than allowed", "cut short", "not gzipped", "followed by another"],
)
def test_gzip_is_bounded_and_whole(http: Http, data: bytes, status: int) -> None:
    refused = http.post(BATCHES, content=data, headers={"content-encoding": "gzip"})
    assert refused.status_code == status
    assert refused.json()["status"] == "fail"


def test_another_coding_is_refused(http: Http) -> None:
    assert http.post(BATCHES, content=b"{}", headers={"content-encoding": "br"}).status_code == 415
