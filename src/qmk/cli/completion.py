"""``qmk completion``: the script with which a shell completes the commands, options and values of ``qmk``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from qmk.cli import output, terminal

VARIABLE = "_QMK_COMPLETE"
"""Set by the script where the shell asks ``qmk`` itself what may come next."""

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.option("--install", is_flag=True, help="Write the script where SHELL looks for it, and say where that is.")
@click.pass_context
def command(ctx: click.Context, shell: str, install: bool) -> None:
    """Print or install the script that completes commands, options, engines, formats, devices, jobs and contexts in
    SHELL.

    Have it read by every shell that starts: 'eval "$(qmk completion bash)"' in ~/.bashrc, the same with zsh in
    ~/.zshrc, and for fish 'qmk completion fish > ~/.config/fish/completions/qmk.fish'; or use --install.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    script = found(ctx.find_root().command, {}, "qmk", VARIABLE).source().strip()
    if not install:
        output.lines(script.splitlines())
        return
    path, more = _place(shell)
    _write(path, script + "\n")
    terminal.say(f"wrote {path}; {more}")


def _place(shell: str) -> tuple[Path, str]:
    """Where the shell of this user looks for completions, and what else there is to do."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    if shell == "bash":
        return data / "bash-completion" / "completions" / "qmk", "new shells that have bash-completion read it"
    if shell == "fish":
        return config / "fish" / "completions" / "qmk.fish", "new shells read it"
    folder = data / "zsh" / "site-functions"
    return folder / "_qmk", f"in ~/.zshrc, before compinit: fpath=({folder} $fpath)"


def _write(path: Path, text: str) -> None:
    from qmk.cli.failure import call_error

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise call_error(f"cannot write {path}: {(error.strerror or str(error)).lower()}", path=str(path)) from error
