"""Every example in README and docs runs and prints what the page says.

Blocks of kind ``python`` are executed, one namespace a page; with ``>>>`` prompts as a doctest. Blocks of kind
``console`` hold commands after ``$`` and their output, where ``...`` stands for any text; a command ending in ``&``
runs until the page ends. A block whose info string has ``file=NAME`` is written to that file. A block right after a
comment ``<!-- not run: reason -->`` is left alone; one with ``recipe=PATH`` is for
``test_recipes``. ``$DATABASE_URL`` in a command is a PostgreSQL schema of the page's
own. Every page has a fresh folder with a copy of ``examples/``. A picture that a page makes and shows is kept in
``docs/images``; with ``QMK_KEEP_PICTURES=1`` those that a run makes take their place.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^\n]+ -->\n)?^```(?P<kind>[a-z0-9]+)(?P<info>[^\n]*)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND_TIME_S = 90


@dataclass(frozen=True)
class Block:
    kind: str
    body: str
    line: int
    file: str = ""


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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "examples", folder / "examples")
        binaries = folder / "bin"
        binaries.mkdir()
        for name, arguments in (("qmk", "-m qmk "), ("python", "")):
            (binaries / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
            (binaries / name).chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "QMK_SOCKET": str(folder / "s"),
            "QMK_STATE_DIR": str(folder / "state"),
            "QMK_RATES": str(folder / "state" / "rates.json"),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": str(ROOT / "src"),
        }
        self.environment.pop("COLUMNS", None)  # as in a pipe: what is shown has the width that it has on the page
        self.names: dict[str, Any] = {"__name__": "page"}
        self.background: list[subprocess.Popen[bytes]] = []

    def run(self, block: Block) -> None:
        if block.file:
            (self.folder / block.file).write_text(block.body)
        elif block.kind == "python":
            self._python(block)
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
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.environment, start_new_session=True
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


def check_pictures(page: Path, here: Page) -> None:
    """A tutorial makes every picture that it shows, other pages some of theirs."""
    makes_all = page.parent.name == "tutorials" or page.name == "start.md"
    for name in re.findall(r"!\[[^\]]+\]\((?:\.\./)?images/([\w-]+\.svg)\)", page.read_text()):
        if not makes_all and not (here.folder / name).exists():
            continue
        assert "<svg" in (here.folder / name).read_text()
        if os.environ.get("QMK_KEEP_PICTURES"):
            shutil.copy(here.folder / name, ROOT / "docs" / "images" / name)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    runnable = [block for block in blocks(page) if block.file or block.kind in ("python", "console")]
    if not runnable:
        return
    here = Page(tmp_path)
    if any("$DATABASE_URL" in block.body for block in runnable):
        here.environment["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    monkeypatch.chdir(tmp_path)
    for name in ("QMK_SOCKET", "QMK_STATE_DIR"):
        monkeypatch.setenv(name, here.environment[name])
    try:
        for block in runnable:
            try:
                here.run(block)
            except Exception as error:
                raise AssertionError(f"{page.relative_to(ROOT)}, block at line {block.line}: {error}") from error
        check_pictures(page, here)
    finally:
        here.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text())
    for target in LINK.findall(text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}, which does not exist"


ANCHOR = re.compile(r"\[[^\]]+\]\(([^)#\s]*)#([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$|<a id=\"([^\"]+)\"|\{#([\w-]+)\}", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of a page: of each heading its words, as GitHub and the site number those that come again."""
    found: Counter[str] = Counter()
    for heading, name, short in HEADING.findall(BLOCK.sub("", page.read_text())):
        words = re.sub(r"[^\w\s-]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).strip()
        found[name or short or re.sub(r"[-\s]+", "-", words)] += 1
    return {f"{word}{mark}{i}" if i else word for word, n in found.items() for i in range(n) for mark in "-_"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_anchors_exist(page: Path) -> None:
    for target, anchor in ANCHOR.findall(BLOCK.sub("", page.read_text())):
        there = (page.parent / target) if target else page
        if "://" not in target and there.suffix == ".md":
            assert anchor in anchors(there), f"{page.relative_to(ROOT)} links to {target}#{anchor}, no heading there"


def test_every_page_is_reached_from_the_index() -> None:
    reached, todo = set[Path](), [ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop().resolve()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        todo += [page.parent / target for target in LINK.findall(page.read_text()) if "://" not in target]
    missing = [str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md") if page.resolve() not in reached]
    assert not missing


def test_the_matcher_is_strict() -> None:
    assert matches("a ... c", "a b\nb c\n")
    assert not matches("a c", "a b c")
    assert not matches("a ...", "b")
    assert commands("$ x\n1\n2\n$ y\n") == [("x", "1\n2"), ("y", "")]
