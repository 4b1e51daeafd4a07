"""The console without a browser: sign-in, every page, forms, and what strangers try."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from qmk.client import Operator
from qmk.gateway.app import make_app
from qmk.gateway.console import figures, kept, render
from qmk.gateway.console.examples import EXAMPLES
from tests.conftest import RunningDaemon

URL = "http://127.0.0.1"
HOSTILE = "<script>alert(1)</script>'\"&"
BELL = EXAMPLES["bell"].text


class Browser:
    """What a browser without scripts does for one tenant: keeps a cookie, sends forms with their hidden fields."""

    def __init__(self, http: TestClient[Any], token: str) -> None:
        self.http, self.token = http, token
        self.csrf = self.cookie = ""

    def sign_in(self, **more: str) -> Any:
        found = self.post("/signin", token=self.token, **more)
        self.cookie = found.headers["set-cookie"].partition(";")[0]
        csrf = re.search(r'name="csrf" value="(\w+)"', self.get("/guide").text)
        assert csrf is not None
        self.csrf = csrf[1]
        return found

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Any:
        self.http.cookies.clear()  # the client is shared, so that all run in one event loop
        headers = {"cookie": self.cookie, **(headers or {})}
        return self.http.request(method, path, headers=headers, follow_redirects=False, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.send("GET", path, **more)

    def post(self, path: str, origin: str = URL, **fields: str) -> Any:
        return self.send("POST", path, {"origin": origin}, data={"csrf": self.csrf, **fields})

    def submit(self, text: str = BELL, **fields: str) -> str:
        found = self.post("/submit", text=text, shots="100", **fields)
        assert found.status_code == 303, html.unescape(found.text)
        return found.headers["location"]

    def ended(self, path: str) -> Any:
        for _ in range(600):
            found = self.get(path + "?as=json").json()
            if found["jobs.get"]["state"] in ("COMPLETED", "FAILED", "CANCELLED"):
                return found
        raise AssertionError("the job does not end")


@pytest.fixture(scope="module")
def chem_and_bio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Browser]]:
    daemon = RunningDaemon(tmp_path_factory.mktemp("daemon"), require_token=True).start()
    operator = Operator(daemon.folder / "state")
    app = make_app(daemon.socket, tmp_path_factory.mktemp("console") / "gateway.db", needs_token=True)
    found: list[Browser] = []
    with TestClient(app, base_url=URL) as http:
        for name in ("chem", "bio"):
            operator.call("op_tenant_add", tenant=name)
            found.append(Browser(http, operator.call("op_token_issue", tenant=name).token))
            found[-1].sign_in()
        yield found[0], found[1]
    daemon.kill()


@pytest.fixture(scope="module")
def chem(chem_and_bio: tuple[Browser, Browser]) -> Browser:
    return chem_and_bio[0]


@pytest.fixture(scope="module")
def bio(chem_and_bio: tuple[Browser, Browser]) -> Browser:
    return chem_and_bio[1]


@pytest.fixture(scope="module")
def job(chem: Browser) -> str:
    """The page of a job whose name, tags, and program are strange."""
    path = chem.submit(f"// {HOSTILE}\n{BELL}", name=HOSTILE, tags="a b", observables="ZZ", seed="7")
    assert chem.ended(path)["jobs.get"]["state"] == "COMPLETED"
    return path


def test_a_session_begins_with_a_token_and_ends(chem: Browser) -> None:
    other = Browser(chem.http, chem.token)
    assert other.get("/jobs?state=FAILED").headers["location"] == "/signin?next=%2Fjobs%3Fstate%3DFAILED"
    refused = other.post("/signin", token="wrong")
    assert (refused.status_code, "AUTH_FAILED" in refused.text) == (401, True)
    assert other.post("/signin", token=chem.token, origin="http://evil.example").status_code == 401
    began = other.sign_in(next="//evil.example/")
    assert began.headers["location"] == "/jobs"
    cookie = began.headers["set-cookie"]
    assert all(word in cookie.lower() for word in ("httponly", "samesite=lax", "path=/"))
    assert chem.token not in cookie
    assert other.get("/jobs").status_code == 200
    account = other.get("/account").text  # of a token without a user too, all of its sessions are listed
    assert (account.count('aria-label="End the session'), account.count("this one")) == (2, 1)
    assert other.post("/signout").status_code == 303
    assert other.get("/jobs").status_code == 303


def test_over_https_the_cookie_is_for_this_host_alone(chem: Browser) -> None:
    secure = "https://127.0.0.1"
    began = chem.send("POST", f"{secure}/signin", {"origin": secure}, data={"token": chem.token})
    assert began.headers["set-cookie"].startswith("__Host-qmk=")
    assert "; Secure" in began.headers["set-cookie"]


def test_nothing_that_a_user_wrote_becomes_markup(chem: Browser, job: str) -> None:
    for path in ("/jobs", job, f"/submit?job={job[6:]}", "/queue", "/jobs?name=%3Cscript%3Ealert(1)%3C/script%3E"):
        found = chem.get(path)
        assert found.status_code == 200
        assert "<script>alert" not in found.text
        assert found.headers["content-security-policy"] == render.POLICY
        assert not re.search(r"<[^>]+ (?:on\w+|style)=|<style|<script(?! type=\"module\" src=)", found.text)
    assert "unsafe" not in render.POLICY
    shown = chem.post("/submit", text=HOSTILE, do="check", name=HOSTILE)
    assert "<script>alert" not in shown.text
    assert html.escape(HOSTILE, quote=False)[:30] in shown.text


def test_every_page_answers_and_has_json(chem: Browser, job: str) -> None:
    id = job.removeprefix("/jobs/")
    for path in ("/jobs", "/submit", "/submit?example=ghz", "/queue", "/engines", "/devices", "/account", "/guide",
                 job, f"{job}/shots?from=90", f"/compare?job={id}&job={id}"):  # fmt: skip
        found = chem.get(path)
        assert found.status_code == 200, path
        told = chem.get(path, params={"as": "json"}).json()
        assert all(f'href="/v1#{name}"' in found.text for name in told if name != "counts")
    assert chem.get("/").headers["location"] == "/jobs"
    assert "+0.0" in chem.get(f"/compare?job={id}&job={id}").text


def test_a_job_page_has_what_the_api_says(chem: Browser, job: str) -> None:
    found = chem.ended(job)
    result = found["jobs.result"]
    page = chem.get(job).text
    for bits, count in result["counts"].items():
        assert re.search(rf"<code>{bits}</code></th><td class=\"number\">{count}<", page)
    assert f"<dd>{found['jobs.get']['seed']}</dd>" in page
    assert ">ZZ<" in page  # the observable, by the text that was given
    counts = chem.get(f"{job}/counts.csv").text.splitlines()
    assert counts[0] == "outcome,count"
    assert dict(row.split(",") for row in counts[1:]) == {bits: str(n) for bits, n in result["counts"].items()}
    assert len(chem.get(f"{job}/shots.csv").text.splitlines()) == 101
    everything = chem.get(f"{job}/everything.json")
    assert "attachment" in everything.headers["content-disposition"]
    assert everything.json()["result"]["counts"] == result["counts"]
    assert HOSTILE in everything.json()["program"]["text"]


def test_a_block_leads_to_its_job(chem: Browser) -> None:
    whole = chem.submit().removeprefix("/jobs/")
    block = chem.submit(tags=f"qmk:block script:{whole}")  # as the daemon tags them
    assert f'<dt>Block of</dt><dd><a href="/jobs/{whole}">' in chem.get(block).text
    assert "Block of" not in chem.get(f"/jobs/{whole}").text
    listed = chem.get("/jobs").text
    assert f"/jobs/{whole}" in listed
    assert block not in listed


def test_pictures_come_from_the_drawer(chem: Browser, job: str) -> None:
    circuit = chem.get(f"{job}/circuit.svg?width=400")
    assert (circuit.headers["content-type"], circuit.text[:4]) == ("image/svg+xml", "<svg")
    assert "sandbox" in circuit.headers["content-security-policy"]
    assert chem.get(f"{job}/circuit.svg?width=wide").status_code == 400
    assert "<svg" in chem.get(f"{job}/histogram.svg").text


def test_anothers_job_is_as_absent(chem: Browser, bio: Browser, job: str) -> None:
    absent = "/jobs/job_" + "0" * 32
    for part in ("", "/shots", "/circuit.svg", "/histogram.svg", "/counts.csv", "/shots.csv", "/everything.json"):
        theirs, none = bio.get(job + part), bio.get(absent + part)
        assert (theirs.status_code, none.status_code) == (404, 404), part
        assert theirs.text.replace(job[6:], "ID") == none.text.replace(absent[6:], "ID")
    assert bio.post(f"{job}/change", do="delete").status_code == 404
    assert HOSTILE not in html.unescape(bio.get(f"/submit?job={job[6:]}").text)
    assert bio.get(f"/live{job}").status_code == 404
    assert job not in bio.get("/jobs").text


@pytest.mark.parametrize(
    "path", ["/submit", "/check", "/jobs/change", "/jobs/views", "/settings/save", "/account/revoke", "/signout"]
)
def test_a_form_needs_the_text_of_its_session_and_a_page_of_ours(chem: Browser, bio: Browser, path: str) -> None:
    for form, origin in (({"csrf": ""}, URL), ({"csrf": bio.csrf}, URL), ({}, "http://evil.example"), ({}, "null")):
        found = chem.post(path, origin, **{"text": BELL, **form})
        assert found.status_code == (403 if origin == URL else 401)
    assert chem.send("POST", path, data={"csrf": chem.csrf}).status_code == 403  # browsers say where a form is from
    assert chem.send("POST", path, {"origin": URL}, json={}).status_code == 415


def test_findings_stand_beside_the_form(chem: Browser) -> None:
    wrong = "OPENQASM 3.0;\nqubit q;\nfoo q;\n"
    found = chem.post("/submit", text=wrong, shots="10")
    assert found.status_code == 400
    assert "line 3, column 1" in found.text
    assert "foo q;" in found.text  # what was typed is still there
    told = chem.post("/check", text=wrong).json()
    assert (told["ok"], told["findings"][0]["line"]) == (False, 3)
    assert "INVALID_PARAMS" in chem.post("/submit", text=BELL, shots="0").text
    assert "not JSON" in chem.post("/submit", text=BELL, points="{").text
    assert chem.post("/submit", text=BELL, do="explain").text.count("chosen") >= 1
    assert "data:image/svg+xml;base64," in chem.post("/submit", text=BELL, do="draw").text


def test_a_sweep_is_a_batch_with_a_plot(chem: Browser) -> None:
    rabi = EXAMPLES["rabi"]
    path = chem.submit(rabi.text, points='{"theta": [0, 3.141592653589793]}', name="rabi")
    assert path.startswith("/batches/batch:")
    for row in chem.get(path, params={"as": "json"}).json()["jobs.list"]["jobs"]:
        chem.ended(f"/jobs/{row['job_id']}")
    assert "theta" in chem.get(path).text
    assert chem.get(f"{path}/plot.svg").text.startswith("<?xml")
    assert "rabi" in chem.get("/jobs?name=rabi&not_tag=a").text


def test_filters_include_and_exclude_and_are_kept_as_views(chem: Browser, job: str) -> None:
    link = f'href="{job}"'
    assert link in chem.get("/jobs?tag=a+b&state=COMPLETED").text
    assert link not in chem.get("/jobs?not_tag=b").text
    assert link not in chem.get("/jobs?not_state=COMPLETED").text
    chem.post("/jobs/views", tag="a", not_state="FAILED", view="mine", first="1")
    assert chem.get("/jobs").headers["location"] == "/jobs?not_state=FAILED&tag=a"
    chem.post("/jobs/views", forget="mine")
    assert chem.get("/jobs").status_code == 200


def test_a_filter_is_there_on_coming_back(chem: Browser) -> None:
    """The filter with which the list was left comes before the view that is shown first, and is cleared by All."""
    left = chem.get("/jobs?name=rabi&not_tag=a").headers["set-cookie"].partition(";")[0]
    assert chem.send("GET", "/jobs", {"cookie": f"{chem.cookie}; {left}"}).headers["location"] == (
        "/jobs?name=rabi&not_tag=a"
    )
    cleared = chem.get("/jobs?all=1").headers["set-cookie"].partition(";")[0]
    assert chem.send("GET", "/jobs", {"cookie": f"{chem.cookie}; {cleared}"}).status_code == 200
    hostile = '; qmk-jobs="x=1\\015\\012Set-Cookie: a=b"'
    found = chem.send("GET", "/jobs", {"cookie": chem.cookie + hostile})
    assert "\r" not in found.headers.get("location", "")
    assert "a" not in found.cookies


def test_a_list_has_counts_and_a_timeline(chem: Browser, job: str) -> None:
    page = chem.get("/jobs?tag=a&show=facets")
    assert "1 jobs that fit" in page.text
    counts = chem.get("/jobs?tag=a&show=facets&as=json").json()["jobs.count"]
    facets = {each["name"]: each["values"] for each in counts["facets"]}
    assert (counts["looked"], counts["more"]) == (1, False)
    assert facets["state"] == {"COMPLETED": 1}
    assert facets["tag"] == {"a": 1, "b": 1}
    narrower = re.findall(r'href="/jobs\?([^"]+)" aria-label="leave out tag b"', page.text)
    assert html.unescape(narrower[0]) == "tag=a&not_tag=b&show=facets"
    assert chem.get(f"/jobs?{html.unescape(narrower[0])}&as=json").json()["jobs.list"]["jobs"] == []
    drawn = chem.get("/jobs?tag=a&show=timeline").text
    assert re.search(r'aria-label="[^"]+ in the queue, [^"]+ on the engine"', drawn)


def test_the_depth_of_the_queue_stands_by_priority(bio: Browser) -> None:
    long = 'OPENQASM 3.0; include "stdgates.inc"; qubit q; bit c; for int i in [0:9] { h q; } c = measure q;'
    paths = [
        bio.post("/submit", text=long, shots="100000000", engine="reference", priority=str(priority))
        for priority in (0, 0, 0, 0, 5)
    ]
    counts = bio.get("/submit?as=json").json()["jobs.count"]
    depth = next(each["values"] for each in counts["facets"] if each["name"] == "priority")
    assert sum(depth.values()) == counts["looked"] >= 2
    assert f"{depth['0']} at 0" in bio.get("/submit").text
    shown = bio.get(paths[3].headers["location"]).text
    assert re.search(r"\d of yours and \d+ of others before it", shown)
    bio.post("/jobs/change", do="cancel_all")


def test_the_events_of_a_job_are_a_file(chem: Browser, job: str) -> None:
    found = chem.get(f"{job}/events.txt")
    assert "attachment" in found.headers["content-disposition"]
    kinds = [line.split()[4] for line in found.text.splitlines()]
    told = chem.get(f"{job}?as=json").json()["jobs.events"]["events"]
    assert kinds == [each["kind"] for each in told]


def test_jobs_are_cancelled_labelled_and_deleted_together(chem: Browser) -> None:
    slow = "OPENQASM 3.0; qubit[22] q; for int i in [0:21] { U(0.3, 0.2, 0.1) q[i]; } bit[22] c; c = measure q;"
    paths = [chem.submit(slow, tags="slow", seed=str(seed), name="slow", engine="native:dense") for seed in range(4)]
    first = paths[0].removeprefix("/jobs/")
    found = chem.post("/jobs/change", do="cancel", job=first)
    assert found.headers["location"].startswith("/jobs?")
    chem.post("/jobs/change", do="cancel_all", tag="slow")
    states = {chem.ended(path)["jobs.get"]["state"] for path in paths}
    assert states <= {"CANCELLED", "COMPLETED"}
    assert chem.post(paths[0] + "/change", do="label", add="kept", remove="slow").headers["location"] == paths[0]
    assert chem.get(f"{paths[0]}?as=json").json()["jobs.get"]["tags"] == ["kept"]
    shown = chem.post("/jobs/change", do="label_all", name="slow", add="all of")
    assert shown.headers["location"] == "/jobs?name=slow&done=label&changed=4"
    assert "4 jobs were labelled" in chem.get(shown.headers["location"]).text
    assert chem.post("/jobs/change", do="delete", job=first).headers["location"].endswith("changed=1")
    assert chem.post("/jobs/change", do="delete_all", tag="of").headers["location"].endswith("changed=3")
    assert {chem.get(path).status_code for path in paths} == {404}
    assert chem.post("/jobs/change", do="burn", job=first).status_code == 400


def test_a_capability_is_revoked(bio: Browser) -> None:
    held = re.search(r'name="capability" value="(\w+)" aria-label="Revoke (\w+)"', bio.get("/account").text)
    assert held is not None
    assert bio.post("/account/revoke", capability=held[1]).status_code == 303


def test_settings_hold_on_every_page(bio: Browser) -> None:
    mine = {"theme": "dark", "zone": "Asia/Tokyo", "start": "/queue", "engine": "reference", "shots": "77"}
    assert bio.post("/settings/save", **mine).headers["location"] == "/settings?done=1"
    page = bio.get("/settings").text
    assert all(f'<option value="{text}" selected>' in page for text in ("dark", "/queue"))
    assert '<meta name="color-scheme" content="dark">' in page
    assert re.search(r'dark\.css\?v=\w+" media="all"', page)
    assert re.search(r'datetime="[\d-]+T[\d:]+Z">[\d-]+ [\d:]+ JST<', bio.get("/account").text)
    assert bio.get("/").headers["location"] == "/queue"
    form = bio.get("/submit").text
    assert 'name="shots" inputmode="numeric" pattern="[0-9]*" value="77"' in form
    assert '<option value="reference" selected>' in form
    for wrong in (
        {"zone": "../etc/passwd"},
        {"zone": "Mars"},
        {"shots": "0"},
        {"shots": "x"},
        {"start": "//evil"},
        {"theme": "x"},
    ):
        found = bio.post("/settings/save", **{**mine, **wrong})
        assert (found.status_code, "INVALID_PARAMS" in found.text) == (400, True), wrong
    assert bio.get("/settings?as=json").json()["engines.list"]
    bio.post("/jobs/views", name="x", view="mine")
    bio.post("/settings/save", shots="1000", start="/jobs", first="mine")
    assert bio.get("/").headers["location"] == "/jobs"
    assert bio.get("/jobs").headers["location"] == "/jobs?name=x"
    bio.post("/settings/save", shots="1000", start="/jobs", first="")
    assert "dark.css" in bio.get("/jobs").text


def test_all_other_sessions_are_ended_at_once(chem: Browser) -> None:
    others = [Browser(chem.http, chem.token) for _ in range(2)]
    for each in others:
        each.sign_in()
    assert chem.post("/account/sessions/end", others="1").status_code == 303
    assert [each.get("/jobs").status_code for each in others] == [303, 303]
    assert chem.get("/account").text.count('aria-label="End the session') == 1


def test_errors_are_pages_in_the_words_of_the_api(chem: Browser) -> None:
    found = chem.get("/nothing/here")
    assert (found.status_code, found.headers["content-type"].partition(";")[0]) == (404, "text/html")
    assert "there is no page at this address" in found.text
    assert "Traceback" not in found.text
    assert "INVALID_PARAMS" in chem.get("/jobs?cursor=wrong").text


def test_static_files_are_kept_and_no_others_are_given(chem: Browser) -> None:
    for name in render.files():
        found = chem.get(render.static_url(name))
        assert (found.status_code, "immutable" in found.headers["cache-control"]) == (200, True)
    assert chem.get("/static/..%2frender.py").status_code == 404
    assert chem.get("/static/render.py").status_code == 404


def test_figures() -> None:
    assert figures.pairs({"00": 5, "11": 5}) == figures.Pairs(["0", "1"], [[1.0, 1.0], [1.0, 1.0]])
    assert figures.pairs({"01": 1}) == figures.Pairs(["0", "1"], [[None, None], [None, None]])
    assert figures.pairs({"0L": 1}) is figures.pairs({"1": 3}) is figures.pairs({}) is None
    assert figures.distance({"0": 5, "1": 5}, {"0": 10}) == 0.5
    assert figures.differences({"0": 8, "1": 2}, {"0": 2, "1": 8}, 1)[0].errors == pytest.approx(2.683, abs=1e-3)
    assert figures.split("011", [1, 2]) == ["0", "11"]
    assert kept.SavedViews().views == {}
