"""Options and arguments that several commands share; the types of their values are in ``parameters``."""

from __future__ import annotations

import difflib
import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from qmk.base.errors import QmkError
from qmk.cli import choices, parameters, request
from qmk.cli.failure import call_error

TOKEN_DAYS = 90
TOP = 20

Command = TypeVar("Command", bound=Callable[..., Any])


def moment(seconds: float | None) -> str:
    """Unix seconds for people, in UTC; "never" for None."""
    return "never" if seconds is None else time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def token_bounds(command: Command) -> Command:
    """``--expires``, ``--rights``, ``--shots`` and ``--uid``: what a token is narrowed to."""
    for option in (
        click.option("--uid", type=click.IntRange(0), metavar="N", help="Only this user may use it."),
        click.option("--shots", type=parameters.Shots(), metavar="N", help="Most shots of one job."),
        click.option(
            "--rights", type=parameters.Names(), metavar="CAP,CAP", help="At most these rights, such as status,result."
        ),
        click.option(
            "--expires", type=parameters.Moment(), metavar="WHEN", help="After a time (12h, 30d) or on a date."
        ),
    ):
        command = option(command)
    return command


def exists_already(path: str) -> QmkError:
    """Raises if a new file exists already: it is never overwritten."""
    return call_error(f"{path} is there already", path=path, help="name another file, or remove this one first")


def write_secret(path: str, text: str) -> None:
    """Writes a new file that only its owner can read. An existing one is left alone."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise exists_already(path) from error
    except OSError as error:
        raise call_error(f"cannot write {path}: {(error.strerror or str(error)).lower()}", path=path) from error
    with os.fdopen(fd, "w") as file:
        file.write(text + "\n")


def check_engine(name: str | None) -> None:
    """Refuses an engine that this installation does not have, and names those it has."""
    if name is None:
        return
    from qmk.sdk.discovery import engines, problems, why_missing

    known = {f"{engine}:{method}" for engine, found in engines().items() for method in found.methods if method}
    known |= set(engines())
    of_provider = engines().get(name.partition(":")[0])
    if name not in known and not (of_provider is not None and of_provider.has_method(name.partition(":")[2])):
        if (engine := name.partition(":")[0]) in problems("engines"):
            raise click.UsageError(why_missing("engines", engine))
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(sorted(known))}"
        raise click.UsageError(f"there is no engine '{name}'; {hint}")


def program_options(command: Command) -> Command:
    """PROGRAM and how it is read: what every command that reads a program takes."""
    return click.argument("program", type=click.Path(allow_dash=True))(reading_options(command))


def reading_options(command: Command) -> Command:
    """``--format``, ``--param`` and ``--strict``, which the console keeps."""
    command = request.option("strict", "strict", callback=_be_strict, expose_value=False)(command)
    command = request.option("params", "params")(command)
    return request.option("format", "format_name")(command)


def _be_strict(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.obj.strict = True


def device_option(command: Command) -> Command:
    """``--device``, as ``device``."""
    return request.option("device", "device")(command)


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object, errors too.")(command)


def top_option(command: Command) -> Command:
    text = f"Outcomes to show; {TOP} if not given."
    return click.option("--top", type=click.IntRange(1), default=TOP, metavar="N", help=text)(command)


def rows_option(command: Command) -> Command:
    return click.option(
        "--limit", type=click.IntRange(1), default=50, metavar="N", help="Most rows to show; 50 if not given."
    )(command)


def tag_options(with_tag: str, without_tag: str) -> Callable[[Command], Command]:
    """``--tag`` and ``--not-tag``, each any number of times, with these helps: of jobs that a command looks at."""

    def add(command: Command) -> Command:
        for flag, field, help in (("--not-tag", "not_tags", without_tag), ("--tag", "tags", with_tag)):
            complete = choices.job_tags
            option = click.option(flag, field, multiple=True, metavar="TAG", shell_complete=complete, help=help)
            command = option(command)
        return command

    return add


def listen_option(command: Command) -> Command:
    return click.option(
        "--socket",
        "socket_path",
        type=click.Path(),
        envvar="QMK_SOCKET",
        metavar="PATH",
        help="The daemon's socket, if not the default one.",
    )(command)


def local_data_option(help: str = "The daemon's data folder, if not the default one.") -> Callable[[Command], Command]:
    """``data_option`` of a command that works on the daemon's own files, and says so where it is asked for more."""

    def add(command: Command) -> Command:
        refusing = click.option(
            "--server", metavar="NAME", hidden=True, expose_value=False, callback=_refuse_server, envvar="QMK_SERVER"
        )
        return data_option(help)(refusing(command))

    return add


