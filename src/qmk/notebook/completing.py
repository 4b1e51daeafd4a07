"""What a notebook completes behind ``%%qmk`` and ``%qmk``: what a shell would, by the same completion."""

from __future__ import annotations

import re
from typing import Any

import click
from click.shell_completion import ShellComplete
from IPython.core import completer

from qmk.cli import main
from qmk.notebook import cell

_ipython: Any = completer
_MAGIC = re.compile(r"\s*(%{1,2})qmk\s(.*)", re.DOTALL)


def complete(context: Any) -> Any:
    """The options, commands and values that may stand at the cursor."""
    match = _MAGIC.fullmatch(context.text_until_cursor)
    if match is None or (match[1] == "%%" and context.cursor_line != 0):
        return {"completions": []}
    *words, last = [*match[2].split()] if match[2].strip() and not match[2][-1].isspace() else [*match[2].split(), ""]
    command: click.Command = cell.command if match[1] == "%%" else main.cli
    found = ShellComplete(command, {"obj": None}, "qmk", "").get_completions(words, last)
    token = context.token
    head = last[: len(last) - len(token)] if last.endswith(token) else ""
    names = [str(item.value) for item in found if item.type == "plain" and str(item.value).startswith(head)]
    shown = [_ipython.SimpleCompletion(name[len(head) :], type="param") for name in names]
    return {"completions": shown, "suppress": bool(names)}


def load(shell: Any) -> None:
    """Has a shell of IPython complete the magics."""
    shell.Completer.custom_matchers.append(_ipython.context_matcher(identifier="qmk")(complete))
