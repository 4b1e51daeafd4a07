"""Metrics, traces and canary jobs of a gateway on a real daemon, one of whose engines lies."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from qmk.client import Operator
from qmk.gateway.app import make_app
from qmk.gateway.observe.canary import ALARM_OF, THEORY
from qmk.gateway.observe.observer import Observer, Settings
from qmk.gateway.rest.openapi import BELL
from qmk.rpc.metrics import METRICS
from tests.conftest import HERE, RunningDaemon

Http = TestClient[Any]
DEPLOY = HERE.parent / "deploy" / "observability"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NAMED = re.compile(r"qmk_[a-z_]+")
QUIET = {"qmk_engine_prediction_ratio", "qmk_certificate_end_time_seconds"}
"""Seen only after runs of 10 ms and more, and only where the gateway has a certificate."""
SUFFIX = re.compile(r"_(bucket|count|sum)$")


class Collector:
    """Takes traces as a collector of OpenTelemetry does."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    spans.extend(span for scope in resource.scope_spans for span in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Site:
    """A gateway with a collector behind it."""

    def __init__(self, daemon: RunningDaemon, collector: Collector, http: Http) -> None:
        self.daemon, self.collector, self.http = daemon, collector, http

    @property
    def observer(self) -> Observer:
        return self.http.app.state.observer

    def run(self, **headers: str) -> str:
        """A job that has ended, and of which the gateway knows it."""
        body = {"program": {"text": BELL}, "shots": 10}
        job = self.http.post("/v1/jobs", json=body, headers=headers).json()["job_id"]
        assert self.http.get(f"/v1/jobs/{job}", params={"wait_s": 30}).json()["state"] == "COMPLETED"
        deadline = time.monotonic() + 30
        while "worker" not in self.http.get(f"/observe/traces/{job}").text:
            assert time.monotonic() < deadline, "the gateway does not learn that the job has ended"
            time.sleep(0.1)
        return job

    def families(self) -> dict[str, Any]:
        return {row.name: row for row in text_string_to_metric_families(self.http.get("/metrics").text)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("observed")
    shutil.copy(HERE / "engines" / "odd_engines.py", folder)
    daemon = RunningDaemon(folder, engines={"zeros": ("odd_engines:ZEROS", str(folder))}).start()
    collector = Collector()
    settings = Settings(asks=True, otlp=collector.url)
    app = make_app(
        daemon.socket, folder / "gateway.db", needs_token=False, settings=settings, data_dir=folder / "state"
    )
    with TestClient(app, base_url="http://127.0.0.1") as http:
        yield Site(daemon, collector, http)
    daemon.kill()
    collector.server.shutdown()


def test_a_trace_follows_a_job_from_the_request_into_the_engine(site: Site) -> None:
    job = site.run(traceparent=f"00-{TRACE}-{SPAN}-01")
    found = {span.name: span for span in site.observer.traces.get(TRACE)}
    parents = {name: next((each.name for each in found.values() if each.id == span.parent), span.parent)
               for name, span in found.items()}  # fmt: skip
    assert parents == {
        "POST /v1/jobs": SPAN,
        "q_submit": "POST /v1/jobs",
        "job": "POST /v1/jobs",
        "queue": "job",
        "worker": "job",
        "engine.prepare": "worker",
        "engine.run": "worker",
        "deliver": "worker",
    }
    job_span, worker = found["job"], found["worker"]
    assert job_span.attributes["qmk.job"] == job
    assert job_span.begin_ns <= found["queue"].begin_ns <= worker.begin_ns <= found["engine.run"].begin_ns
    assert found["engine.run"].end_ns <= found["deliver"].end_ns == worker.end_ns == job_span.end_ns
    page = site.http.get(f"/observe/traces/{TRACE}").text
    assert page == site.http.get(f"/observe/traces/{job}").text
    assert page.count("<rect") == len(found)

    export = site.observer._export
    assert export is not None
    asyncio.run(export.send())
    sent = {span.name: span for span in site.collector.spans if span.trace_id.hex() == TRACE}
    assert {name: span.span_id.hex() for name, span in sent.items()} == {name: s.id for name, s in found.items()}
    assert sent["POST /v1/jobs"].parent_span_id.hex() == SPAN
    assert sent["worker"].end_time_unix_nano == worker.end_ns


def test_a_job_without_a_trace_has_that_of_its_id(site: Site) -> None:
    job = site.run(traceparent="00-zz-1-01")
    spans = site.observer.traces.get(job.removeprefix("job_"))
    assert {"POST /v1/jobs", "job", "worker"} <= {span.name for span in spans}
    assert site.http.get("/observe/traces/" + "0" * 32).status_code == 404


def test_a_lying_engine_sets_off_the_alarm_and_a_right_one_does_not(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    canary = site.observer.canary
    assert sum(THEORY.values()) == 1

    async def send() -> list[str]:
        engines = await canary.engines()
        for engine in [*["zeros"] * ALARM_OF, *["stabilizer"] * ALARM_OF, "rydberg"]:
            await canary.look(engine)
        left = await canary.engines()
        await canary.close()
        return sorted({*engines} - {*left})

    assert asyncio.run(send()) == ["rydberg"], "what cannot run the program is asked no more"
    assert canary.verdicts.drifting == {"zeros"}
    assert "engine zeros drifts: 3 of its last 3 canary jobs deviate" in caplog.text
    rows = {(row.name, row.labels["engine"]): row.value for row in site.families()["qmk_canary_drift"].samples}
    assert rows == {("qmk_canary_drift", "zeros"): 1, ("qmk_canary_drift", "stabilizer"): 0}
    assert "drifts" in site.http.get("/observe").text


def test_canary_jobs_of_the_local_tenant_are_listed_only_by_their_tag(site: Site) -> None:
    """They run without being asked for; whoever lists jobs sees their own."""
    canary, own = site.observer.canary, site.run()

    async def send() -> None:
        await canary.look("stabilizer")
        await canary.close()

    asyncio.run(send())
    listed = [site.http.get("/v1/jobs", params=params).json()["jobs"] for params in ({}, {"name": "canary"})]
    assert own in [row["job_id"] for row in listed[0]]
    assert all("qmk:canary" not in row["tags"] for row in listed[0])
    assert listed[1] == []
    shown = site.http.get("/v1/jobs", params={"tags": "qmk:canary"}).json()["jobs"]
    assert {row["tenant"] for row in shown} == {"local"}
    assert {row["state"] for row in shown} == {"COMPLETED"}
    without = site.http.get("/v1/jobs", params={"tags": "qmk:canary", "not_state": "COMPLETED"}).json()["jobs"]
    assert without == []


def test_canary_jobs_have_a_tenant_of_their_own_where_there_are_tenants(site: Site) -> None:
    """In this order: the first tenant cannot be taken back."""
    operator = Operator(site.daemon.folder / "state")
    canary = site.observer.canary
    operator.call("op_tenant_add", tenant="chem")

    async def send() -> None:
        for _ in range(2):  # the second as after a restart
            await canary.look("stabilizer")
            await canary.close()

    asyncio.run(send())
    assert operator.call("op_jobs", tenant="canary").jobs == []
    rows = operator.call("op_jobs", tenant="canary", tags=["qmk:canary"]).jobs
    assert [(row.name, row.state) for row in rows] == [("canary", "COMPLETED")] * 2
    assert len(operator.call("op_token_list", tenant="canary").tokens) == 1
    (tenant,) = operator.call("op_tenant_list", tenant="canary").tenants
    assert tenant.weight < 0.01


def test_lines_of_the_log_about_a_job_have_the_trace_of_its_request(site: Site) -> None:
    trace = "ab" * 16
    job = site.run(traceparent=f"00-{trace}-{SPAN}-01")
    assert f'href="/observe/jobs/{job}/log"' in site.http.get(f"/observe/traces/{trace}").text
    shown = site.http.get(f"/observe/jobs/{job}/log").text
    assert f"/observe/traces/{trace}" in shown
    assert f"{job} COMPLETED on" in shown
    assert "says nothing" in site.http.get(f"/observe/jobs/job_{'0' * 32}/log").text


def test_a_scrape_has_every_metric_of_the_table_and_all_that_rules_and_panels_name(site: Site) -> None:
    site.run()
    site.http.get("/v1/jobs/job_none")
    found = site.families()
    of_kind = {metric.name.removesuffix("_total"): metric.kind for metric in METRICS}
    assert {name: row.type for name, row in found.items()} == of_kind
    labels = {metric.name.removesuffix("_total"): set(metric.labels) for metric in METRICS}
    for name, row in found.items():
        assert all(set(sample.labels) - {"le"} == labels[name] for sample in row.samples), name
    silent = {metric.name for metric in METRICS if not found[metric.name.removesuffix("_total")].samples}
    assert silent <= QUIET
    for file in ("alerts.yml", "dashboard.json"):
        named = {SUFFIX.sub("", name) for name in NAMED.findall((DEPLOY / file).read_text())}
        assert named <= {metric.name for metric in METRICS}, file
    sums = {sample.name: sample.value for row in found.values() for sample in row.samples}
    assert sums["qmk_up"] == 1
    assert sums["qmk_journal_commit_seconds_count"] == sums["qmk_journal_batches_total"] > 0
    if (promtool := shutil.which("promtool")) is not None:
        text = site.http.get("/metrics").content
        checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_the_page_has_no_script_and_says_what_it_shows(site: Site) -> None:
    site.run()
    answer = site.http.get("/observe")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script| on\w+=| style=|https?://", answer.text)
    for named in ("", "?hours=168", "?since=1700000000&until=1700003600"):
        assert site.http.get(f"/observe{named}").text.count("<figure>") == 5
    assert (
        "from 2023-11-14 22:13 to 2023-11-14 23:13 UTC"
        in site.http.get("/observe?since=1700000000&until=1700003600").text
    )
    assert site.http.get("/observe?hours=soon").status_code == 400
    for text in ("Tenants", "Engines", "Traces", "/v1/jobs/{job_id}", "q_submit", "local"):
        assert text in answer.text


@pytest.mark.parametrize("path", ["/metrics", "/observe", f"/observe/traces/{TRACE}"])
def test_only_who_runs_the_gateway_sees_it(site: Site, tmp_path: Path, path: str) -> None:
    assert site.http.get(path, headers={"origin": "https://elsewhere.example"}).status_code == 401
    assert site.http.get(path, headers={"sec-fetch-site": "cross-site"}).status_code == 401
    assert site.http.get(path, headers={"host": "elsewhere.example"}).status_code == 401
    tenant = Operator(site.daemon.folder / "state").call("op_token_issue", tenant="chem").token
    for settings, shown in ((Settings(), tenant), (Settings(token="sesame"), tenant), (Settings(token="sesame"), "")):
        app = make_app(site.daemon.socket, tmp_path / f"{len(shown)}.db", needs_token=True, settings=settings)
        with TestClient(app, base_url="http://127.0.0.1") as http:
            assert http.get(path, headers={"authorization": f"Bearer {shown}"}).status_code == 401
            good = http.get(path, headers={"authorization": "Bearer sesame"}).status_code
            assert good == (401 if not settings.token else 404 if "traces" in path else 200)
            assert (http.get("/health").status_code, http.get("/ready").status_code) == (200, 200)


def test_a_gateway_without_a_daemon_lives_and_is_not_ready(tmp_path: Path) -> None:
    settings = Settings(asks=True)
    app = make_app(tmp_path / "none", tmp_path / "gateway.db", needs_token=False, settings=settings)
    with TestClient(app, base_url="http://127.0.0.1") as http:
        assert http.get("/health").json() == {"status": "up"}
        answer = http.get("/ready")
        assert (answer.status_code, answer.json()["daemon"]) == (503, "CONNECTION_LOST")
        assert "qmk_up 0.0" in http.get("/metrics").text
        app.state.gate.records.close()
        assert http.get("/ready").json()["records"] == "RESOURCE_EXHAUSTED"


def test_the_log_of_a_request_names_job_trace_and_tenant(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "qmk.access"):
        job = site.run(traceparent=f"00-{TRACE}-{SPAN}-01")
    facts = [facts for record in caplog.records if (facts := getattr(record, "facts", {})).get("jobs")]
    assert facts == [{"tenant": "local", "trace": TRACE, "jobs": [job], "status": 201}]


def test_the_dashboard_asks_the_chosen_source_and_its_panels_do_not_overlap() -> None:
    panels = json.loads((DEPLOY / "dashboard.json").read_text())["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels) == len(METRICS) - 1
