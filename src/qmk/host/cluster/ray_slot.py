"""A slot as an actor of Ray. A node of the cluster imports this module by its name: QMK must be installed there."""

from __future__ import annotations

from importlib import import_module

from qmk.host.cluster.runner import Runner


class RaySlot(Runner):
    """A runner that can say where it is."""

    async def node(self) -> str:
        """The id of its node, in hexadecimal."""
        return import_module("ray").get_runtime_context().get_node_id()
