"""Kubernetes as a cluster: a slot is a pod of an indexed Job, named by the daemon and the generation, reached over TLS.

A Job whose creation was not answered is created again under its name, and found there. Pods are known by a mirror of
the API server's list (``kubernetes_api.Mirror``); that the server is away ends no slot.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path
from typing import Any

from qmk.base.errors import QmkError
from qmk.host.cluster import kubernetes_manifests as manifests
from qmk.host.cluster import messages as ms
from qmk.host.cluster.interface import SlotLost
from qmk.host.cluster.kubernetes_api import Api, ApiError, Mirror, open_access
from qmk.host.cluster.kubernetes_slot import PORT
from qmk.host.cluster.remote import IDENTITY, RemoteCluster, RemoteSlot
from qmk.rpc.places import KEYS_NAME

LOOK_S = 10.0
"""How often it is asked whether the Job of a slot that is not up is still there."""
TRIES, AGAIN_S = 4, 0.5
EXISTS, ABSENT = 409, 404


async def open_cluster(join: ms.Join) -> KubernetesCluster:
    """Raises INVALID_PARAMS without credentials that can be used, CONNECTION_LOST with what the API server says against
    the slots, for which it is asked beforehand (``dryRun``)."""
    access = open_access(join.options)
    cluster = KubernetesCluster(join, Api(access), access.namespace)
    try:
        await cluster.begin()
    except ApiError as error:
        help = "see that the account may create Jobs, Secrets and watch pods there: kubectl auth can-i create jobs"
        raise QmkError("CONNECTION_LOST", f"no slots in namespace {access.namespace}: {error}", help=help) from None
    return cluster


class KubernetesCluster(RemoteCluster):
    """See ``interface.Cluster``."""

    def __init__(self, join: ms.Join, api: Api, namespace: str, port: int = PORT) -> None:
        path = Path(join.folder) / KEYS_NAME / IDENTITY
        super().__init__(join, path)
        self._api, self._port, self._identity = api, port, path.read_bytes()
        self._selector = f"{manifests.DAEMON}={join.name}"
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._core = f"/api/v1/namespaces/{namespace}"
        self._pods = Mirror(api, f"{self._core}/pods", self._selector)
        self._following: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Has the identity there, and the pods known from now on. Raises ``ApiError``."""
        await self._create(f"{self._core}/secrets", manifests.secret(self._join, self._identity))
        for number, *_ in self._join.by_kind(range(self._join.slots)):
            wanted = manifests.job(self._join, [number], 0, self._identity)
            await self._create(self._jobs, wanted, dryRun="All")
        await self._pods.read()
        self._following = asyncio.create_task(self._pods.follow())

    async def _create(self, path: str, wanted: dict[str, Any], **query: str) -> None:
        """Creates an object, again where there was no answer. One of its name is this one. Raises ``ApiError``."""
        for each in range(TRIES):
            try:
                await self._api.ask("POST", path, wanted, **query)
                return
            except ApiError as error:
                if error.status == EXISTS:
                    return
                if 0 < error.status < 500 or each == TRIES - 1:
                    raise
            await asyncio.sleep(AGAIN_S * 2**each)

    async def _delete(self, path: str, **more: Any) -> None:
        """Deletes an object, if it is there and the server answers: what is left ends by itself, as nobody calls it."""
        try:
            await self._api.ask("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", **more})
        except ApiError as error:
            if error.status != ABSENT:
                sys.stderr.write(f"{path} was not deleted: {error}\n")

    async def names(self) -> list[str]:
        """Those whose pods are ready. Those of Jobs that are there and have not ended are waited for when the slot is
        asked for."""
        up = [name for name, pod in self._by_slot().items() if _is_ready(pod)]
        over = {name for name, pod in self._by_slot().items() if _is_over(pod)}
        for job in (await self._api.ask("GET", self._jobs, labelSelector=self._selector)).get("items") or ():
            for name in _slots_of(job):
                if name not in over and name not in up and not _has_ended(job):
                    self.batches.remember(name)
        return up

    def _by_slot(self) -> dict[str, dict[str, Any]]:
        """The pods by the names of their slots."""
        return {_name_of(pod): pod for pod in self._pods.objects.values()}

    async def size(self) -> tuple[int, int]:
        """The nodes that have pods of ours, and the processors that all slots ask for: no more of it may be seen."""
        nodes = {pod["spec"].get("nodeName", "") for pod in self._pods.objects.values()} - {""}
        return len(nodes), sum(self._join.settings_of(number).threads for number in range(self._join.slots))

    async def find(self, name: str) -> RemoteSlot:
        """Raises ``SlotLost`` where there is no such pod any more."""
        pod = self._by_slot().get(name)
        if pod is None or not _is_ready(pod):
            raise SlotLost(f"the pod of slot {name} is gone")
        return RemoteSlot(name, pod["status"]["podIP"], self._port, self._context)

    async def make(self, number: int, generation: int) -> tuple[RemoteSlot, int]:
        """Waits until the pod is ready, however long it is for want of a node."""
        asked = await self.batches.ask(number, generation)
        name, looked_s = f"{number}-{asked}", time.monotonic()
        while True:
            self._pods.changed.clear()
            pod = self._by_slot().get(name)
            if pod is not None and _is_over(pod):
                raise SlotLost(f"the pod of slot {name} has ended: {_reason(pod)}")
            if pod is not None and _is_ready(pod):
                return await self.find(name), asked
            if time.monotonic() > looked_s + LOOK_S:
                looked_s = time.monotonic()
                if await self._has_no_job(name):
                    raise SlotLost(f"there is no Job of slot {name}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._pods.changed.wait(), LOOK_S / 4)

    async def _has_no_job(self, name: str) -> bool:
        """Whether the server says that no Job makes this slot; one that does not answer says nothing."""
        try:
            found = await self._api.ask("GET", self._jobs, labelSelector=self._selector)
        except ApiError:
            return False
        return all(name not in _slots_of(job) or _has_ended(job) for job in found.get("items") or ())

    async def _submit(self, numbers: list[int], generation: int) -> None:
        await self._create(self._jobs, manifests.job(self._join, numbers, generation, self._identity))

    async def kill(self, slot: RemoteSlot, node: str, pid: int) -> None:
        """Deletes the pod of the slot. Its Job makes no other in its place."""
        slot.close()
        pod = self._by_slot().get(slot.name)
        if pod is not None:
            about = pod["metadata"]
            self._pods.objects.pop(about["name"], None)
            await self._delete(f"{self._core}/pods/{about['name']}", preconditions={"uid": about["uid"]})

    async def leave(self) -> None:
        """Deletes every Job of this daemon's slots, those too that are being created, and their identity."""
        await self.batches.settle()
        if self._following is not None:
            self._following.cancel()
        with contextlib.suppress(ApiError):
            found = await self._api.ask("GET", self._jobs, labelSelector=self._selector)
            for job in found.get("items") or ():
                await self._delete(f"{self._jobs}/{job['metadata']['name']}", propagationPolicy="Background")
        await self._delete(f"{self._core}/secrets/{manifests.secret_name(self._join, self._identity)}")


def _slots_of(found: dict[str, Any]) -> list[str]:
    """The slots of a Job or a pod of ours, by index."""
    about = found["metadata"]
    numbers = about.get("annotations", {}).get(manifests.NUMBERS, "").split(",")
    return [f"{number}-{about['labels'].get(manifests.GENERATION, '')}" for number in numbers]


def _name_of(pod: dict[str, Any]) -> str:
    """The slot of a pod; empty for one without an index, which is none of ours."""
    index = pod["metadata"].get("annotations", {}).get(manifests.INDEX, "")
    slots = _slots_of(pod)
    return slots[int(index)] if index.isdecimal() and int(index) < len(slots) else ""


def _conditions(found: dict[str, Any]) -> set[str]:
    return {each["type"] for each in found.get("status", {}).get("conditions") or () if each["status"] == "True"}


def _has_ended(job: dict[str, Any]) -> bool:
    return "deletionTimestamp" in job["metadata"] or bool(_conditions(job) & {"Complete", "Failed"})


def _is_over(pod: dict[str, Any]) -> bool:
    over = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return over or "deletionTimestamp" in pod["metadata"]


def _is_ready(pod: dict[str, Any]) -> bool:
    return not _is_over(pod) and "Ready" in _conditions(pod) and bool(pod["status"].get("podIP"))


def _reason(pod: dict[str, Any]) -> str:
    status = pod.get("status", {})
    return " ".join(filter(None, (status.get("phase"), status.get("reason"), status.get("message")))) or "deleted"
