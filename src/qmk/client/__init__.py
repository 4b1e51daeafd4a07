"""The typed client of the daemon, blocking and asyncio, and the result of a job. Knows the ABI and the graph, never the
host or the kernel. Imports on first use: a script that only blocks never loads asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qmk.abi.token import attenuate
    from qmk.client.aio import AsyncClient
    from qmk.client.group import AsyncGroup, Group
    from qmk.client.job import AsyncJob, Job
    from qmk.client.operator import Operator
    from qmk.client.result import Result
    from qmk.client.sync import Client
    from qmk.request.logical import Drift

__all__ = [
    "AsyncClient",
    "AsyncGroup",
    "AsyncJob",
    "Client",
    "Drift",
    "Group",
    "Job",
    "Operator",
    "Result",
    "attenuate",
]

_HOMES = {
    "AsyncClient": "qmk.client.aio",
    "AsyncGroup": "qmk.client.group",
    "AsyncJob": "qmk.client.job",
    "Client": "qmk.client.sync",
    "Drift": "qmk.request.logical",
    "Group": "qmk.client.group",
    "Job": "qmk.client.job",
    "Operator": "qmk.client.operator",
    "Result": "qmk.client.result",
    "attenuate": "qmk.abi.token",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'qmk.client' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
