"""Processes of the gateway that answer one question each."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process

import pytest

from qmk.gateway import children


@pytest.mark.parametrize("lost", [1, 2])
def test_a_process_that_ends_before_it_was_asked_is_started_once_more(
    monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    left, real = [lost], Process.communicate

    async def communicate(self: Process, question: bytes) -> tuple[bytes, bytes]:
        if left[0]:
            left[0] -= 1
            raise RuntimeError("the handler is closed")
        return await real(self, question)

    monkeypatch.setattr(Process, "communicate", communicate)
    asked = children.run_child("this", b"", 30.0)
    if lost == 1:
        assert b"Zen" in asyncio.run(asked)
    else:
        with pytest.raises(children.ChildFailed, match="this ended before it was asked"):
            asyncio.run(asked)
