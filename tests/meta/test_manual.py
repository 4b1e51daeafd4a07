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

PAGE = Path(__file__).resolve().parents[2] / "docs" / "man" / "qmk.1"


def test_every_command_and_option_stands_in_it() -> None:
    text = PAGE.read_text().replace("\\-", "-")
    root = click.Context(cli, info_name="qmk")
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        _, found, section = text.partition(f".SS qmk {name}")
        assert found, name
        section = re.split(r"^\.S[HS] ", section, maxsplit=1, flags=re.MULTILINE)[0]
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.opts[-1] in section, f"qmk {name} {option.opts[-1]}"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [(".so /etc/passwd", "\\&.so /etc/passwd"), ("'br", "\\(aqbr"), ("a\\b --c", "a\\eb \\-\\-c")],
)
def test_text_cannot_be_a_request(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_groff_formats_it_without_a_warning() -> None:
    if shutil.which("groff") is None:
        pytest.skip("there is no groff here")
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww", str(PAGE)], capture_output=True, text=True, check=True)
    assert not done.stderr
    assert "qmk engines install [OPTIONS] NAME" in re.sub(".\x08", "", done.stdout)  # letters struck twice are bold
