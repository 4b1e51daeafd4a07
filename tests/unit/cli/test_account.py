"""Where commands about accounts go."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from qmk.cli import account
from qmk.cli.org import command

SERVER = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("arguments", "variable", "place"),
    [
        (["--data-dir", "there"], SERVER, "here"),
        (["--database", "postgresql://lab/qmk"], SERVER, "here"),
        (["--server", SERVER], "", SERVER),
        ([], SERVER, SERVER),
        ([], "", "here"),
    ],
)
def test_what_the_command_line_names_counts_before_the_variable(
    arguments: list[str], variable: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask_here(*_: Any) -> dict[str, Any]:
        asked.append("here")
        return {"organisations": []}

    def ask_server(operation: str, server: Any, *_: Any) -> dict[str, Any]:
        asked.append(server.url)
        return {"organisations": []}

    monkeypatch.setattr(account, "_ask_here", ask_here)
    monkeypatch.setattr(account, "_ask_server", ask_server)
    done = CliRunner().invoke(command, ["list", "--json", *arguments], env={"QMK_SERVER": variable})
    assert (done.exit_code, asked) == (0, [place]), done.output


def test_a_server_and_a_folder_of_this_machine_are_refused() -> None:
    done = CliRunner().invoke(command, ["list", "--server", SERVER, "--data-dir", "there"])
    assert done.exit_code == 2
    assert "give either --server, or --data-dir and --database of this machine" in done.output
