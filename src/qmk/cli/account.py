"""Commands about accounts: each verb is an operation of the service. It goes to the server that ``--server``,
QMK_SERVER or the current context names. Without one, or with ``--data-dir`` or ``--database``, it acts on this machine
as the operator: on the gateway's own tables, and through the operator's socket of the daemon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import click

from qmk.base.errors import QmkError
from qmk.cli import options, output
from qmk.cli.parameters import Names

Parameter = Callable[[Any], Any]
MOMENTS = frozenset({"time", "since", "created", "expires", "due", "began", "used"})
"""Fields that are Unix times."""


def group(name: str, doc: str, *verbs: click.Command) -> click.Group:
    return click.Group(name, help=doc, commands={str(verb.name): verb for verb in verbs})


def verb(name: str, operation: str, doc: str, *parameters: Parameter) -> click.Command:
    """A command that asks for ``operation`` with what its parameters give."""

    def callback(as_json: bool, data_dir: Path | None, database: str | None, **given: Any) -> None:
        fields = {key: value for key, value in given.items() if value not in (None, "", ())}
        show(as_json, ask(operation, data_dir, database, fields))

    made: Any = callback
    for add in (*reversed(parameters), options.data_option(), options.database_option, _server_options):
        made = add(made)
    return click.command(name, help=doc)(options.json_option(made))


def argument(name: str, **more: Any) -> Parameter:
    return click.argument(name, **more)


def option(name: str, help: str, **more: Any) -> Parameter:
    metavar: dict[str, Any] = {} if more.get("is_flag") or "type" in more else {"metavar": "TEXT"}
    return click.option(name, help=help, **{**metavar, **more})


def names_option(name: str, help: str) -> Parameter:
    return click.option(name, type=Names(), metavar="NAME,NAME", help=help)


def _server_options(command: Any) -> Any:
    command = options.server_option(
        "The server to ask, by its URL or the name of a context; without one this machine.", "QMK_SERVER"
    )(command)
    return options.token_file_option(command)


def ask(operation: str, data_dir: Path | None, database: str | None, fields: dict[str, Any]) -> Any:
    """The reply of an operation, as plain values. Raises QmkError."""
    from qmk.cli.session import find_place, is_given
    from qmk.client.address import Server, read_server

    if any(map(is_given, ("data_dir", "database"))):  # whatever server the context names
        if is_given("server"):
            raise click.UsageError("give either --server, or --data-dir and --database of this machine")
        return _ask_here(operation, data_dir, database, fields)
    place, token = find_place(None)
    if isinstance(place, str):
        place = read_server(place)
    if isinstance(place, Server):
        return _ask_server(operation, place, token, fields)
    return _ask_here(operation, data_dir, database, fields)


def _find(operation: str) -> Any:
    from qmk.gateway.accounts.operations import ACCOUNTS

    return next(each for each in ACCOUNTS if each.call.name == operation)


def _convert(found: Any, fields: dict[str, Any]) -> Any:
    import msgspec

    from qmk.rpc import refusals

    try:
        return msgspec.convert(fields, found.call.request, strict=False)
    except msgspec.ValidationError as error:
        raise refusals.bad_params(found.call, str(error)) from None


def _ask_server(operation: str, server: Any, token: str | None, fields: dict[str, Any]) -> Any:
    from urllib.parse import quote, urlencode

    import msgspec

    from qmk.client import contexts
    from qmk.client.http import HttpConnection

    found = _find(operation)
    asked = msgspec.to_builtins(_convert(found, fields))
    path = found.path
    for name in found.fields_at("path"):
        path = path.replace(f"{{{name}}}", quote(str(asked[name]), safe=""))
    body = {name: asked[name] for name in found.fields_at("body") if name in asked}
    query = {name: asked[name] for name in found.fields_at("query") if name in asked}
    if query:
        path += f"?{urlencode(query, doseq=True)}"
    shown = token or contexts.token_for(server)
    headers = {"Authorization": f"Bearer {shown}"} if shown else {}
    data = msgspec.json.encode(body) if found.has_body else None
    if data is not None:
        headers["Content-Type"] = "application/json"
    connection = HttpConnection(server, shown)
    try:
        made = connection.open()
        made.request(found.method, server.path + path, data, headers)
        answer = made.getresponse()
        text = answer.read()
    except OSError as error:
        raise QmkError("CONNECTION_LOST", f"{server.url} does not answer: {error}") from error
    finally:
        connection.close()
    return _read_answer(server, answer, text, bool(found.media))


def _read_answer(server: Any, answer: Any, text: bytes, plain: bool) -> Any:
    import msgspec

    if 200 <= answer.status < 300 and plain:
        return {"text": text.decode()}
    try:
        value = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        value = {}
    if 200 <= answer.status < 300 and value:
        return value
    if "kind" not in value:
        why = f"{server.url} answers with status {answer.status}"
        raise QmkError("UNSUPPORTED", why, help="is it a gateway of QMK, of this release or a later one?")
    more = {name: value[name] for name in ("help", "field") if value.get(name)}
    raise QmkError(value["kind"], value["detail"], **{**value.get("fields", {}), **more})


def _ask_here(operation: str, data_dir: Path | None, database: str | None, fields: dict[str, Any]) -> Any:
    import asyncio

    import msgspec

    from qmk.cli.gateway import readers_of
    from qmk.gateway.accounts.accounts import Accounts
    from qmk.gateway.callers import Callers
    from qmk.gateway.records import FILE_NAME, Records
    from qmk.rpc.places import state_dir

    found = _find(operation)
    asked = _convert(found, fields)
    folder = data_dir or state_dir()
    records = Records(folder / FILE_NAME, database=database or "")
    try:
        accounts = Accounts(records, folder, **readers_of(folder, database))
        caller = Callers(None, needs_token=True, accounts=accounts).operating()
        reply = asyncio.run(found.serve(caller, asked))
    finally:
        records.close()
    if found.media:
        return {"text": found.text_of(reply)}
    return msgspec.to_builtins(reply)


def show(as_json: bool, reply: dict[str, Any]) -> None:
    """A reply as JSON, as a table where it is a list, else a line for each field."""
    if "text" in reply and len(reply) == 1:
        output.lines(str(reply["text"]).splitlines())
        return
    output.show(as_json, reply, list(_lines(reply)))


def _lines(reply: dict[str, Any]) -> Iterable[str]:
    for name, value in reply.items():
        if _is_table(value):
            head = list(value[0])
            yield from output.table(head, [[_cell(key, row[key]) for key in head] for row in value])
        elif isinstance(value, list) and not value and len(reply) == 1:
            yield f"no {name}"
        else:
            yield f"{name}: {_cell(name, value)}"


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and isinstance(next(iter(cast("list[Any]", value)), None), dict)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and name in MOMENTS:
        return options.moment(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={_cell(str(key), each)}" for key, each in cast("dict[Any, Any]", value).items())
    if isinstance(value, list):
        return ", ".join(_cell(name, each) for each in cast("list[Any]", value))
    return str(value).removeprefix("CAP_").lower() if name == "rights" else str(value)
