"""The image, the compose file and the chart: read strictly, hardened, and with arguments that the command takes."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from qmk import __version__
from qmk.cli.main import cli
from qmk.host.cluster.address import check_cluster
from qmk.host.cluster.kubernetes_manifests import labels
from qmk.host.cluster.kubernetes_slot import PORT
from qmk.host.cluster.messages import Join
from tests.loopback import SETTINGS

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "qmk"
DIGEST = "sha256:" + "0" * 64
LEAST = {"image": {"repository": "registry.example.org/qmk", "digest": DIGEST}, "observeTokenSecret": "observe"}
MOST = {
    **LEAST,
    "databaseSecret": "database",
    "tlsSecret": "tls",
    "allowedHosts": ["qmk.example.org"],
    "runtimeClassName": "gvisor",
    "slots": 4,
    "slotIdle": "10m",
    "extraArgs": ["--workers=4"],
    "imagePullSecrets": [{"name": "pull"}],
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "qmk", "operator": "Exists"}],
    "networkPolicy": {"from": [{"podSelector": {"matchLabels": {"app": "ingress"}}}], "to": [{"podSelector": {}}]},
}
KINDS = {"StatefulSet", "ServiceAccount", "Service", "PodDisruptionBudget", "NetworkPolicy"}
WITH_SLOTS = {"Role", "RoleBinding"}
OLDEST_KUBERNETES, NEWEST_KUBERNETES = "1.27", "1.34"


def refused_options(arguments: list[str]) -> set[str]:
    """Options among the arguments that the command does not have."""
    found = cli.get_command(click.Context(cli), arguments[0])
    assert found is not None
    known = {option for param in found.params for option in param.opts}
    return {word.partition("=")[0] for word in arguments[1:] if word.startswith("-")} - known


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    helm: Any = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed")
    with helm.Chart.load(str(CHART)) as chart:
        chart.validate_schema(values)
        texts = chart.render(values, name="lab", namespace="quantum").values()
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


@pytest.fixture(scope="module", params=[LEAST, MOST], ids=["least", "most"])
def manifests(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return rendered(request.param)


@pytest.mark.parametrize("release", [OLDEST_KUBERNETES, NEWEST_KUBERNETES])
def test_every_manifest_is_what_the_cluster_reads(manifests: list[dict[str, Any]], release: str) -> None:
    kubernetes: Any = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    assert {found["kind"] for found in manifests} - WITH_SLOTS == KINDS
    for found in manifests:
        kubernetes.validate(found, release, strict=True)
    (pods,) = (found for found in manifests if found["kind"] == "StatefulSet")
    pods["spec"]["template"]["spec"]["runAsRoot"] = True
    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(pods, release, strict=True)
    del pods["spec"]["template"]["spec"]["runAsRoot"]


def test_the_pod_is_restricted(manifests: list[dict[str, Any]]) -> None:
    """What the pod security standard "restricted" asks for, and more: no writable root, bounds, a closed network."""
    by_kind = {
        found["kind"]: found["spec"]
        for found in manifests
        if "spec" in found and not found["metadata"]["name"].endswith("-slots")
    }
    pod = by_kind["StatefulSet"]["template"]["spec"]
    assert by_kind["StatefulSet"]["replicas"] == 1
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod)
    has_slots = any(found["kind"] == "Role" for found in manifests)
    assert pod["automountServiceAccountToken"] is has_slots, (
        "a daemon without slots in pods asks Kubernetes for nothing"
    )
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["runAsNonRoot"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {"cpu", "memory", "ephemeral-storage"} <= set(container["resources"]["limits"])
        assert "@sha256:" in container["image"]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
        assert not refused_options(container["args"])
    assert all(set(volume) <= {"name", "emptyDir", "secret"} for volume in pod["volumes"])
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == {
        "state",
        *(volume["name"] for volume in pod["volumes"]),
    }
    network = by_kind["NetworkPolicy"]
    assert network["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule["from"] for rule in network["ingress"])
    assert all(rule["to"] for rule in network["egress"])
    labels = by_kind["StatefulSet"]["template"]["metadata"]["labels"].items()
    for selector in (network["podSelector"], by_kind["PodDisruptionBudget"]["selector"]):
        assert selector["matchLabels"].items() <= labels
    assert by_kind["Service"]["selector"].items() <= labels


def test_slots_in_pods_are_called_by_the_daemon_alone_which_may_make_them() -> None:
    manifests = rendered(MOST)
    by_name = {(found["kind"], found["metadata"]["name"]): found for found in manifests}
    (role,) = (found for found in manifests if found["kind"] == "Role")
    assert {(rule["resources"][0], *rule["verbs"]) for rule in role["rules"]} == {
        ("jobs", "create", "list", "delete"),
        ("pods", "list", "watch", "delete"),
        ("secrets", "create", "delete"),
    }
    slots, daemon = (by_name["NetworkPolicy", name]["spec"] for name in ("lab-qmk-slots", "lab-qmk"))
    assert slots["podSelector"]["matchLabels"].items() <= labels(Join("", "", "x", 1, SETTINGS)).items()
    assert slots["egress"] == []
    (rule,) = slots["ingress"]
    assert rule["from"] == [{"podSelector": daemon["podSelector"]}]
    assert [port["port"] for port in rule["ports"]] == [PORT]
    assert {"to": [{"podSelector": slots["podSelector"]}], "ports": rule["ports"]} in daemon["egress"]
    (pod,) = (found["spec"]["template"]["spec"] for found in manifests if found["kind"] == "StatefulSet")
    given = [word for word in pod["containers"][0]["args"] if "cluster" in word]
    options = dict(word.removeprefix("--cluster-option=").split("=", 1) for word in given[1:])
    assert options == {"image": f"registry.example.org/qmk@{DIGEST}", "runtime-class": "gvisor", "pull-secret": "pull"}
    check_cluster("kubernetes", options, (), 4)
    assert "--slot-idle=10m" in pod["containers"][0]["args"]


def test_values_reach_the_pod() -> None:
    (pods,) = (found["spec"]["template"]["spec"] for found in rendered(MOST) if found["kind"] == "StatefulSet")
    assert pods["runtimeClassName"] == "gvisor"
    assert pods["containers"][0]["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
    assert pods["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"] == {"name": "database", "key": "url"}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {**LEAST, "image": {"repository": "registry.example.org/qmk", "digest": "latest"}},
        {**LEAST, "replicas": 2},
        {**LEAST, "resources": {"limits": {"memory": 8}}},
        {**LEAST, "extraArgs": ["workers"]},
        {**LEAST, "slotIdle": "ten"},
    ],
    ids=["nothing", "a tag", "another value", "bytes", "no option", "no time"],
)
def test_values_that_are_wrong_are_refused(wrong: dict[str, Any]) -> None:
    helm: Any = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed")
    with helm.Chart.load(str(CHART)) as chart, pytest.raises(helm.HelmError):
        chart.render(wrong, name="lab", namespace="quantum")


def test_the_chart_is_of_this_release() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__


def test_every_service_of_the_compose_file_is_hardened() -> None:
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), name
        assert re.fullmatch(r"\$\{\w+_IMAGE:\?.*digest\}", service["image"]), f"{name}: its image has a default"
        assert {"mem_limit", "pids_limit"} <= set(service), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        assert set(service["networks"]) <= set(compose["networks"]), name
        mounted = [volume.partition(":")[0] for volume in service["volumes"]]
        for source in mounted:
            known = (DEPLOY / "compose" / source).is_file() if source.startswith(".") else source in compose["volumes"]
            assert known, f"{name}: there is no {source}"
        if "QMK_IMAGE" in service["image"]:
            assert not refused_options(service["command"]), name


def test_docker_compose_reads_the_compose_file() -> None:
    if shutil.which("docker-compose") is None:
        pytest.skip("there is no docker-compose here; apt-get install docker-compose has it")
    file = DEPLOY / "compose" / "compose.yaml"
    variables = {
        **dict.fromkeys(re.findall(r"\$\{(\w+)", file.read_text()), f"example@{DIGEST}"),
        "PATH": os.environ["PATH"],
    }
    command = ["docker-compose", "--file", str(file), "config", "--quiet"]
    found = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_the_image_runs_what_exists_without_root() -> None:
    lines = (DEPLOY / "container" / "Containerfile").read_text().splitlines()
    said = [line for line in lines if line and line[0] not in "# "]
    assert said[0] == "ARG BASE", "the base has no default: who builds names its digest"
    assert said.index("ARG BASE", 1) == said.index("FROM ${BASE} AS build") + 1, "the first step sees the name"
    assert [line for line in said if line.startswith("FROM")] == ["FROM ${BASE} AS build", "FROM ${BASE}"]
    last = {line.partition(" ")[0]: line.partition(" ")[2] for line in said}
    assert last["USER"] == "65532:65532"
    assert not refused_options(json.loads(last["CMD"]))
    for source in re.findall(r"deploy/\S+", last["COPY"] + "\n".join(said)):
        assert (ROOT / source).is_file(), source


@pytest.mark.parametrize(
    ("base", "status"),
    [
        (f"docker.io/library/python@{DIGEST}", 0),
        (f"python:3.13-slim@{DIGEST}", 0),
        ("docker.io/library/python:3.13-slim", 1),
        ("python", 1),
        ("python@sha256:00", 1),
        ("", 1),
    ],
)
def test_a_base_without_a_digest_ends_the_build(base: str, status: int) -> None:
    """The first step of the build, as the shell of the image runs it."""
    lines = (DEPLOY / "container" / "Containerfile").read_text().splitlines()
    step = next(line.removeprefix("RUN ") for line in lines if line.startswith("RUN "))
    done = subprocess.run(["sh", "-c", step], env={"BASE": base, "PATH": os.environ["PATH"]}, capture_output=True)
    assert (done.returncode, bool(done.stderr)) == (status, bool(status))


def test_the_image_has_versions_of_the_lock() -> None:
    """The image's lock is a part of the whole one: the same versions with the same hashes."""

    def pins(path: Path) -> dict[str, str]:
        text = path.read_text().replace("\\\n", "")
        return dict(re.findall(r"^(\S+==\S+)(?: ;[^-\n]*)?\s+(--hash=.*)$", text, re.MULTILINE))

    image, whole = pins(DEPLOY / "container" / "requirements.lock"), pins(ROOT / "requirements.lock")
    assert len(image) > 30
    assert {pin for pin in image if whole.get(pin) != image[pin]} == set()
    assert {pin.split("==")[0] for pin in image} >= {"psycopg", "litestar", "grpcio", "msgspec", "cryptography"}


def test_the_bill_of_materials_names_every_package_once() -> None:
    place = DEPLOY / "container" / "sbom.py"
    spec = importlib.util.spec_from_file_location("sbom", place)
    assert spec is not None
    assert spec.loader is not None
    sbom = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sbom)
    found = {
        "installed": [
            {"metadata": {"name": "PyYAML", "version": "6.0.3", "license": "MIT\nand its text"}},
            {"metadata": {"name": "msgspec", "version": "0.20.0", "license_expression": "BSD-3-Clause"}},
            {
                "metadata": {"name": "quantum_microkernel", "version": "0.2.0"},
                "direct_url": {"archive_info": {"hashes": {"sha256": "ab"}}},
            },
        ]
    }
    bill = sbom.bill(found)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert [part["purl"] for part in bill["components"]] == [
        "pkg:pypi/msgspec@0.20.0", "pkg:pypi/pyyaml@6.0.3", "pkg:pypi/quantum-microkernel@0.2.0",
    ]  # fmt: skip
    assert bill["components"][0]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert bill["components"][1]["licenses"] == [{"license": {"name": "MIT"}}]
    assert bill["components"][2]["hashes"] == [{"alg": "SHA-256", "content": "ab"}]
