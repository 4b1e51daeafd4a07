"""The state of a job in a line of text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any


def line(job: str, status: dict[str, Any], now_s: float | None = None) -> str:
    """``job_x: RUNNING on aer statevector, epoch 3 of 8, 400 of 1000 shots``."""
    engine = " ".join(part for part in (status["engine"], status["method"]) if part)
    parts = [f"{job}: {status['state']} on {engine}" if engine else f"{job}: {status['state']}"]
    parts += waits(status, now_s)
    if status["state"] != "QUEUED":
        parts.append(progress_text(status["progress"]))
    if status["physical_qubits"]:
        parts.append(f"{status['physical_qubits']} physical qubits")
    if status["decoder_load"]:
        parts.append(f"decoder loaded with {status['decoder_load']:.2g}")
    if status["changes"]:
        parts.append(f"its program written anew at {status['changes']} fence{'s' if status['changes'] > 1 else ''}")
    if status["attempts"]:
        parts.append(f"{status['attempts']} {'launch' if status['attempts'] == 1 else 'launches'} lost")
    if status["refused_calls"]:
        calls = ", ".join(f"{name} {count} times" for name, count in status["refused_calls"].items())
        parts.append(f"refused system calls: {calls}")
    if status["name"]:
        parts.append(f"named '{status['name']}'")
    if status["tags"]:
        parts.append(f"tagged {' '.join(status['tags'])}")
    if status["error"]:
        parts.append(status["error"]["message"])
    return ", ".join(part for part in parts if part)


def waits(status: dict[str, Any], now_s: float | None = None) -> Iterator[str]:
    """What a queued job waits for: jobs before it, by whose, its predicted start, and why others go first."""
    if status["place_in_queue"] is not None:
        yield f"{status['place_in_queue']} of yours before it in the queue"
    if others := status.get("others_before"):
        yield f"{others} of other tenants, which have used less of the machine by their weight"
    if status["estimated_start"] is not None:
        yield f"expected to start {soon(status['estimated_start'] - (now_s or time.time()))}"


def progress_text(progress: dict[str, Any]) -> str:
    """``epoch 3 of 8, 400 of 1000 shots``; a program without fences has no epochs to tell."""
    shots = f"{progress['shots_done']} of {progress['shots_total']} shots"
    if progress["rounds_total"]:
        shots = f"{progress['rounds_done']} of {progress['rounds_total']} rounds, {shots}"
    if progress["total_epochs"] == 1:
        return shots
    return f"epoch {progress['current_epoch']} of {progress['total_epochs']}, {shots}"


def soon(seconds: float) -> str:
    """``in about 12 s``; what is due is due now."""
    from qmk.base.units import seconds_text

    if seconds < 1:
        return "now"
    return f"in about {seconds_text(seconds) if seconds >= 60 else f'{seconds:.0f} s'}"
