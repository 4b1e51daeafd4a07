"""Forms that are made from the declarations of operations: an input for each field of the request, and beside the input
what was wrong with it.

A page lists the operations that its forms may ask for. What a form sends are texts; they become the fields of the
request here, and the service judges them as it judges a call of the API.
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, cast

import jinja2
import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import inspect

from qmk.abi.quotas import QUOTAS
from qmk.base.errors import QmkError
from qmk.gateway.console.render import problem
from qmk.gateway.console.view import NAMED, View, action, page, redirect
from qmk.gateway.http import Refusal
from qmk.gateway.service.operation import Operation
from qmk.rpc import describe

SECRETS = ("password",)
TIMES = ("since",)
CLEARED = ("title", "email")
"""Texts that a form makes empty; of others an empty text says that nothing was given."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d))?(?::\d\d)?(?: UTC|Z)?", re.ASCII)
HINTS = {
    "quotas": "One on each line, such as shots_period 1000000. There are: " + ", ".join(QUOTAS),
    "rates": "One engine on each line, then the price of a shot, of a gate and of a second, such as * 0 0 0.01",
    "warn_at": "Shares of the amount, such as 0.5 0.8 1",
    "since": "Date and time in UTC, such as 2026-12-01 00:00; empty: now",
    "until": "Date and time in UTC, such as 2026-12-01 00:00",
}
"""What is said of fields whose text has a form of its own."""
LABELS = {"service_of": "service account of", "warn_at": "warn at"}


class Input(NamedTuple):
    """One input of a form. ``value``: its text, or what is chosen of ``choices``. ``error``: what was wrong with it."""

    name: str
    label: str
    kind: str
    required: bool
    value: Any
    choices: tuple[str, ...]
    hint: str
    error: Any = None


class Failed(NamedTuple):
    """A form that was refused: its operation, what it sent, and why."""

    operation: str
    sent: dict[str, Any]
    error: QmkError


Show = Callable[..., Awaitable[Response[Any]]]


def inputs(operation: str, fixed: dict[str, Any], shown: Any, failed: Failed | None) -> list[Input]:
    """The inputs of a form for all fields but those that are ``fixed``. They have the values of ``shown``, a reply or
    a mapping, or what was sent and refused."""
    call = NAMED[operation].call
    again = failed if failed is not None and _is_of(failed, operation, fixed) else None
    docs = {row.path: row.doc for row in describe.fields(call.request)}
    made: list[Input] = []
    for row in cast("inspect.StructType", inspect.type_info(call.request)).fields:
        name = row.encode_name
        if name in fixed:
            continue
        kind, choices = _kind(name, row.type)
        value = _value(shown, name, row) if again is None else again.sent.get(name, "")
        error = problem(_without_name(again)) if again is not None and _place(again.error) == name else None
        label = LABELS.get(name, name.replace("_", " ")).capitalize()
        made.append(Input(name, label, kind, row.required, value, choices, HINTS.get(name) or docs[name], error))
    return made


def _is_of(failed: Failed, operation: str, fixed: dict[str, Any]) -> bool:
    """Whether it was this form that was refused: a page may have several of the same operation."""
    return failed.operation == operation and all(failed.sent.get(name) == text for name, text in fixed.items())


def _without_name(failed: Failed) -> QmkError:
    """The error without the operation's name, which the form has in its own words."""
    error = failed.error
    return QmkError(error.kind.name, error.message.removeprefix(f"{failed.operation}: "), **error.fields)


def _place(error: QmkError) -> str:
    return re.split(r"[.\[]", str(error.fields.get("field", "")))[0]


