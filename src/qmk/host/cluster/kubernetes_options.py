"""Options of slots on Kubernetes: those that an operator sets for all, and what asks for the resources of one."""

from __future__ import annotations

import math
from collections.abc import Mapping

from qmk.base.errors import QmkError
from qmk.host.cluster.resources import CPU, GPU, MEMORY, Resources

OPTIONS: Mapping[str, str] = {
    "image": "the image of the slots, such as registry.example.org/qmk@sha256:...",
    "namespace": "the namespace of the slots",
    "kubeconfig": "the file that says how to reach the cluster",
    "context": "a context of the kubeconfig",
    "runtime-class": "the RuntimeClass of the slots, such as gvisor",
    "pull-secret": "the Secret with which their image is pulled",
}
NAMES: Mapping[str, str] = {CPU: "cpu", MEMORY: "memory", GPU: "nvidia.com/gpu"}


def amounts(threads: int, resources: Resources) -> dict[str, str]:
    """What a pod asks for, for a slot of so many threads unless ``resources`` says ``cpu``. A label without a domain is
    an extended resource of ``qmk.internal``, with a dot for each colon. Raises INVALID_PARAMS for a part of one."""
    asked: dict[str, str] = {}
    for name, amount in {CPU: threads, **resources}.items():
        if name != MEMORY and amount % 1:
            what = f"--slot: with Kubernetes {name} is a whole number, not {amount:g}"
            raise QmkError("INVALID_PARAMS", what, field="slots")
        label = name if "/" in name else f"qmk.internal/{name.replace(':', '.')}"
        asked[NAMES.get(name, label)] = str(math.ceil(amount))
    return asked
