"""``docs/reference/cli.md`` from the commands themselves."""

from __future__ import annotations

import sys

import click
from pages import NOTICE, table, write_or_check

from qmk.cli.main import cli

INTRO = """# The `qmk` command

`qmk COMMAND --help` prints what stands here. PROGRAM is a file in one of the
[formats](../howto/run.md) that are read, or `-` for standard input; its format is recognised by content.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the program is wrong: every finding is printed |
| 2 | the call is wrong: an option, a file that cannot be read, a job that does not exist |
| 3 | the run failed: no engine can do it, too little memory, a time limit, an engine's failure |
| 130 | interrupted with Ctrl-C; what was running is stopped |
| 141 | the reader of the output went away |

With `--json` a command prints one object on standard output. An error is then an object too, `{"error": {"code": ...,
"message": ..., "data": {"name": ..., "retryable": ..., "blame": ...}}}`, with the same exit codes; its names are in
[errors.md](errors.md).

Environment: `QMK_SOCKET` (the daemon's socket), `QMK_STATE_DIR` (the daemon's journal and results), `QMK_TOKEN` (the
token to show the daemon) or `QMK_TOKEN_FILE` (a file that holds it), `QMK_DEBUG=1` (print where a defect of QMK
happened), `COLUMNS` (width of text output), `NO_COLOR` and `FORCE_COLOR` (`--color` outranks both).

"""


def page() -> str:
    root = click.Context(cli, info_name="qmk")
    parts = [NOTICE.format(script="generate_cli.py"), INTRO]
    names = cli.list_commands(root)
    parts.append(table(("command", "does"), [(f"[`qmk {n}`](#qmk-{n})", cli.summary(root, n)) for n in names]))
    for name in names:
        command = cli.get_command(root, name)
        assert command is not None
        parts.append(_section(name, command, root))
        if isinstance(command, click.Group):
            group = click.Context(command, info_name=name, parent=root)
            parts += [_section(f"{name} {sub}", command.commands[sub], group) for sub in command.list_commands(group)]
    return "".join(parts)


def _section(name: str, command: click.Command, root: click.Context) -> str:
    context = click.Context(command, info_name=name.rpartition(" ")[2], parent=root)
    usage = " ".join([f"qmk {name}", *command.collect_usage_pieces(context)])
    rows = [
        (f"`{record[0]}`", record[1])
        for parameter in command.params
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context))
    ]
    text = " ".join((command.help or "").split())
    mark = "#" * (1 + len(name.split()))
    part = f"\n{mark} qmk {name}\n\n`{usage}`\n\n{text}\n" + (f"\n{table(('option', 'does'), rows)}" if rows else "")
    if isinstance(command, click.Group):
        part += "".join(_section(f"{name} {below}", command.commands[below], root) for below in command.commands)
    return part


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/cli.md": page()}, sys.argv[1:]))
