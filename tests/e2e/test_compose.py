"""What deploy/compose says is started for real, without containers: two gateways, a daemon and one that stands by, on
PostgreSQL and an object store. The daemon that leads is killed, and the other one goes on."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from qmk.rpc.metrics import BY_NAME
from tests.conftest import eventually
from tests.e2e.composed import ROOT, Composed
from tests.objects import ObjectServer
from tools.throwaway_postgres import Cluster

FILE = ROOT / "deploy" / "compose" / "compose.yaml"
OURS = ("daemon", "standby", "gateway-1", "gateway-2")
IMAGES = ("QMK_IMAGE", "POSTGRES_IMAGE", "OBJECTS_IMAGE", "PROMETHEUS_IMAGE", "GRAFANA_IMAGE")
ROTATIONS = 3000
"""Gates on each qubit: such a program does not fit into a row of the journal."""
LARGE = "OPENQASM 3.0; include 'stdgates.inc'; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1];\n".replace("'", '"')
LARGE += "".join(f"rx({0.001 * turn}) q[{turn % 2}];\n" for turn in range(2 * ROTATIONS)) + "c = measure q;"
METRIC = "of metric"
"""Under this name labels have that of the metric in our table, which a sample's own only begins with."""


class Service:
    """Whoever calls the gateways, with a token."""

    def __init__(self, composed: Composed) -> None:
        self.composed, self.token = composed, ""

    def ask(self, gateway: str, path: str, body: Any = None, token: str = "", key: str = "") -> bytes:
        address = self.composed.addresses[f"{gateway}:8451"]
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {token or self.token}", "content-type": "application/json"}
        headers |= {"idempotency-key": key} if key else {}
        with urllib.request.urlopen(
            urllib.request.Request(f"http://{address}{path}", data, headers), timeout=60
        ) as got:
            return got.read()

    def submit(self, gateway: str, text: str, seed: int) -> str:
        """A job by a key of its own, sent again where no daemon leads at the moment; gives its id."""
        body = {"program": {"text": text}, "shots": 200, "policy": {"seed": seed}}
        while True:
            try:
                return json.loads(self.ask(gateway, "/v1/jobs", body, key=f"key-{seed}"))["job_id"]
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise AssertionError(error.read()[:500]) from None

    def counts(self, gateway: str, job: str) -> Any:
        assert json.loads(self.ask(gateway, f"/v1/jobs/{job}?wait_s=60"))["state"] == "COMPLETED"
        return json.loads(self.ask(gateway, f"/v1/jobs/{job}/result"))["counts"]


def wait_until_ready(composed: Composed, gateway: str) -> None:
    """By the service's own check of its health."""
    check = [composed.translate(gateway, word) for word in composed.services[gateway]["healthcheck"]["test"][1:]]
    eventually(lambda: subprocess.run(check, capture_output=True).returncode == 0, f"{gateway} is healthy")


@pytest.fixture
def composed(tmp_path: Path, postgres_server: Cluster) -> Iterator[tuple[Composed, ObjectServer]]:
    objects = ObjectServer()
    variables = {**dict.fromkeys(IMAGES, "image"), "OBJECTS_SECRET": "secret", "OBJECTS_FOLDER": "/objects"}
    where = objects.variables["AWS_ENDPOINT_URL"].removeprefix("http://")
    made = Composed(FILE, tmp_path, variables, {"objects:9000": where})
    made.write_secret("qmk-database", postgres_server.new_schema())
    for name in ("qmk-observe", "prometheus-observe"):
        made.write_secret(name, "observe-token")
    objects.make_bucket(Path(made.services["objects"]["volumes"][0].partition(":")[2]).name)
    try:
        yield made, objects
    finally:
        made.close()
        objects.stop()


def scrape(service: Service, config: dict[str, Any]) -> list[dict[str, str]]:
    """The labels of every sample that the gateways show, as they are before rules of ``config`` drop some."""
    token = Path(service.composed.translate("prometheus", config["authorization"]["credentials_file"])).read_text()
    found: list[dict[str, str]] = []
    for target in config["static_configs"][0]["targets"]:
        text = service.ask(target.partition(":")[0], "/metrics", token=token).decode()
        for family in text_string_to_metric_families(text):
            name = family.name + "_total" * (family.type == "counter")
            found += [
                {**sample.labels, "instance": target, "__name__": sample.name, METRIC: name}
                for sample in family.samples
            ]
    return found


