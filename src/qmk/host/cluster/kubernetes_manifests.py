"""What the daemon asks Kubernetes for: an indexed Job whose pods are slots, and a Secret with their identity."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from qmk.host.cluster import messages as ms
from qmk.host.cluster.kubernetes_options import amounts
from qmk.host.cluster.kubernetes_slot import ADDRESS, IDENTITY, NODE, PORT, SETTINGS

DAEMON, GENERATION, NUMBERS = "qmk.internal/daemon", "qmk.internal/generation", "qmk.internal/numbers"
INDEX = "batch.kubernetes.io/job-completion-index"
USER = 65532
KEPT_S = 300
"""A Job that is over is kept for so long, for people to look at."""


def secret_name(join: ms.Join, identity: bytes) -> str:
    """Another identity has another name, so that no slot starts with an old one."""
    return f"qmk-{join.name}-{hashlib.sha256(identity).hexdigest()[:8]}"


def labels(join: ms.Join) -> dict[str, str]:
    return {"app.kubernetes.io/name": "qmk-slot", DAEMON: join.name}


def secret(join: ms.Join, identity: bytes) -> dict[str, Any]:
    """The Secret with the certificate and the key of the slots."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_name(join, identity), "labels": labels(join)},
        "type": "Opaque",
        "immutable": True,
        "data": {"identity": base64.b64encode(identity).decode()},
    }


def job(join: ms.Join, numbers: Sequence[int], generation: int, identity: bytes) -> dict[str, Any]:
    """The Job of slots of these numbers, which have the same settings. Its name is its fence: whoever asks twice is
    told that it is there. A slot that ends is not made again by Kubernetes, and takes no other with it."""
    own = {**labels(join), GENERATION: str(generation)}
    about = {NUMBERS: ",".join(map(str, numbers))}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"qmk-{join.name}-{generation}-{numbers[0]}", "labels": own, "annotations": about},
        "spec": {
            "completionMode": "Indexed",
            "completions": len(numbers),
            "parallelism": len(numbers),
            "backoffLimitPerIndex": 0,
            "ttlSecondsAfterFinished": KEPT_S,
            "template": {
                "metadata": {"labels": own, "annotations": about},
                "spec": _pod(join, numbers, generation, identity),
            },
        },
    }


def _pod(join: ms.Join, numbers: Sequence[int], generation: int, identity: bytes) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if join.options.get("runtime-class"):
        more["runtimeClassName"] = join.options["runtime-class"]
    if join.options.get("pull-secret"):
        more["imagePullSecrets"] = [{"name": join.options["pull-secret"]}]
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(join, numbers, generation, identity)],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        **more,
    }


def _container(join: ms.Join, numbers: Sequence[int], generation: int, identity: bytes) -> dict[str, Any]:
    settings = join.settings_of(numbers[0])
    asked = amounts(settings.threads, settings.resources)
    program = ["python", "-P", "-m", "qmk.host.cluster.kubernetes_slot"]
    key = {"name": secret_name(join, identity), "key": "identity"}
    return {
        "name": "slot",
        "image": join.options["image"],
        "imagePullPolicy": "IfNotPresent",
        "command": [*program, "--generation", str(generation), "--numbers", ",".join(map(str, numbers))],
        "env": [
            {"name": SETTINGS, "value": base64.b64encode(ms.pack(settings)).decode()},
            {"name": IDENTITY, "valueFrom": {"secretKeyRef": key}},
            {"name": ADDRESS, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": NODE, "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "HOME", "value": "/tmp"},
        ],
        "ports": [{"name": "slot", "containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": {"tcpSocket": {"port": "slot"}, "periodSeconds": 1},
        "resources": {"requests": asked, "limits": {name: said for name, said in asked.items() if name != "cpu"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