def _kind(name: str, kind: inspect.Type) -> tuple[str, tuple[str, ...]]:
    """How a field is asked for, and among what it is chosen."""
    match kind:
        case inspect.Metadata():
            return _kind(name, kind.type)
        case inspect.UnionType():
            return _kind(name, next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
        case inspect.LiteralType():
            return "choice", tuple(map(str, kind.values))
        case inspect.BoolType():
            return "box", ()
        case inspect.DictType():
            return "lines", ()
        case inspect.ListType() | inspect.VarTupleType():
            choices = _kind(name, kind.item_type)[1]
            return ("boxes", choices) if choices else ("text", ())
        case _:
            return "secret" if name in SECRETS else "text", ()


def _value(shown: Any, name: str, row: inspect.Field) -> Any:
    given = cast("dict[str, Any]", shown) if isinstance(shown, dict) else {}
    default = "" if row.default in (msgspec.NODEFAULT, None) else row.default
    found: Any = given.get(name, default) if shown is None or given else getattr(cast("Any", shown), name, default)
    if isinstance(found, dict):
        return "\n".join(_line(key, value) for key, value in cast("dict[str, Any]", found).items())
    if isinstance(found, list | tuple) and _kind(name, row.type)[0] != "boxes":
        return " ".join(map(str, cast("list[Any]", found)))
    return cast("Any", found)


def _line(key: str, value: Any) -> str:
    parts = msgspec.structs.astuple(value) if isinstance(value, msgspec.Struct) else (value,)
    return " ".join(map(str, (key, *parts)))


def sent_by(view: View, operation: Operation) -> dict[str, Any]:
    """The texts that the form has sent, by field."""
    found: dict[str, Any] = {}
    for row in cast("inspect.StructType", inspect.type_info(operation.call.request)).fields:
        name = row.encode_name
        kind, _ = _kind(name, row.type)
        if kind == "boxes":
            found[name] = view.read_all(name)
        elif kind == "box":
            found[name] = bool(view.read(name))
        else:
            found[name] = view.read(name) if kind in ("secret", "lines") else view.read(name).strip()
    return found


def fields_of(operation: Operation, sent: dict[str, Any]) -> dict[str, Any]:
    """The fields of the request, without those whose text is empty where empty is not what they may be. Raises
    INVALID_PARAMS for a text that has not the form that it needs."""
    fields: dict[str, Any] = {}
    for row in cast("inspect.StructType", inspect.type_info(operation.call.request)).fields:
        name, value = row.encode_name, sent[row.encode_name]
        if value == "" and (row.required or row.default != "") and name not in CLEARED:
            continue
        fields[name] = _read(name, row.type, value)
    return fields


def _read(name: str, kind: inspect.Type, value: Any) -> Any:
    match kind:
        case inspect.Metadata():
            return _read(name, kind.type, value)
        case inspect.UnionType():
            return _read(name, next(each for each in kind.types if not isinstance(each, inspect.NoneType)), value)
        case inspect.DictType():
            return dict(_pair(name, kind.value_type, at, line) for at, line in enumerate(value.splitlines(), 1) if line)
        case inspect.ListType() | inspect.VarTupleType() if isinstance(value, str):
            return value.replace(",", " ").split()
        case inspect.FloatType() if name in TIMES:
            return moment_of(name, value)
        case _:
            return value


def _pair(name: str, kind: inspect.Type, at: int, line: str) -> tuple[str, Any]:
    key, *rest = line.replace("=", " ").split() or [""]
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    own = [each.name for each in bare.fields] if isinstance(bare, inspect.StructType) else [""]
    if len(rest) != len(own):
        raise QmkError(
            "INVALID_PARAMS",
            f"line {at} of '{name}' has {len(rest) + 1} words, not {len(own) + 1}",
            field=name,
            help=HINTS[name],
        )
    return key, dict(zip(own, rest, strict=True)) if own != [""] else rest[0]


def moment_of(name: str, text: str) -> float:
    """The Unix time of a date, and maybe a time, in UTC. Raises INVALID_PARAMS."""
    found = _TIME.fullmatch(text.strip())
    try:
        if found is not None:
            return float(calendar.timegm(time.strptime(f"{found[1]} {found[2] or '00:00'}", "%Y-%m-%d %H:%M")))
    except ValueError:
        pass
    raise QmkError("INVALID_PARAMS", f"'{text[:64]}' is not a date and time", field=name, help=HINTS[name])


def desk(
    path: str, *operations: str, leave: tuple[str, ...] = ()
) -> Callable[[Show], tuple[HTTPRouteHandler, HTTPRouteHandler]]:
    """A page with forms for these operations. ``leave``: those after which its parent is shown, since what the page is
    about is no more. The page is given ``failed``, a form that was refused, and ``made``, a reply with a secret."""

    def wrap(show: Show) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
        async def read(view: View) -> Response[Any]:
            return await show(view, failed=None, made=None)

        async def change(view: View) -> Response[Any]:
            name = view.read("do")
            if name not in operations:
                raise Refusal(400, "the form asks for what this page does not do")
            operation = NAMED[name]
            sent = sent_by(view, operation)
            try:
                reply = await view.ask(name, **fields_of(operation, sent))
            except QmkError as error:
                return await show(view, failed=Failed(name, sent, error), made=None)
            if hasattr(reply, "secret") or hasattr(reply, "token"):
                return await show(view, failed=None, made=reply)
            target = view.path.rpartition("/")[0] if name in leave else view.path
            return redirect(f"{target}?done={name}")

        return page(path)(read), action(path)(change)

    return wrap


def add_to(environment: jinja2.Environment) -> None:
    """Lets templates ask for the inputs of forms."""
    made: Any = environment
    made.globals["inputs_of"] = inputs