def _refuse_server(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    from qmk.cli import session

    if value is not None and ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE:
        raise session.local_only()
    session.mention_server(value)


def data_option(help: str = "The daemon's data folder, if not the default one.") -> Callable[[Command], Command]:
    """``--data-dir``, as ``data_dir``: a path, or None."""
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--data-dir", type=kind, envvar="QMK_STATE_DIR", metavar="PATH", help=help)


SERVER = "qmk.server"
"""Under which a command's context has what ``--server`` names."""
DATABASE = "qmk.database"
"""Under which a command's context has the URL of its database, or ''."""


def database_option(command: Command, exposed: bool = True) -> Command:
    """``--database`` and ``--database-file``; the command gets the URL, or None, as ``database``, or, when it is not
    ``exposed``, finds it in its context's ``meta`` under ``DATABASE``."""
    command = click.option(
        "--database-file",
        type=click.Path(dir_okay=False),
        envvar="QMK_DATABASE_FILE",
        metavar="FILE",
        expose_value=False,
        is_eager=True,
        callback=_use_database_file,
        help="File with the URL of that database: for one with a password, which a command line shows to everybody.",
    )(command)
    return click.option(
        "--database",
        envvar="QMK_DATABASE",
        metavar="URL|REFERENCE",
        callback=_choose_database,
        expose_value=exposed,
        help="The daemon's PostgreSQL database (postgresql://...), if its journal is in one; or a reference to that "
        "URL, such as store:NAME (qmk secret).",
    )(command)


def _use_database_file(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[DATABASE] = _database_url(ctx, param, f"file:{value}")


def _choose_database(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    given = ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    if DATABASE in ctx.meta and given:
        raise click.UsageError("give the database either with --database or with --database-file")
    if value and DATABASE not in ctx.meta:
        ctx.meta[DATABASE] = _database_url(ctx, param, value)
    return ctx.meta.setdefault(DATABASE, "") or None


def _database_url(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """The URL as it was given or where a reference leads to, if it is one of a database that the journal can be in."""
    from qmk.host.store import is_database_url
    from qmk.secrets import KINDS
    from qmk.secrets import read as read_secret

    if value.partition(":")[0] in KINDS:
        try:
            value = read_secret(value, param.opts[0])
        except QmkError as error:
            raise click.UsageError(f"{error.message}; {error.fields['help']}") from error
    if not is_database_url(value):  # not shown: it may hold a password
        help = "write postgresql://user@host/name, or a reference to a secret, such as file:PATH"
        raise click.BadParameter(f"this is not a URL of a database; {help}", ctx, param)
    return value


def server_option(help: str, envvar: str | None = None) -> Callable[[Command], Command]:
    """``--server``, which ``session.connect`` follows."""
    return click.option(
        "--server",
        "--context",
        metavar="URL|CONTEXT",
        envvar=envvar,
        expose_value=False,
        callback=_choose_server,
        shell_complete=choices.contexts,
        help=help,
    )


def _choose_server(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[SERVER] = value


def cafile_option(command: Command) -> Command:
    return click.option(
        "--cafile",
        "--ca",
        "cafile",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Certificates of the authorities to trust, instead of the system's.",
    )(command)


def cert_option(command: Command) -> Command:
    return click.option(
        "--cert",
        default="",
        metavar="REFERENCE",
        help="Certificate and key to show a server that asks for one, such as file:client.pem or store:NAME.",
    )(command)


def allow_http_option(command: Command) -> Command:
    text = "Plain http to another machine too, where everybody on the way can read the token."
    return click.option("--allow-http", is_flag=True, help=text)(command)


def job_argument(required: bool = True) -> Callable[[Command], Command]:
    """JOB, as ``job``; a shell completes it with the latest jobs."""
    return click.argument("job", required=required, shell_complete=choices.jobs)


def socket_option(command: Command) -> Command:
    """``--socket``, ``--server`` and ``--token-file``: how a command reaches the daemon; ``places.token`` reads the
    token."""
    command = server_option("The server to ask, by its URL or the name of a context of 'qmk context'.", "QMK_SERVER")(
        command
    )
    return listen_option(token_file_option(command))


def token_file_option(command: Command) -> Command:
    """``--token-file``, which ``places.token`` follows."""
    return click.option(
        "--token-file",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        expose_value=False,
        callback=_use_token_file,
        help="File with the token to show, instead of QMK_TOKEN and QMK_TOKEN_FILE.",
    )(command)


def _use_token_file(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        os.environ.pop("QMK_TOKEN", None)
        os.environ["QMK_TOKEN_FILE"] = value


def _use_pythons(ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str], ...]) -> None:
    if value:
        from qmk.sdk.interpreters import variable

        for engine, path in value:
            os.environ[variable(engine)] = path


def cluster_options(command: Command) -> Command:
    """``--cluster``, ``--cluster-option``, ``--slot`` and ``--slot-idle``, as ``cluster``: the fields of the daemon's
    configuration."""
    names = ("cluster", "cluster_options", "slots", "slot_idle_s")

    @functools.wraps(command)
    def collect(*args: Any, **given: Any) -> Any:
        return command(*args, cluster={name: given.pop(name) for name in names}, **given)

    for each in (
        click.option(
            "--slot-idle",
            "slot_idle_s",
            type=parameters.Age(),
            default=0.0,
            metavar="AGE",
            help="With --cluster: give up a slot that was idle for so long, such as 10m, and make slots as jobs need "
            "them, so that Ray's autoscaler follows; all slots are kept if not given.",
        ),
        click.option(
            "--slot",
            "slots",
            multiple=True,
            metavar="NAME=AMOUNT,...",
            help="With --cluster: what one of its slots has, such as gpu=1,cpu=4 or qpu:ibm_torino=1; 2*gpu=1 is two "
            "such slots. May be given several times; the other slots of --workers have processors alone.",
        ),
        click.option(
            "--cluster-option",
            "cluster_options",
            multiple=True,
            type=parameters.ClusterOption(),
            callback=parameters.gather_pairs,
            metavar="NAME=VALUE",
            help="With --cluster slurm: the partition, account, qos, time, constraint or reservation of its jobs, or "
            "the folder that its nodes share. With --cluster kubernetes: the image of its slots (needed), namespace, "
            "kubeconfig, context, runtime-class or pull-secret. May be given several times.",
        ),
        click.option(
            "--cluster",
            default="",
            metavar="PLACE",
            help="Run jobs on a cluster: 'slurm' and 'kubernetes' have it start the workers; 'ray' starts Ray on this "
            "machine, HOST:PORT or ray://HOST:PORT joins it.",
        ),
    ):
        collect = each(collect)
    return collect  # type: ignore[return-value]


def engine_python_option(command: Command) -> Command:
    """``--engine-python``: engines whose library is in an environment of its own."""
    return click.option(
        "--engine-python",
        multiple=True,
        type=parameters.EnginePython(),
        metavar="NAME=PATH",
        expose_value=False,
        callback=_use_pythons,
        help="Run the workers of this engine with this Python, instead of QMK_ENGINE_<NAME>_PYTHON; "
        "may be given several times.",
    )(command)


def _pass_on(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> None:
    if value:
        from qmk.sdk.interpreters import ASKED

        for name in value:
            if not name.replace("_", "").isalnum():
                raise click.BadParameter(f"'{name}' is not the name of an environment variable")
        os.environ[ASKED] = ",".join(filter(None, [os.environ.get(ASKED, ""), *value]))


def worker_env_option(command: Command) -> Command:
    """``--worker-env``: environment variables that workers get beside those of the list."""
    return click.option(
        "--worker-env",
        multiple=True,
        metavar="NAME",
        expose_value=False,
        callback=_pass_on,
        help="Pass this environment variable on to the workers, which get a short list of them; may be given several "
        "times.",
    )(command)
