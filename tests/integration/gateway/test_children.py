"""Processes of the gateway that answer one question each."""

from __future__ import annotations

import asyncio
import logging
import signal

import pytest

from qmk.gateway import children


@pytest.mark.parametrize("lost", [1, 2])
def test_a_process_that_is_killed_before_it_says_a_word_is_started_once_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, lost: int
) -> None:
    left, real = [lost], children._run_once

    async def run_once(module: str, question: bytes, seconds: float) -> tuple[int, bytes, bytes]:
        if left[0]:
            left[0] -= 1
            return -signal.SIGKILL, b"", b""
        return await real(module, question, seconds)

    monkeypatch.setattr(children, "_run_once", run_once)
    asked = children.run_child("this", b"", 30.0)
    with caplog.at_level(logging.ERROR):
        if lost == 1:
            assert b"Zen" in asyncio.run(asked)
        else:
            with pytest.raises(children.ChildFailed, match="this failed"):
                asyncio.run(asked)
    assert f"ended with {-signal.SIGKILL}" in caplog.text
