"""The manual page: every command and option stands in it, and the formatter of manual pages has no complaint."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from generate_man import escape

from qmk.cli.main import cli

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "man"
PAGES = sorted(FOLDER.glob("*.1"))


def test_every_command_has_a_page_and_every_option_stands_in_it() -> None:
    root = click.Context(cli, info_name="qmk")
    names = cli.list_commands(root)
    assert {page.stem for page in PAGES} == {"qmk", *(f"qmk-{name}" for name in names)}
    whole = (FOLDER / "qmk.1").read_text()
    for name in names:
        assert f".TP\n.B {name}\n" in whole
        command = cli.get_command(root, name)
        assert command is not None
        text = (FOLDER / f"qmk-{name}.1").read_text().replace("\\-", "-")
        assert f".B qmk {name}" in text
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.opts[-1] in text, f"qmk {name} {option.opts[-1]}"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [(".so /etc/passwd", "\\&.so /etc/passwd"), ("'br", "\\(aqbr"), ("a\\b --c", "a\\eb \\-\\-c")],
)
def test_text_cannot_be_a_request(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_groff_formats_them_without_a_warning() -> None:
    if shutil.which("groff") is None:
        pytest.skip("there is no groff here")
    for page in PAGES:
        done = subprocess.run(["groff", "-man", "-Tascii", "-ww", page], capture_output=True, text=True, check=True)
        assert not done.stderr, page.name
        if page.stem == "qmk-engines":
            shown = re.sub(".\x08", "", done.stdout)  # letters struck twice are bold
            assert "qmk engines install [OPTIONS] NAME" in shown


def test_mandoc_has_no_complaint() -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("there is no mandoc here")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *PAGES], capture_output=True, text=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "missing date" not in line]
    assert not said, "a page without a date is the same whenever it is generated; of all else there should be nothing"
