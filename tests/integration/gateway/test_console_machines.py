"""Pages about machines and programs: logical patches, atoms over time, calibrations of devices, values that settle."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from qmk.abi.calls.q_result import Register
from qmk.abi.shapes import Program
from qmk.base.errors import QmkError
from qmk.drawing.running import Point, settling
from qmk.gateway.console import devices
from qmk.gateway.console.examples import EXAMPLES
from qmk.gateway.console.programs import plane_of
from qmk.gateway.console.settling import Courses, Look, curves_of, looks_of_shots
from qmk.gateway.records import Record
from qmk.gateway.service import calibrations
from qmk.gateway.service.calibrations import AddCalibration, keep, noise_of
from qmk.gateway.service.drawer import make
from qmk.gateway.service.pictures import Course, Layers
from qmk.gateway.service.shapes import DrawCourse, DrawLayers, DrawProgram, ShotPage
from qmk.models.devices import NativeGate, Site, Target
from qmk.models.devices.history import make_kept
from qmk.models.noise import NoiseModel
from tests.integration.gateway.test_console import Browser, bio, chem, chem_and_bio

__all__ = ["bio", "chem", "chem_and_bio"]
BELL = EXAMPLES["bell"].text
Z2 = (Path(__file__).parents[3] / "examples" / "z2.quera.json").read_text()
LAB = {
    "time": 1_800_000_000,
    "qubits": [{"qubit": "q_0", "t1_s": 1e-4, "readout": 0.02}, {"qubit": "q_1", "gate_1q": 1e-3}],
    "pairs": [{"first": "q_0", "second": "q_1", "gate_2q": 0.01}],
    "durations": {"2q": 3e-7},
}


def test_a_job_that_was_not_submitted_here_has_its_pictures(chem: Browser, bio: Browser) -> None:
    """The daemon gives its program back to its tenant; whatever the format, it is a graph."""
    token = {"authorization": f"Bearer {chem.token}"}
    qec = {"qec": {"machine": "surface(d=3)", "noise": "p=1e-3"}}
    jobs: list[str] = []
    for text, policy in ((BELL, {}), (Z2, {}), (BELL, qec)):
        body = {"program": {"text": text}, "shots": 10, "policy": policy}
        jobs.append(chem.http.post("/v1/jobs", json=body, headers=token).json()["job_id"])
    gates, atoms, logical = (f"/jobs/{job}" for job in jobs)
    told = chem.get(f"{gates}?as=json").json()["jobs.program"]
    assert told["format"] == "qvm-json"
    again = {"program": {"format": told["format"], "text": told["text"]}, "shots": 10}
    assert chem.http.post("/v1/jobs", json=again, headers=token).status_code == 201
    for picture in (f"{gates}/circuit.svg", f"{gates}/tracks.svg?device=zoned", f"{atoms}/tracks.svg"):
        found = chem.get(picture)
        assert (found.status_code, found.text[:4]) == (200, "<svg"), picture
    assert f'href="{logical}/layers"' in chem.get(logical).text
    assert chem.get(f"{logical}/layers?as=json").json()["programs.layers"]["layers"]
    assert 'value="surface(d=3)"' in chem.get(f"/submit?job={jobs[2]}").text
    assert [bio.get(f"{gates}/{part}").status_code for part in ("circuit.svg", "atoms", "circuit.json")] == [404] * 3


def test_a_job_on_logical_qubits_shows_its_patches_layer_by_layer(chem: Browser, bio: Browser) -> None:
    job = chem.submit(BELL, machine="surface(d=5)", noise="p=1e-3", seed="1")
    footprint = chem.ended(job)["jobs.result"]["provenance"]["footprint"]
    page = chem.get(job).text
    assert f"{footprint['physical_qubits']}<" in page
    assert f'href="{job}/layers"' in page
    layers = chem.get(f"{job}/layers?at=1")
    told = chem.get(f"{job}/layers?as=json").json()["programs.layers"]
    assert told["footprint"]["cycles"] == told["cycles"] == footprint["cycles"] == 5
    assert [row["when"] for row in told["layers"]] == ["cycles 0 to 2", "cycle 3", "cycle 4"]
    assert "<b>2 of 3</b>" in layers.text
    assert layers.text.count(f'src="{job}/layers/1"') == 1
    for picture in ("layers/0", "layers/2", "space-time.svg"):
        found = chem.get(f"{job}/{picture}")
        assert (found.headers["content-type"], found.text[:4]) == ("image/svg+xml", "<svg")
    assert chem.get(f"{job}/layers/3").status_code == 400
    assert "1 of 3" in chem.get(f"{job}/layers?at=wrong").text
    assert [bio.get(f"{job}/{part}").status_code for part in ("layers", "layers/0", "space-time.svg")] == [404] * 3
    again = chem.get(f"/submit?job={job.removeprefix('/jobs/')}").text
    assert 'name="machine" value="surface(d=5)"' in again


def test_a_job_on_ideal_qubits_has_no_patches(chem: Browser) -> None:
    job = chem.submit(BELL)
    assert "ideal qubits" in chem.get(f"{job}/layers").text
    assert f'href="{job}/layers"' not in chem.get(job).text


def test_light_and_gates_are_played_from_a_table(chem: Browser, bio: Browser) -> None:
    job = chem.submit(Z2)
    page = chem.get(f"{job}/atoms").text
    assert page.count('class="atom"') == 8
    assert re.search(r'<tr class="drive" data-start="0.0" data-end="4.0"[^>]*>.*amplitude 0 to 15 rad/us', page)
    assert chem.get(f"{job}/tracks.svg").text.startswith("<svg")
    assert not re.search(r"<[^>]+ (?:on\w+|style)=|<style", page)
    gates = chem.submit(BELL)
    assert "Choose a device" in chem.get(f"{gates}/atoms").text
    moved = chem.get(f"{gates}/atoms?device=zoned").text
    assert re.search(r'<tr class="move" [^>]*data-to="\[\[', moved)
    assert "there is no device" in chem.get(f"{gates}/atoms?device=nowhere").text
    assert bio.get(f"{job}/atoms").status_code == 404


def test_a_device_has_its_calibrations_over_time_and_a_job_says_which_it_used(chem: Browser, bio: Browser) -> None:
    headers = {"authorization": f"Bearer {chem.token}"}

    def post(**more: Any) -> Any:
        return chem.send("POST", "/v1/calibrations/lab", headers, json={**LAB, **more})

    made = [post(time=1_800_000_000 + 86_400 * day).json() for day in (1, 0)]
    assert post(time=1_800_000_000).json()["id"] == made[1]["id"], "the same figures of the same time are one"
    assert post(pairs=[{"first": "q_0", "second": "q_9", "gate_2q": 0.1}]).json()["kind"] == "INVALID_PARAMS"
    assert post(qubits=[{"qubit": "q_0", "t1_s": 1e-5, "t2_s": 1e-4}], pairs=[]).status_code == 400
    page = chem.get("/devices/lab").text
    assert "2 calibrations are kept" in page
    assert "2027-01-16" in page
    assert page.count('<td class="n1">1</td>') == 2
    assert f'value="{made[1]["id"]}" selected' in chem.get(f"/devices/lab?at={made[1]['id']}").text
    assert "<svg" in chem.get("/devices/lab/history.svg").text
    assert '<a href="/devices/lab">' in chem.get("/devices").text
    noise = chem.get(f"/devices/lab/{made[0]['id']}/noise")
    model = NoiseModel.from_json(noise.content)
    assert model.name == f"lab#{made[0]['id']}"
    assert (model.gates[0].qubits, model.relaxation[0].t1) == (("q_0", "q_1"), 1e-4)
    assert "INVALID_PARAMS" in chem.post("/submit", text=BELL, machine="surface(d=3)", noise="lab.json").text
    assert bio.get("/devices/lab").status_code == 404
    assert bio.get(f"/devices/lab/{made[0]['id']}/noise").status_code == 404
    assert bio.get("/devices").text.count("/devices/lab") == 0
    assert "no calibrations" in chem.get("/devices/zoned").text.lower()


def test_the_console_shows_the_drift_of_targets_as_the_command_keeps_them(chem: Browser) -> None:
    headers, url = {"authorization": f"Bearer {chem.token}"}, "/v1/calibrations/machine"
    first = Target(
        "theirs",
        2,
        ((0, 1),),
        gates=("cz", "sx"),
        facts=(NativeGate("cz", (0, 1), 0.01), NativeGate("sx", (0,), 1e-3)),
        readings=(Site(t1_s=1e-4, p01=0.01, p10=0.03), Site()),
        source="lab's file",
        date="2027-01-15T08:00:00+00:00",
    )
    second = msgspec.structs.replace(
        first, facts=(NativeGate("cz", (0, 1), 0.03), first.facts[1]), date="2027-01-16T08:00:00+00:00"
    )
    made = [
        chem.send("POST", url, headers, json={"target": each.to_json().decode()}).json() for each in (first, second)
    ]
    kept = make_kept(msgspec.structs.replace(first, name="machine"), "lab's file", 0.0)
    assert made[0]["id"] == kept.digest[:16], "the one format"
    told = chem.http.get(url, headers=headers).json()["calibrations"]
    assert [row["time"] for row in told] == [1_800_000_000, 1_800_086_400]
    assert told[1]["changed"] == {"figure": "error of cz", "qubits": ["q_0", "q_1"], "factor": pytest.approx(3.0)}
    assert told[0]["medians"] == {"error of cz": 0.01, "error of sx": 1e-3, "T1": 1e-4}
    assert (told[0]["qubits"][0]["readout"], told[0]["qubits"][0]["gate_1q"]) == (0.02, 1e-3)
    assert told[0].get("changed") is None
    page = chem.get("/devices/machine").text
    assert "Changed most since the one before: error of cz of q_0, q_1, by a factor of 3." in page
    model = NoiseModel.from_json(chem.get(f"/devices/machine/{made[1]['id']}/noise").content)
    assert {rule.gates for rule in model.gates} == {("cz",), ("sx",)}
    both = chem.send("POST", url, headers, json={**LAB, "target": first.to_json().decode()})
    nothing = chem.send("POST", url, headers, json={"target": Target("theirs", 2).to_json().decode()})
    assert [each.json()["kind"] for each in (both, nothing)] == ["INVALID_PARAMS"] * 2
    assert "has no calibration" in nothing.text


def test_the_oldest_calibrations_of_a_device_go_and_devices_are_bounded(
    chem: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"authorization": f"Bearer {chem.token}"}

    def post(device: str, day: int) -> Any:
        body = {**LAB, "time": 1_800_000_000 + 86_400 * day}
        return chem.send("POST", f"/v1/calibrations/{device}", headers, json=body)

    monkeypatch.setattr(calibrations, "MOST_KEPT", 2)
    made = [post("bounded", day).json()["id"] for day in range(3)]
    told = chem.http.get("/v1/calibrations/bounded", headers=headers).json()
    assert ([row["id"] for row in told["calibrations"]], told["total"]) == (made[1:], 2)
    count = len(chem.http.get("/v1/calibrations", headers=headers).json()["devices"])
    monkeypatch.setattr(calibrations, "MOST_DEVICES", count)
    assert "devices are kept" in post("another", 0).text
    assert post("bounded", 9).status_code == 201


def test_a_record_of_an_older_release_is_read() -> None:
    body = msgspec.json.encode({**LAB, "device": "lab"})
    (row,) = calibrations._rows([Record("0" * 16, 5.0, body)])
    assert (row.id, row.time, row.device) == ("0" * 16, LAB["time"], "lab")
    assert (row.qubits[0].t1_s, row.qubits[1].gate_1q, row.pairs[0].gate_2q) == (1e-4, 1e-3, 0.01)
    assert row.durations == LAB["durations"]


def test_the_calibration_of_a_result() -> None:
    def result(noise: str) -> Any:
        return SimpleNamespace(provenance=SimpleNamespace(footprint=None, notes={"noise": noise}))

    assert devices.calibration_of(result("lab#0123456789abcdef [7554d1845546]")) == ("lab", "0123456789abcdef")
    assert devices.calibration_of(result("depolarizing=0.1 [7554d1845546]")) is devices.calibration_of(None) is None
    assert [devices.shade(v, 0.001, 0.1) for v in (0.0, 0.001, 0.01, 0.1)] == [1, 1, 3, 5]


def test_figures_that_are_not_known_make_no_noise() -> None:
    asked = msgspec.convert({**LAB, "device": "lab", "durations": {}}, AddCalibration)
    model = noise_of(keep(asked, 0.0))
    assert (model.relaxation, len(model.gates), len(model.readout)) == ((), 2, 1)


def test_a_result_settles_by_its_shots(chem: Browser) -> None:
    job = chem.submit(BELL, seed="3")
    result = chem.ended(job)["jobs.result"]
    assert "By its own shots" in chem.get(job).text
    found = chem.get(f"{job}/settling.svg")
    assert found.text.startswith("<svg")
    share = result["counts"]["00"] / 100
    assert f"00 {share:.4g} ±" in found.text


def test_looks_are_kept_in_order_and_thinned() -> None:
    courses, key = Courses(), ("local", "job")
    for shots in (10, 20, 15, 20, *range(30, 5000, 10)):
        courses.add(key, Look(shots, {"0": shots}))
    looks = courses.take(key)
    assert [look.shots for look in looks] == sorted({look.shots for look in looks})
    assert len(looks) <= 200
    assert (looks[0].shots, looks[-1].shots) == (10, 4990)
    assert courses.take(key) == []
    curve = curves_of([Look(4, values=[(0.5, 0.2)]), Look(16, values=[(0.4, 0.1)])], ["ZZ"])
    assert curve == {"ZZ": [Point(4, 0.5, 0.2), Point(16, 0.4, 0.1)]}
    assert "ZZ 0.4 ± 0.1" in settling(curve, "values").title


def test_shots_are_printed_as_their_registers_say() -> None:
    page = ShotPage(
        from_shot=0, names=["a", "b"], widths=[1, 1], rows=["10"] * 30 + ["11"] * 10, next_shot=None, shots=40
    )
    looks = looks_of_shots(page, [Register("c", ["b", "a"]), Register("d", [None])])
    assert looks[-1] == Look(40, {"01 0": 30, "11 0": 10})
    assert looks_of_shots(msgspec.structs.replace(page, widths=[2, 1]), []) == []


def test_the_process_that_draws_reads_no_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"key": 1}')
    bell = Program(text=BELL)
    for asked in (DrawCourse(program=bell, device=str(secret)), DrawProgram(program=bell, device=f"{secret}:x")):
        with pytest.raises(QmkError, match="is a file") as caught:
            make(asked)
        assert "key" not in str(caught.value)
    with pytest.raises(QmkError):
        make(DrawLayers(program=bell, machine="surface(d=5)", noise=str(secret)))


def test_a_move_is_played_from_place_to_place() -> None:
    course = msgspec.convert(make(DrawCourse(program=Program(text=BELL), device="zoned")), Course)
    moves = [each for each in course.acts if each.kind == "move"]
    plane = plane_of(course)
    assert [len(each.to) for each in moves] == [len(each.atoms) for each in moves]
    assert all(0 <= x <= plane.width and 0 <= y <= plane.height for each in moves for x, y in plane.goals(each))
    assert course.axis[0].us == 0
    assert course.axis[-1].us == pytest.approx(course.duration_us, abs=1e-3)
    assert [mark.px for mark in course.axis] == sorted(mark.px for mark in course.axis)


@pytest.mark.parametrize(
    ("ops", "charged"),
    [("h q[0]; cx q[0], q[1];", 5), ("t q[0];", 3), ("s q[0];", 2), ("cz q[0], q[1];", 2), ("x q[0]; z q[1];", 1)],
)
def test_a_floor_takes_the_cycles_that_the_machine_charges(ops: str, charged: int) -> None:
    text = f'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; {ops} c = measure q;'
    made = msgspec.convert(make(DrawLayers(program=Program(text=text), machine="surface(d=5)")), Layers)
    assert (made.cycles, made.footprint.cycles) == (charged, charged)
    assert json.dumps(made.layers[0].told)
