"""Runs the examples of a page of the documentation, in a folder of their own; the suite and the notebooks do so.

Blocks of kind ``python`` are executed, one namespace a page; with ``>>>`` prompts as a doctest. Blocks of kind
``ipython`` are cells of a notebook with these names. Blocks of kind ``console`` hold commands after ``$`` and their
output, where ``...`` stands for any text; a command ending in ``&`` runs until the page ends. A block whose info string
has ``file=NAME`` is written to that file. A block right after a comment ``<!-- not run: reason -->`` is left alone; one
with ``recipe=PATH`` is for ``test_recipes``. Every page has a fresh folder with a copy of ``examples/``.
"""

from __future__ import annotations

import builtins
import doctest
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^\n]+ -->\n)?^```(?P<kind>[a-z0-9]+)(?P<info>[^\n]*)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
COMMAND_TIME_S = 90


@dataclass(frozen=True)
class Block:
    kind: str
    body: str
    line: int
    file: str = ""


RUN = ("python", "ipython", "console")
"""Kinds of blocks that are run."""


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    found: list[Block] = []
    for match in BLOCK.finditer(text):
        if match["skip"] or "recipe=" in match["info"]:
            continue
        file = re.search(r"file=(\S+)", match["info"])
        line = text.count("\n", 0, match.start("body")) + 1
        found.append(Block(match["kind"], match["body"], line, file[1] if file else ""))
    return found


class Page:
    """A folder, an environment and a namespace that a page's blocks share."""

    def __init__(self, folder: Path, program: str = f'"{sys.executable}" -m qmk') -> None:
        """``program``: how a shell runs ``qmk``."""
        self.program = program
        self.folder = folder
        shutil.copytree(ROOT / "examples", folder / "examples")
        binaries = folder / "bin"
        binaries.mkdir()
        for name, line in (("qmk", program), ("python", f'"{sys.executable}"')):
            (binaries / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n')
            (binaries / name).chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "QMK_SOCKET": str(folder / "s"),
            "QMK_CONFIG_DIR": str(folder / "config"),
            "QMK_STATE_DIR": str(folder / "state"),
            "QMK_RATES": str(folder / "state" / "rates.json"),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": str(ROOT / "src"),
        }
        self.environment.pop("COLUMNS", None)  # as in a pipe: what is shown has the width that it has on the page
        self.names: dict[str, Any] = {"__name__": "page"}
        self.background: list[subprocess.Popen[bytes]] = []
        self.shell: Any = None

    def run(self, block: Block) -> None:
        if block.file:
            (self.folder / block.file).write_text(block.body)
        elif block.kind == "python":
            self._python(block)
        elif block.kind == "ipython":
            self._cell(block)
        elif block.kind == "console":
            self._console(block)

    def close(self) -> None:
        for process in self.background:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)

    def _python(self, block: Block) -> None:
        if ">>> " in block.body:
            test = doctest.DocTestParser().get_doctest(block.body, self.names, "example", None, block.line)
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
            output: list[str] = []
            runner.run(test, out=output.append, clear_globs=False)
            self.names.update(test.globs)
            assert runner.failures == 0, "".join(output)
        else:
            exec(compile(block.body, f"line {block.line}", "exec"), self.names)

    def _cell(self, block: Block) -> None:
        if self.shell is None:
            from IPython.core.interactiveshell import InteractiveShell

            InteractiveShell.clear_instance()
            self.shell = InteractiveShell.instance(user_ns=self.names)
        builtins.__dict__.pop("_", None)  # where there is one, from an example in another page, a shell leaves its own
        done = self.shell.run_cell(block.body)
        assert done.success, done.error_in_exec or done.error_before_exec

    def _console(self, block: Block) -> None:
        for command, expected in commands(block.body):
            if command.endswith("&"):
                self._start(command.removesuffix("&"))
                continue
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=COMMAND_TIME_S,
            )
            assert matches(expected, done.stdout), f"$ {command}\nexpected:\n{expected}\ngot:\n{done.stdout}"

    def _start(self, command: str) -> None:
        own = f'qmk() {{ exec {self.program} "$@"; }}; '  # a process that hears the end of the page
        process = subprocess.Popen(
            ["bash", "-c", own + command], cwd=self.folder, env=self.environment, start_new_session=True
        )
        self.background.append(process)
        named = re.search(r"--socket (\S+)", command)
        socket, deadline = self.folder / (named[1] if named else "s"), time.monotonic() + 30
        while not socket.exists():
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{command} opened no socket"
            time.sleep(0.02)


def commands(body: str) -> list[tuple[str, str]]:
    """``(command, expected output)`` pairs of a console block."""
    found: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return [(command, "\n".join(output)) for command, output in found]


def matches(expected: str, got: str) -> bool:
    """Whether ``got`` is ``expected`` with ``...`` standing for any text; line ends and outer blank lines are equal."""

    def tidy(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())

    pattern = ".*?".join(re.escape(part) for part in tidy(expected).split("..."))
    return re.fullmatch(pattern, tidy(got), re.DOTALL) is not None
