"""Signing in with a token, with a password or by an identity provider, and out."""

from __future__ import annotations

import re

from litestar import Response, get, post

from qmk.abi.token import PREFIX
from qmk.base.errors import QmkError
from qmk.gateway.accounts.oidc import FLOW_S
from qmk.gateway.accounts.sign_in import SignIn
from qmk.gateway.console.render import html
from qmk.gateway.console.view import (
    LEFT,
    View,
    action,
    cookie_name,
    form_of,
    make_cookie,
    page,
    redirect,
    require_own_page,
)
from qmk.gateway.http import AnyRequest, Gate, status_of

_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*", re.ASCII)
_SHOWN = ("AUTH_FAILED", "TENANT_SUSPENDED", "QUOTA_EXCEEDED", "UNSUPPORTED")
FLOW = "-flow"
"""Ends the name of the cookie that is kept while the browser is with a provider."""


@get("/signin")
async def show_sign_in(request: AnyRequest) -> Response[bytes]:
    """The form, with the ways in that this gateway has."""
    return _form(request, _own_path(request.query_params.get("next", "")))


@post("/signin", status_code=200)
async def sign_in(request: AnyRequest) -> Response[bytes]:
    """Begins a session for a token, for a user and its password, or on loopback for this machine."""
    require_own_page(request)
    fields = dict(await form_of(request))
    wanted = _own_path(fields.get("next", ""))
    try:
        cookie = await _open_session(request, fields)
    except QmkError as error:
        return _show_refusal(request, wanted, error)
    return redirect(wanted, make_cookie(request, cookie))


async def _open_session(request: AnyRequest, fields: dict[str, str]) -> str:
    ways, agent = _ways(request), request.headers.get("user-agent", "")
    if "user" in fields:
        address = request.client.host if request.client else ""
        user, organisation = fields["user"].strip(), fields.get("organisation", "").strip()
        return await ways.with_password(user, fields.get("password", ""), address, organisation, agent)
    token, gate = fields.get("token", "").strip(), _gate_of(request)
    if not token and not gate.callers.lets_in_local(request.headers):
        raise QmkError("AUTH_FAILED", "a token is needed", help="paste one that an operator made for you")
    if token and not token.startswith(PREFIX):
        raise QmkError("AUTH_FAILED", "this is not a token", help=f"paste all of it; it begins with {PREFIX}")
    return await ways.with_token(token, agent)


@get("/signin/{provider:str}/begin")
async def go_to_provider(request: AnyRequest) -> Response[bytes]:
    """Sends the browser to an identity provider. It is a link: browsers keep forms from leading to another site."""
    name, wanted = request.path_params["provider"], _own_path(request.query_params.get("next", ""))
    callback = f"{request.scope['scheme']}://{request.headers.get('host', '')}/signin/{name}"
    try:
        address, kept = await _ways(request).begin(name, callback, wanted)
    except QmkError as error:
        return _show_refusal(request, wanted, error)
    return redirect(address, make_cookie(request, kept, FLOW_S, FLOW))


@get("/signin/{provider:str}")
async def come_back(request: AnyRequest) -> Response[bytes]:
    """Begins a session for whom the provider has sent back."""
    kept, answer = request.cookies.get(cookie_name(request) + FLOW, ""), dict(request.query_params.items())
    try:
        cookie, wanted = await _ways(request).finish(kept, answer, request.headers.get("user-agent", ""))
    except QmkError as error:
        return _show_refusal(request, "/jobs", error)
    return redirect(wanted, make_cookie(request, cookie), make_cookie(request, "", 0, FLOW))


@action("/signout")
async def sign_out(view: View) -> Response[bytes]:
    """Ends the session."""
    await view.request.app.state.sessions.end(view.session.id, view.session.user)
    return redirect("/signin", *(make_cookie(view.request, "", 0, name) for name in ("", LEFT)))


@page("/")
async def show_start(view: View) -> Response[bytes]:
    """The first page: the list of jobs, or what the user has chosen."""
    return redirect(view.chosen.start)


def _ways(request: AnyRequest) -> SignIn:
    return request.app.state.sign_in


def _gate_of(request: AnyRequest) -> Gate:
    return request.app.state.gate


def _show_refusal(request: AnyRequest, wanted: str, error: QmkError) -> Response[bytes]:
    """The form below why there is no session."""
    if error.kind.name not in _SHOWN and not error.fields.get("absent"):
        raise error
    return _form(request, wanted, error)


def _form(request: AnyRequest, wanted: str, error: QmkError | None = None) -> Response[bytes]:
    local, config = _gate_of(request).callers.lets_in_local(request.headers), _ways(request).config
    code = status_of(error) if error else 200
    return html("signin.html", code, view=None, wanted=wanted, error=error, local=local, config=config)


def _own_path(text: str) -> str:
    """A path of this gateway, or else the first page."""
    return text if _PATH.fullmatch(text) else "/jobs"


HANDLERS = (show_sign_in, sign_in, go_to_provider, come_back, sign_out, show_start)
