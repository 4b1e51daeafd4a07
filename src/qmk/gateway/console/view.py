"""A request of somebody who signed in, and the handlers that answer it.

A page asks operations of the service only, as the caller whose token the session has. What it asked stands below it, as
the calls of the REST API that give the same, and with ``?as=json`` the answers are given in place of the page.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from qmk.base.errors import QmkError
from qmk.gateway.accounts.sessions import LONGEST_S, Session, Sessions
from qmk.gateway.callers import Caller
from qmk.gateway.console import preferences
from qmk.gateway.console.preferences import Preferences
from qmk.gateway.console.render import HEADERS, SVG, compress, html
from qmk.gateway.console.tables import Column, Table, narrow
from qmk.gateway.http import AnyRequest, Gate, Refusal, answer, bytes_of
from qmk.gateway.records import Records
from qmk.gateway.service.operation import Operation
from qmk.gateway.service.operations import OPERATIONS
from qmk.rpc import refusals

NAMED = {each.call.name: each for each in OPERATIONS}
FORM = "application/x-www-form-urlencoded"
LEFT = "-jobs"
"""Ends the name of the cookie that has the filter with which the list of jobs was left."""
FIELDS = 2048
"""Most fields of a form."""


@dataclass
class View:
    """``query``: of the address; ``form``: what was sent with it; ``chosen``: what the user has chosen for all pages;
    ``asked``: operations, their fields and replies."""

    request: AnyRequest
    session: Session
    caller: Caller
    form: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    chosen: Preferences = field(default_factory=Preferences)
    asked: list[tuple[Operation, dict[str, Any], Any]] = field(
        default_factory=list[tuple[Operation, dict[str, Any], Any]]
    )

    @property
    def records(self) -> Records:
        gate: Gate = self.request.app.state.gate
        return gate.records

    async def read_chosen(self) -> None:
        self.chosen = await preferences.read(self.records, self.caller.tenant, self.session.user)

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params.items())

    @property
    def path(self) -> str:
        return self.request.scope["path"]

    def read(self, name: str, default: str = "") -> str:
        """The field of the form, or else of the address."""
        return next((text for key, text in self.form if key == name), self.query.get(name, default))

    def read_all(self, name: str) -> list[str]:
        """Every value of a field that may come again; texts of several words are several."""
        rows = self.form or [(key, text) for key, text in self.request.query_params.multi_items()]
        return [word for key, text in rows if key == name for word in text.split()]

    async def ask(self, name: str, /, **fields: Any) -> Any:
        """The reply of an operation. Raises as it does, and INVALID_PARAMS for fields that do not fit."""
        operation = NAMED[name]
        wanted: type[Any] = operation.call.request
        try:
            asked = msgspec.convert(fields, wanted, strict=False)
        except msgspec.ValidationError as error:
            raise refusals.bad_params(operation.call, str(error)) from None
        reply = await operation.serve(self.caller, asked)
        self.asked.append((operation, fields, reply))
        return reply

    def note(self, name: str, fields: dict[str, Any], reply: Any) -> None:
        """Have the page tell of an answer that is there already."""
        self.asked.append((NAMED[name], fields, reply))

    async def ask_part(self, name: str, /, **fields: Any) -> tuple[Any, QmkError | None]:
        """The reply, or why there is none: a part of a page that the rest can do without."""
        try:
            return await self.ask(name, **fields), None
        except QmkError as error:
            return None, error

    @property
    def calls(self) -> list[tuple[str, str, str]]:
        """What was asked, as calls of the REST API: name, method and address."""
        return [(each.call.name, each.method, _address(each, fields)) for each, fields, _ in self.asked]

    def page(self, template: str, code: int = 200, **context: Any) -> Response[bytes]:
        """The page, or with ``?as=json`` what was asked for it, and the counts of its tables."""
        if self.query.get("as") == "json":
            told: dict[str, Any] = {operation.call.name: reply for operation, _, reply in self.asked}
            tables = [each for each in context.values() if isinstance(each, Table)]
            if tables:
                facets = [facet for table in tables for facet in table.facets]
                told["counts"] = {facet.name: {each.text: each.rows for each in facet.listed} for facet in facets}
            made = answer(told, code)
            made.headers["Cache-Control"] = "private, no-store"
            return made
        return html(template, code, view=self, **context)

    def narrow(self, rows: Sequence[Any], **columns: Column) -> Table:
        """A table of the page as its address narrows it, with the counts of these columns."""
        return narrow(list(self.request.query_params.multi_items()), rows, **columns)

    def json_address(self) -> str:
        rows = [(key, text) for key, text in self.request.query_params.multi_items() if key != "as"]
        return f"{self.path}?{urlencode([*rows, ('as', 'json')])}"


def _address(operation: Operation, fields: dict[str, Any]) -> str:
    path = operation.path.format(**{name: quote(str(fields.get(name, "")), safe="") for name in operation.places})
    if operation.method != "GET":
        return path
    query = {name: fields[name] for name in operation.fields_at("query") if fields.get(name) not in (None, "", ())}
    return path + (f"?{urlencode(query, doseq=True)}" if query else "")


Serve = Callable[[View], Awaitable[Response[Any]]]


def page(path: str) -> Callable[[Serve], HTTPRouteHandler]:
    """A page that reads."""

    def wrap(serve: Serve) -> HTTPRouteHandler:
        async def handle(request: AnyRequest) -> Response[Any]:
            view = await open_view(request)
            if view is None:
                return to_sign_in(request)
            await view.read_chosen()
            made = await serve(view)
            return compress(made, request) if made.media_type == SVG else made

        return get(path)(handle)

    return wrap


def action(path: str) -> Callable[[Serve], HTTPRouteHandler]:
    """A form that does something: it needs the text that the pages of its session have."""

    def wrap(serve: Serve) -> HTTPRouteHandler:
        async def handle(request: AnyRequest) -> Response[Any]:
            require_own_page(request)
            view = await open_view(request)
            if view is None:
                return to_sign_in(request)
            view.form = await form_of(request)
            if view.read("csrf") != view.session.csrf:
                raise Refusal(403, "the form is of another session: open its page again")
            await view.read_chosen()
            return await serve(view)

        return post(path, status_code=200)(handle)

    return wrap


async def open_view(request: AnyRequest) -> View | None:
    """What a request of a session sees; None for one without a session that is good."""
    cookie = request.cookies.get(cookie_name(request), "")
    sessions: Sessions = request.app.state.sessions
    session = await sessions.find(cookie, time.time()) if cookie else None
    if session is None:
        return None
    gate: Gate = request.app.state.gate
    try:
        caller = await gate.callers.with_token(session.token)
    except QmkError as error:
        if error.kind.name != "AUTH_FAILED":
            raise
        await sessions.end(session.id)  # its token has ended, or was revoked
        return None
    return View(request, session, caller)


def require_own_page(request: AnyRequest) -> None:
    """Raises ``Refusal`` 403 for a form that another site's page has sent."""
    origin = request.headers.get("origin")
    if origin is not None:
        own = urlsplit(origin).netloc == request.headers.get("host")
    else:
        own = request.headers.get("sec-fetch-site") == "same-origin"
    if not own:
        raise Refusal(403, "forms are taken from pages of this gateway only")


