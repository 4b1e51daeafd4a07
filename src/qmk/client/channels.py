"""What both clients do with entanglement channels between tenants: propose, approve, close, look.

Each call's request is spelled once, as a function of the session; the two classes below only differ in waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qmk.abi.call import Call
from qmk.abi.calls import q_chan_status, q_close_chan, q_open_chan
from qmk.abi.shapes import ChannelState
from qmk.client.checkpoints import Request


def _open(peers: Sequence[str] | None, channel: str | None, **bounds: Any) -> tuple[Call, Request]:
    party = {"channel": channel} if peers is None else {"peers": list(peers)}
    return q_open_chan.CALL, lambda session: q_open_chan.Request(session_id=session, **party, **bounds)


def _close(channel: str) -> tuple[Call, Request]:
    return q_close_chan.CALL, lambda session: q_close_chan.Request(session_id=session, channel=channel)


def _status(channel: str) -> tuple[Call, Request]:
    return q_chan_status.CALL, lambda session: q_chan_status.Request(session_id=session, channel=channel)


class Channels:
    """The blocking calls."""

    def _ask(self, call: Call, request: Request, repeatable: bool | None = None) -> Any:
        raise AssertionError("the client that this is a part of asks")

    def open_channel(
        self, peers: Sequence[str], *, fidelity: float, entanglements_max: int, expiry: float | None = None
    ) -> ChannelState:
        """Propose a channel between two tenants, one of them the caller's own (twice the same: OPEN at once).

        ``fidelity`` is the lowest of a Bell pair, ``entanglements_max`` how many may be made, ``expiry`` Unix time.
        """
        bounds = {"fidelity": fidelity, "entanglements_max": entanglements_max, "expiry": expiry}
        return self._ask(*_open(peers, None, **bounds))

    def approve_channel(
        self,
        channel: str,
        *,
        fidelity: float | None = None,
        entanglements_max: int | None = None,
        expiry: float | None = None,
    ) -> ChannelState:
        """Approve a channel that the other tenant has proposed; bounds given here may narrow it."""
        bounds = {"fidelity": fidelity, "entanglements_max": entanglements_max, "expiry": expiry}
        return self._ask(*_open(None, channel, **bounds))

    def close_channel(self, channel: str) -> ChannelState:
        """Take one's leave back: jobs that wait for the channel fail, running ones are stopped at their next fence."""
        return self._ask(*_close(channel))

    def channel_status(self, channel: str) -> ChannelState:
        """The state of a channel of the caller's tenant."""
        return self._ask(*_status(channel))


class AsyncChannels:
    """The same calls, awaited."""

    async def _ask(self, call: Call, request: Request, repeatable: bool | None = None) -> Any:
        raise AssertionError("the client that this is a part of asks")

    async def open_channel(
        self, peers: Sequence[str], *, fidelity: float, entanglements_max: int, expiry: float | None = None
    ) -> ChannelState:
        """Propose a channel between two tenants; see ``Channels.open_channel``."""
        bounds = {"fidelity": fidelity, "entanglements_max": entanglements_max, "expiry": expiry}
        return await self._ask(*_open(peers, None, **bounds))

    async def approve_channel(
        self,
        channel: str,
        *,
        fidelity: float | None = None,
        entanglements_max: int | None = None,
        expiry: float | None = None,
    ) -> ChannelState:
        """Approve a channel that the other tenant has proposed; bounds given here may narrow it."""
        bounds = {"fidelity": fidelity, "entanglements_max": entanglements_max, "expiry": expiry}
        return await self._ask(*_open(None, channel, **bounds))

    async def close_channel(self, channel: str) -> ChannelState:
        """Take one's leave back."""
        return await self._ask(*_close(channel))

    async def channel_status(self, channel: str) -> ChannelState:
        """The state of a channel of the caller's tenant."""
        return await self._ask(*_status(channel))
