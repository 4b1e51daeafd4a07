"""``qmk completion``: the script with which a shell completes the commands, options and values of ``qmk``."""

from __future__ import annotations

import click

from qmk.cli import output

VARIABLE = "_QMK_COMPLETE"
"""Set by the script where the shell asks ``qmk`` itself what may come next."""

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options, engines, formats and devices in SHELL.

    Have it read by every shell that starts: 'eval "$(qmk completion bash)"' in ~/.bashrc, the same with zsh in
    ~/.zshrc, and for fish 'qmk completion fish > ~/.config/fish/completions/qmk.fish'.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    output.lines(found(ctx.find_root().command, {}, "qmk", VARIABLE).source().strip().splitlines())
