"""The calls about reserved qubits, and about entanglement channels between tenants: propose, approve, close, look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qmk.abi.calls import q_alloc, q_chan_status, q_close_chan, q_open_chan, q_release
from qmk.abi.shapes import ChannelState
from qmk.client.asking import Asks


class Channels(Asks):
    """Calls about reserved qubits and channels."""

    async def alloc(self, n: int, profile: str = "") -> q_alloc.Reply:
        """Reserve ``n`` logical qubits for the session."""
        return await self._ask(q_alloc.CALL, n=n, profile=profile)

    async def release(self, handles: list[str]) -> q_release.Reply:
        """Give back reserved qubits."""
        return await self._ask(q_release.CALL, handles=handles)

    async def open_channel(
        self, peers: Sequence[str], *, fidelity: float, entanglements_max: int, expiry: float | None = None
    ) -> ChannelState:
        """Propose a channel between two tenants, one of them the caller's own (twice the same: OPEN at once).

        ``fidelity`` is the lowest of a Bell pair, ``entanglements_max`` how many may be made, ``expiry`` Unix time.
        """
        bounds: dict[str, Any] = {"fidelity": fidelity, "entanglements_max": entanglements_max, "expiry": expiry}
        return await self._ask(q_open_chan.CALL, peers=list(peers), **bounds)

    async def approve_channel(
        self,
        channel: str,
        *,
        fidelity: float | None = None,
        entanglements_max: int | None = None,
        expiry: float | None = None,
    ) -> ChannelState:
        """Approve a channel that the other tenant has proposed; bounds given here may narrow it."""
        bounds: dict[str, Any] = {"fidelity": fidelity, "entanglements_max": entanglements_max, "expiry": expiry}
        return await self._ask(q_open_chan.CALL, channel=channel, **bounds)

    async def close_channel(self, channel: str) -> ChannelState:
        """Take one's leave back: jobs that wait for the channel fail, running ones are stopped at their next fence."""
        return await self._ask(q_close_chan.CALL, channel=channel)

    async def channel_status(self, channel: str) -> ChannelState:
        """The state of a channel of the caller's tenant."""
        return await self._ask(q_chan_status.CALL, channel=channel)
