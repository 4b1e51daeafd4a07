"""Slots as pods: manifests, credentials, the mirror of an API server, and what is asked of it and how often."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.host.cluster import kubernetes_api, kubernetes_cluster
from qmk.host.cluster import kubernetes_manifests as manifests
from qmk.host.cluster import messages as ms
from qmk.host.cluster.address import check_cluster, kind_of
from qmk.host.cluster.interface import SlotLost
from qmk.host.cluster.kubernetes_api import Api, ApiError, Mirror, open_access
from qmk.host.cluster.kubernetes_cluster import KubernetesCluster, open_cluster
from qmk.host.cluster.kubernetes_options import amounts
from qmk.host.cluster.remote import make_identity
from tests.kubernetes_server import Server
from tests.loopback import SETTINGS

OLDEST, NEWEST = "1.29", "1.34"
IDENTITY = b"a certificate and its key"
PODS = "/api/v1/namespaces/lab/pods"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.stop()


def join_of(
    folder: Path, *resources: dict[str, float], slots: int = 2, options: dict[str, str] | None = None
) -> ms.Join:
    given = {"image": "registry.example.org/qmk@sha256:0", "kubeconfig": str(folder / "kubeconfig"), **(options or {})}
    return ms.Join("kubernetes", str(folder), "0123456789abcdef", slots, SETTINGS, list(resources), options=given)


def run(test: Coroutine[Any, Any, object]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(30.0):
            await test

    asyncio.run(whole())


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("release", [OLDEST, NEWEST])
def test_every_manifest_is_what_the_cluster_reads(tmp_path: Path, release: str) -> None:
    kubernetes: Any = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    rich = {"gpu": 1.0, "memory": 1e9, "qpu:ibm_torino": 1.0, "cpu": 4.0}
    more = {"runtime-class": "gvisor", "pull-secret": "pull"}
    for join in (join_of(tmp_path), join_of(tmp_path, rich, rich, options=more)):
        kubernetes.validate(manifests.secret(join, IDENTITY), release, strict=True)
        made = manifests.job(join, [0, 1], 17, IDENTITY)
        kubernetes.validate(made, release, strict=True)
        made["spec"]["template"]["spec"]["containers"][0]["cmd"] = []
        with pytest.raises(kubernetes.ValidationError):
            kubernetes.validate(made, release, strict=True)


def test_a_pod_is_restricted_and_asks_for_what_its_slot_has(tmp_path: Path) -> None:
    join = join_of(tmp_path, {"gpu": 1.0, "cpu": 3.0}, options={"runtime-class": "kata"})
    pod = manifests.job(join, [0], 17, IDENTITY)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["runtimeClassName"] == "kata"
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"] == {
        "requests": {"cpu": "3", "nvidia.com/gpu": "1"},
        "limits": {"nvidia.com/gpu": "1"},
    }
    said = {each["name"]: each.get("value") for each in container["env"]}
    assert ms.unpack_settings(base64.b64decode(said["QMK_SLOT_SETTINGS"] or "")) == join.settings_of(0)
    assert IDENTITY.decode() not in json.dumps(pod), "the key is in the Secret alone"


def test_resources_have_names_that_kubernetes_knows() -> None:
    assert amounts(2, {}) == {"cpu": "2"}
    asked = amounts(2, {"memory": 1.5e9, "gpu": 2.0, "amd.com/gpu": 1.0, "qpu:ibm_torino": 1.0})
    assert asked == {
        "cpu": "2",
        "memory": "1500000000",
        "nvidia.com/gpu": "2",
        "amd.com/gpu": "1",
        "qmk.internal/qpu.ibm_torino": "1",
    }
    with pytest.raises(QmkError, match="gpu is a whole number"):
        check_cluster("kubernetes", {"image": "i"}, ("gpu=0.5",), 1)
    with pytest.raises(QmkError, match="needs the image"):
        check_cluster("kubernetes", {}, (), 1)
    check_cluster("kubernetes", {"image": "i", "namespace": "lab"}, ("gpu=1",), 1)
    assert kind_of("kubernetes") == "kubernetes"


def test_credentials_are_read_where_they_are(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    access = open_access({"kubeconfig": str(server.config)})
    assert (access.namespace, access.headers()["Authorization"]) == ("lab", "Bearer a-token-of-the-tests")
    (tmp_path / "token").write_text("another\n")
    assert access.headers()["Authorization"] == "Bearer another", "it is renewed in its file"
    monkeypatch.setenv("KUBECONFIG", str(server.config))
    assert open_access({"namespace": "mine"}).namespace == "mine"
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setattr(kubernetes_api, "ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    (tmp_path / "namespace").write_text("pods")
    monkeypatch.setattr("ssl.create_default_context", lambda cafile: f"trusts {cafile.name}")
    access = open_access({})
    assert (access.url, access.namespace, access.context) == ("https://[fd00::1]:443", "pods", "trusts ca.crt")


def test_a_kubeconfig_may_be_yaml(server: Server, tmp_path: Path) -> None:
    yaml: Any = pytest.importorskip("yaml", reason="PyYAML is not installed")
    server.config.write_text(yaml.safe_dump(json.loads(server.config.read_text())))
    assert open_access({"kubeconfig": str(server.config)}).namespace == "lab"


def test_certificates_in_a_kubeconfig_are_trusted_and_shown(server: Server, tmp_path: Path) -> None:
    make_identity(tmp_path / "both.pem")
    text = base64.b64encode((tmp_path / "both.pem").read_bytes()).decode()
    config = json.loads(server.config.read_text())
    config["clusters"][0]["cluster"] = {"server": "https://10.0.0.1:6443", "certificate-authority-data": text}
    config["users"][0]["user"] = {"client-certificate-data": text, "client-key": "both.pem"}
    server.config.write_text(json.dumps(config))
    access = open_access({"kubeconfig": str(server.config)})
    assert len(access.context.get_ca_certs()) == 1, "the cluster's authority alone"
    assert access.context.check_hostname
    assert "Authorization" not in access.headers()
    config["clusters"][0]["cluster"]["certificate-authority-data"] = "bm9uZQ=="
    server.config.write_text(json.dumps(config))
    with pytest.raises(QmkError, match="cannot use the kubeconfig"):
        open_access({"kubeconfig": str(server.config)})


@pytest.mark.parametrize(
    ("user", "cluster", "context", "why"),
    [
        ({"exec": {"command": "aws"}}, {}, "", "it has 'exec', which QMK does not do"),
        ({"username": "u", "password": "p"}, {}, "", "it has 'username'"),
        ({}, {"insecure-skip-tls-verify": True}, "", "'insecure-skip-tls-verify'"),
        ({}, {"server": "http://10.0.0.1"}, "", "is not an https address"),
        ({}, {}, "other", "it has no context 'other'"),
    ],
)
def test_a_kubeconfig_that_asks_for_more_is_refused(
    server: Server, user: dict[str, Any], cluster: dict[str, Any], context: str, why: str
) -> None:
    config = json.loads(server.config.read_text())
    config["users"][0]["user"].update(user)
    config["clusters"][0]["cluster"].update(cluster)
    server.config.write_text(json.dumps(config))
    with pytest.raises(QmkError, match=why):
        open_access({"kubeconfig": str(server.config), "context": context})


def pod_of(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "status": {"phase": "Pending"}}


def test_a_mirror_follows_the_server(server: Server) -> None:
    async def test() -> None:
        server.put("pods", pod_of("first", of="us"))
        server.put("pods", pod_of("stranger", of="others"))
        mirror = Mirror(Api(open_access({"kubeconfig": str(server.config)})), PODS, "of=us")
        following = asyncio.create_task(mirror.follow())
        await until(lambda: list(mirror.objects) == ["first"])
        server.put("pods", pod_of("second", of="us"), "ADDED")
        await until(lambda: len(mirror.objects) == 2)
        server.remove("pods", "first")
        await until(lambda: list(mirror.objects) == ["second"])
        following.cancel()

    run(test())


def test_a_watch_goes_on_from_the_last_bookmark_and_after_410_from_a_new_list(server: Server) -> None:
    def requests() -> int:
        return len([each for each in server.asked if each == ("GET", PODS)])

    async def test() -> None:
        mirror = Mirror(Api(open_access({"kubeconfig": str(server.config)})), PODS, "of=us")
        following = asyncio.create_task(mirror.follow())
        await until(lambda: requests() == 2)
        server.bookmark()
        marked = str(server._version)
        await until(lambda: mirror._version == marked)
        server._oldest = int(marked)  # what was before the bookmark is compacted
        server.break_watches()
        await until(lambda: requests() == 3)
        server.put("pods", pod_of("late", of="us"), "ADDED")
        await until(lambda: "late" in mirror.objects)
        assert requests() == 3, "a watch from the bookmark, and no list"
        server.break_watches()
        with server._changed:
            server.objects["pods"].pop("late")  # and nobody is told
            server._version += 5
            server._oldest = server._version
        await until(lambda: requests() == 6)  # a watch that is refused, a list, a watch
        assert not mirror.objects
        server.faults["GET"] = [500, 0]
        server.break_watches()
        server.put("pods", pod_of("after", of="us"), "ADDED")
        await until(lambda: "after" in mirror.objects)
        following.cancel()

    run(test())


def ready_all(server: Server) -> None:
    for number, name in enumerate(list(server.objects["pods"])):
        server.ready(name, f"127.0.0.{number + 1}")


async def close(cluster: KubernetesCluster) -> None:
    """As a bridge that is killed."""
    assert cluster._following is not None
    cluster._following.cancel()


def test_slots_are_pods_of_one_job_and_are_taken_over_after_a_restart(server: Server, tmp_path: Path) -> None:
    async def test() -> None:
        first = await open_cluster(join_of(tmp_path))
        assert await first.names() == []
        making = [asyncio.create_task(first.make(number, 20 + number)) for number in range(2)]
        await until(lambda: len(server.objects["pods"]) == 2)
        assert len(server.objects["jobs"]) == 1
        server.ready(next(iter(server.objects["pods"])), "127.0.0.1")
        slot, generation = await making[0]
        assert (slot.name, generation) == ("0-21", 21)
        assert await first.size() == (1, 2)
        making[1].cancel()
        await close(first)

        second = await open_cluster(join_of(tmp_path))
        assert await second.names() == ["0-21"]
        assert (await second.find("0-21")).name == "0-21"
        waiting = asyncio.create_task(second.make(1, 99))
        ready_all(server)
        slot, generation = await waiting
        assert (slot.name, generation) == ("1-21", 21), "it was asked for before, and is not again"
        await second.kill(slot, "", 0)
        assert len(server.objects["pods"]) == 1
        with pytest.raises(SlotLost):
            await second.find("1-21")
        await second.leave()
        assert server.objects == {"pods": {}, "jobs": {}, "secrets": {}}

    run(test())


def test_slots_of_two_kinds_are_two_jobs(server: Server, tmp_path: Path) -> None:
    async def test() -> None:
        cluster = await open_cluster(join_of(tmp_path, {}, {"gpu": 1.0}, {}, slots=3))
        making = [asyncio.create_task(cluster.make(number, 30)) for number in range(3)]
        await until(lambda: len(server.objects["pods"]) == 3)
        assert set(server.objects["jobs"]) == {f"qmk-0123456789abcdef-30-{first}" for first in (0, 1)}
        ready_all(server)
        assert [(await each)[0].name for each in making] == ["0-30", "1-30", "2-30"]
        await cluster.leave()

    run(test())


def test_a_job_whose_creation_was_not_answered_is_there_once(server: Server, tmp_path: Path) -> None:
    async def test() -> None:
        cluster = await open_cluster(join_of(tmp_path, slots=1))
        server.faults["POST"] = [0, 503]
        making = asyncio.create_task(cluster.make(0, 5))
        await until(lambda: not server.faults["POST"] and server.asked[-1][0] == "POST")
        assert len(server.objects["jobs"]) == len(server.objects["pods"]) == 1
        ready_all(server)
        assert (await making)[1] == 5
        assert len(server.objects["jobs"]) == 1
        await cluster.leave()

    run(test())


def test_a_slot_whose_pod_has_ended_or_whose_job_is_gone_is_lost(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes_cluster, "LOOK_S", 0.1)

    async def test() -> None:
        cluster = await open_cluster(join_of(tmp_path, slots=1))
        making = asyncio.create_task(cluster.make(0, 5))
        await until(lambda: server.objects["pods"])
        server.end(next(iter(server.objects["pods"])), "Failed")
        with pytest.raises(SlotLost, match="the pod of slot 0-5 has ended: Failed"):
            await making
        server.faults["POST"] = [403]
        with pytest.raises(SlotLost, match="there is no Job of slot 0-6"):
            await cluster.make(0, 6)
        await cluster.leave()

    run(test())


def test_what_the_server_says_against_slots_is_said_at_the_start(server: Server, tmp_path: Path) -> None:
    server.faults["POST"] = [403]
    with pytest.raises(QmkError, match="no slots in namespace lab: the API server answers 403: a fault") as refused:
        run(open_cluster(join_of(tmp_path)))
    assert refused.value.kind.name == "CONNECTION_LOST"
    (tmp_path / "token").write_text("a wrong one")
    with pytest.raises(QmkError, match="answers 401"):
        run(open_cluster(join_of(tmp_path)))
    assert isinstance(ApiError(0, "x"), OSError)
