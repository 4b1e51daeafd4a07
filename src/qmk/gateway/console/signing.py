"""Signing in with a token, and out."""

from __future__ import annotations

import re
import time

from litestar import Response, get, post

from qmk.abi.token import PREFIX
from qmk.base.errors import QmkError
from qmk.gateway.accounts.sessions import LONGEST_S, Sessions
from qmk.gateway.console.render import html
from qmk.gateway.console.view import View, action, cookie_name, form_of, page, redirect, require_own_page
from qmk.gateway.http import AnyRequest, Gate

_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*", re.ASCII)


@get("/signin")
async def show_sign_in(request: AnyRequest) -> Response[bytes]:
    """The form, which asks for a token; on loopback without one."""
    return _form(request, _own_path(request.query_params.get("next", "")))


@post("/signin", status_code=200)
async def sign_in(request: AnyRequest) -> Response[bytes]:
    """Begins a session for the token's tenant."""
    require_own_page(request)
    fields = dict(await form_of(request))
    token, wanted = fields.get("token", "").strip(), _own_path(fields.get("next", ""))
    gate: Gate = request.app.state.gate
    try:
        if not token and not gate.callers.lets_in_local(request.headers):
            raise QmkError("AUTH_FAILED", "a token is needed", help="paste one that an operator made for you")
        if token and not token.startswith(PREFIX):
            raise QmkError("AUTH_FAILED", "this is not a token", help=f"paste all of it; it begins with {PREFIX}")
        caller = await gate.callers.with_token(token)
    except QmkError as error:
        if error.kind.name not in ("AUTH_FAILED", "TENANT_SUSPENDED"):
            raise
        return _form(request, wanted, error)
    sessions: Sessions = request.app.state.sessions
    agent = request.headers.get("user-agent", "")
    cookie = await sessions.begin(token, caller.tenant, caller.tenant, caller.rights, time.time(), agent)
    return redirect(wanted, **{"Set-Cookie": _cookie(request, cookie, int(LONGEST_S))})


@action("/signout")
async def sign_out(view: View) -> Response[bytes]:
    """Ends the session."""
    await view.request.app.state.sessions.end(view.session.id)
    return redirect("/signin", **{"Set-Cookie": _cookie(view.request, "", 0)})


@page("/")
async def show_start(view: View) -> Response[bytes]:
    """The first page is the list of jobs."""
    return redirect("/jobs")


def _form(request: AnyRequest, wanted: str, error: QmkError | None = None) -> Response[bytes]:
    gate: Gate = request.app.state.gate
    local = gate.callers.lets_in_local(request.headers)
    return html("signin.html", 401 if error else 200, view=None, wanted=wanted, error=error, local=local)


def _own_path(text: str) -> str:
    """A path of this gateway, or else the first page."""
    return text if _PATH.fullmatch(text) else "/jobs"


def _cookie(request: AnyRequest, text: str, seconds: int) -> str:
    secure = "; Secure" if request.scope["scheme"] == "https" else ""
    return f"{cookie_name(request)}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


HANDLERS = (show_sign_in, sign_in, sign_out, show_start)
