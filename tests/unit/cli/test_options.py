"""Option values as typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from qmk.cli import options
from qmk.cli.parameters import Assignment, Seconds, collect_params


@pytest.mark.parametrize(("text", "seconds"), [("30", 30), ("500ms", 0.5), ("5m", 300), ("1h", 3600), ("2.5s", 2.5)])
def test_durations(text: str, seconds: float) -> None:
    assert Seconds().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "1d", "nan", "inf", "8000h"])
def test_no_durations(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Seconds().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("n=3", ("n", 3)),
        ("theta=0.5", ("theta", 0.5)),
        ("theta=pi/2", ("theta", "pi/2")),
        ("flag=true", ("flag", True)),
        ("bits=0x1f", ("bits", "0x1f")),
        ("a = b=c", ("a", "b=c")),
    ],
)
def test_assignments(text: str, pair: tuple[str, Any]) -> None:
    name, value = Assignment().convert(text, None, None)
    assert (name, value) == pair
    assert type(value) is type(pair[1])


@pytest.mark.parametrize("text", ["theta", "=1", ""])
def test_no_assignments(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Assignment().convert(text, None, None)


def test_a_parameter_given_twice_is_refused() -> None:
    assert collect_params((("a", 1), ("b", 2))) == {"a": 1, "b": 2}
    with pytest.raises(click.UsageError, match="twice"):
        collect_params((("a", 1), ("a", 2)))


def _database(runner_env: dict[str, str | None], *args: str) -> tuple[int, str]:
    @click.command()
    @options.database_option
    def command(database: str | None) -> None:
        click.echo(str(database))

    found = CliRunner().invoke(command, args, env=runner_env)
    return found.exit_code, found.output.strip()


def test_a_database_is_named_in_a_file_that_its_owner_alone_may_read(tmp_path: Path) -> None:
    file = tmp_path / "database"
    options.write_secret(str(file), "postgresql://me:secret@here/jobs")
    clean: dict[str, str | None] = {"QMK_DATABASE": None, "QMK_DATABASE_FILE": None}
    assert _database(clean) == (0, "None")
    assert _database(clean, "--database-file", str(file)) == (0, "postgresql://me:secret@here/jobs")
    assert _database({**clean, "QMK_DATABASE_FILE": str(file)}) == (0, "postgresql://me:secret@here/jobs")
    assert _database({**clean, "QMK_DATABASE": "postgresql://there/jobs"}) == (0, "postgresql://there/jobs")
    code, text = _database(clean, "--database-file", str(file), "--database", "postgresql://there/jobs")
    assert (code, "either with --database or" in text) == (2, True)
    file.chmod(0o640)
    code, text = _database(clean, "--database-file", str(file))
    assert (code, "chmod 600" in text, "me:secret" in text) == (2, True, False)
    file.write_text("")
    file.chmod(0o600)
    assert "it is empty" in _database(clean, "--database-file", str(file))[1]
    file.write_text("postgresql://me:secret@here/jobs")
    assert _database(clean, "--database", f"file:{file}") == (0, "postgresql://me:secret@here/jobs")


@pytest.mark.parametrize("text", ["mysql://me:hunter2@here/jobs", "me:hunter2", "postgresql:hunter2"])
def test_what_is_no_url_of_a_database_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "database"
    options.write_secret(str(file), text)
    clean: dict[str, str | None] = {"QMK_DATABASE": None, "QMK_DATABASE_FILE": None}
    for env, args in (
        (clean, ("--database", text)),
        ({**clean, "QMK_DATABASE": text}, ()),
        (clean, ("--database-file", str(file))),
    ):
        code, said = _database(env, *args)
        assert (code, "write postgresql://" in said, "hunter2" in said) == (2, True, False)
