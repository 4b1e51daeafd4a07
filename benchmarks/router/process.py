"""A peer's process as the benchmark drives it: one request at a time, stopped when it has used its CPU seconds."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
START_S = 120.0


class Peer:
    """``methods`` is empty and ``problem`` says why when the peer cannot be started. ``reads``: the gates that its own
    reader knows, empty when that is no matter."""

    def __init__(self, name: str, python: str) -> None:
        self.name, self._python = name, python
        self.methods: list[str] = []
        self.reads: frozenset[str] = frozenset()
        self.problem = ""
        self.version = ""
        self._child: subprocess.Popen[str] | None = None
        self._answers = -1
        self._start()

    def _start(self) -> None:
        read, write = os.pipe()
        environment = {
            **os.environ,
            **_ONE_THREAD,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}:{os.environ.get('PYTHONPATH', '')}",
        }
        command = [self._python, "-m", "benchmarks.router.child", self.name, str(write)]
        self._child = subprocess.Popen(
            command, cwd=ROOT, env=environment, pass_fds=(write,), stdin=subprocess.PIPE, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.close(write)
        self._answers = read
        answer = self._answer(START_S)
        if "methods" in answer:
            self.methods = answer["methods"]
            self.reads = frozenset(answer["reads"])
            self.version = answer["version"]
        else:
            self.problem = answer["error"]

    def ask(self, limit_cpu_s: float, **request: Any) -> dict[str, Any]:
        """The answer, or ``{"error": ...}``; a peer that dies or runs out of time is started again."""
        child = self._child
        assert child is not None
        assert child.stdin is not None
        child.stdin.write(json.dumps(request) + "\n")
        child.stdin.flush()
        answer = self._answer(limit_cpu_s)
        if answer.pop("dead", False):
            self._start()
        return answer

    def _answer(self, limit_cpu_s: float) -> dict[str, Any]:
        child = self._child
        assert child is not None
        begun, wall = _cpu_s(child.pid), time.monotonic()
        received = b""
        while not received.endswith(b"\n"):
            if select.select([self._answers], [], [], 0.05)[0]:
                part = os.read(self._answers, 1 << 20)
                if not part:
                    return self._ended("died: " + _last_line(child))
                received += part
            elif _cpu_s(child.pid) - begun > limit_cpu_s or time.monotonic() - wall > 20 * limit_cpu_s + 20:
                return self._ended(f"more than {limit_cpu_s:g} CPU seconds")
        return json.loads(received)

    def _ended(self, why: str) -> dict[str, Any]:
        self.close()
        return {"error": why, "dead": True}

    def close(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            os.close(self._answers)
            self._child = None


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _last_line(child: subprocess.Popen[str]) -> str:
    child.kill()
    child.wait()
    text = child.stderr.read() if child.stderr else ""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return (lines[-1] if lines else f"exit {child.returncode}")[:300]