def is_kept(rule: dict[str, Any], labels: dict[str, str]) -> bool:
    assert rule["action"] == "keep"
    value = ";".join(labels.get(name, "") for name in rule["source_labels"])
    return re.fullmatch(rule["regex"], value) is not None


def is_of_daemon(labels: dict[str, str]) -> bool:
    return BY_NAME[labels[METRIC]].source == "daemon" or labels.get("process") in ("daemon", "workers")


def check_metrics(service: Service) -> None:
    """What the daemon counts is taken once, what each gateway counts is taken of both."""
    path = Path(service.composed.translate("prometheus", "/etc/prometheus/prometheus.yml"))
    (config,) = yaml.safe_load(path.read_text())["scrape_configs"]
    shown = scrape(service, config)
    both = {"gateway-1:8451", "gateway-2:8451"}
    assert {labels["instance"] for labels in shown if is_of_daemon(labels)} == both
    kept = [labels for labels in shown if all(is_kept(rule, labels) for rule in config["metric_relabel_configs"])]
    assert {labels["instance"] for labels in kept if is_of_daemon(labels)} == {"gateway-1:8451"}
    first, second = ([labels for labels in shown if labels["instance"] == target] for target in sorted(both))
    assert kept == [*first, *(labels for labels in second if not is_of_daemon(labels))]
    check_with_promtool(service.composed)


def check_with_promtool(composed: Composed) -> None:
    """Where it is installed, what Prometheus is given is checked by its own tool."""
    if (promtool := shutil.which("promtool")) is None:
        return
    folder = composed.folder / "prometheus-config"
    folder.mkdir()
    for volume in composed.services["prometheus"]["volumes"]:
        source, place = volume.split(":")[:2]
        if place.startswith("/etc/prometheus/"):
            text = (FILE.parent / source).read_text()
            (folder / Path(place).name).write_text(text.replace("/run/secrets", str(composed.folder / "secrets")))
    done = subprocess.run([promtool, "check", "config", folder / "prometheus.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def leader_of(composed: Composed) -> str:
    """The daemon that leads, once there is one; the other one says that it stands by."""
    daemons = [name for name in ("daemon", "standby") if composed.running[name].poll() is None]
    eventually(lambda: any("listening on" in composed.log(name) for name in daemons), "a daemon leads")
    (found,) = (name for name in daemons if "listening on" in composed.log(name))
    return found


@pytest.mark.slow
def test_what_the_compose_file_says_serves_and_survives_its_leader(composed: tuple[Composed, ObjectServer]) -> None:
    made, objects = composed
    assert set(made.services) == {*OURS, "postgres", "objects", "prometheus", "grafana"}
    for name in OURS:
        made.start(name)
    leader = leader_of(made)
    (other,) = {"daemon", "standby"} - {leader}
    service = Service(made)
    operator = ("--database-file=/run/secrets/qmk-database", "--json")
    made.run("gateway-1", "org", "add", "chem", *operator)
    made.run("gateway-1", "user", "add", "root", "--operator", *operator)
    issued = made.run("gateway-2", "token", "issue", "t", "--organisation=chem", "--user=root", *operator)
    service.token = json.loads(issued)["token"]
    for name in ("gateway-1", "gateway-2"):
        wait_until_ready(made, name)
    early = service.submit("gateway-1", LARGE, 1)
    bits = service.counts("gateway-2", early)
    place = next(word for word in made.services["daemon"]["command"] if word.startswith("--blobs=")).partition("=")[2]
    assert {key.partition("/")[0] for key in objects.keys(place)} == {place.rpartition("/")[2]}
    assert not list((made.folder / "state" / "blobs").glob("*/*"))
    eventually(lambda: "standing by" in made.log(other), "the other daemon stands by")
    running = [service.submit(f"gateway-{1 + seed % 2}", LARGE, seed) for seed in range(2, 6)]
    made.running[leader].kill()
    late = service.submit("gateway-2", LARGE, 6)
    assert leader_of(made) == other
    for job in (*running, late):
        assert service.counts("gateway-1", job) == service.counts("gateway-2", job)
    assert service.counts("gateway-1", early) == bits
    listed = json.loads(service.ask("gateway-2", "/v1/jobs?limit=100"))["jobs"]
    assert sorted(row["job_id"] for row in listed) == sorted({early, *running, late})
    check_metrics(service)
