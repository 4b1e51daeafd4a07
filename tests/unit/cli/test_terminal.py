"""What reaches a terminal: no control of it from a program's text, colours only where they are wanted, 40 columns."""

from __future__ import annotations

import io
import json
import logging
import re
from pathlib import Path

import pytest

from qmk.base.errors import Finding, QmkError, invalid_graph
from qmk.cli import log, output, terminal
from qmk.cli.failure import Console
from qmk.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "\x1b[2J\x1b]0;title\x07\x9b31m\u202egnp.exe\u2066\x00\x7f\r\u200f\x85"
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(terminal, "_asked", ["auto"])


def test_no_text_acts_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=False, debug=False)
    console.error(invalid_graph([Finding("R-1", HOSTILE, HOSTILE, node=HOSTILE, file=HOSTILE, line=1)]))
    console.error(QmkError("UNSUPPORTED", HOSTILE, gaps=[{"engine": HOSTILE, "detail": HOSTILE}], help=HOSTILE))
    output.lines(output.table(("name", "what"), [(HOSTILE, HOSTILE)]))
    output.json_object({HOSTILE: HOSTILE})
    text = capsys.readouterr()
    assert not ACTS.search(text.out + text.err)
    assert r"\x1b[2J" in text.err
    assert json.loads(text.out[text.out.index("{") :]) == {HOSTILE: HOSTILE}, "JSON means the same"


def test_a_log_acts_on_no_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "root", logging.RootLogger(logging.WARNING))
    log.start_log(verbose=False)
    logging.root.warning("the translator said %s", HOSTILE)
    text = capsys.readouterr().err
    assert r"the translator said \x1b[2J" in text
    assert not ACTS.search(text)


def test_a_text_cannot_bring_a_style_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.choose_color("always")
    terminal.say("\x1b[31mred\x1b[0m " + terminal.style("bold", "bold"))
    assert capsys.readouterr().out == "\\x1b[31mred\\x1b[0m \x1b[1mbold\x1b[0m\n"


@pytest.mark.parametrize(
    ("variables", "asked", "is_terminal", "wanted"),
    [
        ({}, "auto", True, True),
        ({}, "auto", False, False),
        ({"NO_COLOR": "1"}, "auto", True, False),
        ({"NO_COLOR": ""}, "auto", True, True),
        ({"FORCE_COLOR": "1"}, "auto", False, True),
        ({"TERM": "dumb"}, "auto", True, False),
        ({"NO_COLOR": "1"}, "always", False, True),
        ({"FORCE_COLOR": "1"}, "never", True, False),
    ],
)
def test_colours(
    variables: dict[str, str], asked: terminal.Color, is_terminal: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal.choose_color(asked)
    assert terminal.is_colored(Terminal() if is_terminal else io.StringIO()) is wanted


@pytest.mark.parametrize("place", [("--color", "always"), ("--color=always",)])
def test_color_stands_anywhere(place: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ((*place, "run", "no-such-file"), ("run", "no-such-file", *place)):
        with pytest.raises(SystemExit):
            main(list(arguments))
        assert capsys.readouterr().err.startswith("\x1b[31;1merror: \x1b[0m")


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
def test_tables_fit_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    words = "what it is for, in so many words that they do not fit one line of any terminal " * 3
    made = list(output.table(("name", "state", "what"), [("a" * 12, "b" * 9, words), ("c", "d", "e")]))
    shown = [re.sub("\x1b\\[[0-9a-f;]*m", "", line) for line in made]
    assert max(map(len, shown)) <= columns
    assert " ".join(" ".join(shown).split()).count("so many words") == 3


def test_refusals_are_short_unless_more_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    gaps = [{"engine": f"engine{number}", "detail": "cannot"} for number in range(40)]
    refused = QmkError("UNSUPPORTED", "no engine can run this program", gaps=gaps)
    Console(as_json=False, debug=False).error(refused)
    short = capsys.readouterr().err
    assert len(short) < 400
    assert "36 more reasons; --verbose lists them" in short
    Console(as_json=False, debug=False, verbose=True).error(refused)
    assert "engine39: cannot" in capsys.readouterr().err


def test_all_text_is_written_in_one_place() -> None:
    """But for JSON, which is escaped as it is made, and for programs that are written into a file or pipe."""
    writes = re.compile(r"click\.(echo|secho|style)\(|\bprint\(|\.stdout\.write\(|\.stderr\.write\(")
    found = {
        path.name: len(writes.findall(path.read_text()))
        for path in (ROOT / "src" / "qmk" / "cli").glob("*.py")
        if writes.search(path.read_text())
    }
    assert found == {"terminal.py": 1, "output.py": 1, "estimate_table.py": 1}, "say text with terminal.say"


def test_a_log_as_json_names_the_job_and_hides_tokens(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "root", logging.RootLogger(logging.WARNING))
    log.start_log(verbose=False, format="json")
    job = "job_" + "0a" * 16
    logging.root.warning("%s of qmk1.c2VjcmV0 failed; Authorization: Bearer abc.def", job)
    try:
        raise ValueError("Basic dXNlcjpxbWsx" + HOSTILE)
    except ValueError:
        facts = {"trace": "ab", "tenant": "", "jobs": [job]}
        logging.root.exception("two\nlines", extra={"facts": facts})
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["level"], first["job"]) == ("warning", job)
    assert first["message"] == f"{job} of [hidden] failed; Authorization: Bearer [hidden]"
    assert second["message"] == "two\nlines"
    assert (second["trace"], second["jobs"], "tenant" in second) == ("ab", [job], False)
    assert "Basic [hidden]" in second["exception"]
    assert "dXNlcjpxbWsx" not in second["exception"]