async def form_of(request: AnyRequest) -> list[tuple[str, str]]:
    """The fields of a form. Raises ``Refusal`` 400 or 415."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refusal(415, f"a form is sent as {FORM}")
    try:
        return parse_qsl((await bytes_of(request)).decode(), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError:
        raise Refusal(400, f"the form is not UTF-8 text of at most {FIELDS} fields") from None


def cookie_name(request: AnyRequest) -> str:
    return "__Host-qmk" if request.scope["scheme"] == "https" else "qmk"


def make_cookie(request: AnyRequest, text: str, seconds: int = int(LONGEST_S), name: str = "") -> Cookie:
    """The cookie of the session, or with a ``name`` one beside it, that no script and no other site can use."""
    return Cookie(
        cookie_name(request) + name,
        value=text,
        path="/",
        max_age=seconds,
        secure=request.scope["scheme"] == "https",
        httponly=True,
        samesite="lax",
    )


def to_sign_in(request: AnyRequest) -> Response[bytes]:
    """Asks for a sign-in, after which a page that reads is shown."""
    query = request.scope["query_string"].decode("ascii", "replace")
    wanted = request.scope["path"] + (f"?{query}" if query else "")
    return redirect(f"/signin?{urlencode({'next': wanted})}" if request.method == "GET" else "/signin")


def redirect(address: str, *cookies: Cookie) -> Response[bytes]:
    """See other: ``address`` is a path of ours, or at a provider that this gateway is told of."""
    return Response(b"", status_code=303, headers={**HEADERS, "Location": address}, cookies=cookies)
