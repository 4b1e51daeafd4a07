"""The account: who calls, and what the organisation has: tokens, usage and invoices, members, webhooks.

Every page asks operations of the service, which judge what the caller's role allows. What they refuse is shown.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response

from qmk.abi.rights import RIGHTS
from qmk.base.errors import QmkError
from qmk.gateway.accounts import hooks, roles
from qmk.gateway.accounts.months import month_of
from qmk.gateway.accounts.webhooks import EVENTS
from qmk.gateway.console.files import download
from qmk.gateway.console.view import View, action, page, redirect
from qmk.gateway.http import Gate, Refusal, answer
from qmk.gateway.service.shapes import Me

DAY_S = 86_400
TABLES = {"usage": "invoices.usage", "invoice": "invoices.get"}
CSV = {"usage": "invoices.usage_table", "invoice": "invoices.table"}

Show = Callable[..., Awaitable[Response[Any]]]


@page("/account")
async def show_account(view: View) -> Response[Any]:
    """Who calls: quotas, rights, capabilities, sessions, bounds."""
    me = await view.ask("account.me")
    usage, _ = await view.ask_part("account.usage")
    counts, _ = await view.ask_part("account.telemetry")
    tree = await view.ask("capabilities.list")
    sessions = await view.request.app.state.sessions.list(view.session.user, time.time())
    shown = {"tree": tree, "sessions": sessions, "observes": await observes(view)}
    return view.page("account.html", me=me, usage=usage, counts=counts, **shown)


async def observes(view: View) -> bool:
    """Whether /observe is for the caller: for operators, who know its password, or for whoever is on this machine."""
    if view.request.app.state.observer.settings.token:
        return (await view.ask("account.me")).operator
    gate: Gate = view.request.app.state.gate
    return gate.callers.lets_in_local(view.request.headers)


@action("/account/revoke")
async def revoke(view: View) -> Response[Any]:
    """Gives up a capability, and all that derives from it."""
    await view.ask("capabilities.revoke", capability=view.read("capability"))
    return redirect("/account")


@action("/account/sessions/end")
async def end_session(view: View) -> Response[Any]:
    """Ends one of the user's sessions, or all but this one."""
    sessions, ended = view.request.app.state.sessions, [view.read("session")]
    if view.read("others"):
        ended = [each.id for each in await sessions.list(view.session.user, time.time()) if each.id != view.session.id]
    for session in ended:
        await sessions.end(session, view.session.user)
    return redirect("/account")


async def _change(view: View, show: Show, name: str, **fields: Any) -> Response[Any]:
    """Does what a form asks for. Then the page is opened again, or stands below what was wrong."""
    try:
        await view.ask(name, **fields)
    except QmkError as error:
        return await show(view, error=error)
    return redirect(view.path.rpartition("/")[0])


async def _tokens(view: View, error: QmkError | None = None, made: Any = None) -> Response[Any]:
    found, refused = await view.ask_part("tokens.list")
    me = await view.ask("account.me")
    table = view.narrow(
        found.tokens if found else [],
        whose=lambda row: row.user,
        administers=lambda row: "yes" if row.administers else "no",
        issued_by=lambda row: row.issued_by,
    )
    return view.page(
        "tokens.html",
        table=table,
        refused=refused,
        error=error,
        made=made,
        rights=RIGHTS,
        me=me,
        may=may_administer(me),
    )


@page("/account/tokens")
async def show_tokens(view: View) -> Response[Any]:
    """The tokens that the caller may see, and a form for one more."""
    return await _tokens(view)


@action("/account/tokens/issue")
async def issue_token(view: View) -> Response[Any]:
    """Makes a token, whose text is on this answer only."""
    fields: dict[str, Any] = {"name": view.read("name"), "administers": bool(view.read("administers"))}
    if user := view.read("user").strip():
        fields["user"] = user
    if chosen := view.read_all("right"):
        fields["rights"] = chosen
    try:
        fields["expires_s"] = int(view.read("days", "90")) * DAY_S
        made = await view.ask("tokens.issue", **fields)
    except ValueError:
        return await _tokens(view, QmkError("INVALID_PARAMS", "days are a whole number", field="days"))
    except QmkError as error:
        return await _tokens(view, error)
    return await _tokens(view, made=made)


@action("/account/tokens/revoke")
async def revoke_token(view: View) -> Response[Any]:
    """Revokes a token; that of this session too, which then ends."""
    return await _change(view, _tokens, "tokens.revoke", serial=view.read("serial"))


@page("/account/usage")
async def show_usage(view: View) -> Response[Any]:
    """What was used in a month and what it cost, the budget, and the invoices."""
    organisation, month = view.caller.tenant, view.query.get("month") or month_of(time.time())
    used, refused = await view.ask_part("invoices.usage", organisation=organisation, month=month)
    budget, _ = await view.ask_part("budgets.get", organisation=organisation)
    invoices, _ = await view.ask_part("invoices.list", organisation=organisation)
    table = view.narrow(used.rows if used else [], engine=lambda row: row.engine, day=lambda row: row.day)
    return view.page("usage.html", month=month, table=table, refused=refused, budget=budget, invoices=invoices)


@page("/account/usage/{month:str}/{file:str}")
async def download_usage(view: View) -> Response[Any]:
    """A month's usage or invoice, as CSV or JSON."""
    month, (name, _, suffix) = view.request.path_params["month"], view.request.path_params["file"].partition(".")
    if name not in TABLES or suffix not in ("csv", "json"):
        raise Refusal(404, "no such file")
    reply = await view.ask((CSV if suffix == "csv" else TABLES)[name], organisation=view.caller.tenant, month=month)
    body = reply.csv.encode() if suffix == "csv" else answer(reply).content
    media = "text/csv" if suffix == "csv" else "application/json"
    return download(body, f"{view.caller.tenant}-{month}-{name}.{suffix}", media)


async def _members(view: View, error: QmkError | None = None) -> Response[Any]:
    found, refused = await view.ask_part("organisations.members", organisation=view.caller.tenant)
    may = may_administer(await view.ask("account.me"))
    table = view.narrow(
        found.members if found else [],
        role=lambda row: row.role,
        kind=lambda row: "program" if row.service else "person",
    )
    return view.page("members.html", table=table, refused=refused, error=error, roles=tuple(roles.ROLES), may=may)


@page("/account/members")
async def show_members(view: View) -> Response[Any]:
    """The members of the organisation, with their roles."""
    return await _members(view)


@action("/account/members/set")
async def set_member(view: View) -> Response[Any]:
    """Makes a user a member, or gives it another role."""
    user, role = view.read("user").strip(), view.read("role")
    return await _change(
        view, _members, "organisations.set_member", organisation=view.caller.tenant, user=user, role=role
    )


@action("/account/members/remove")
async def remove_member(view: View) -> Response[Any]:
    """Removes a member, and revokes its tokens."""
    fields = {"organisation": view.caller.tenant, "user": view.read("user")}
    return await _change(view, _members, "organisations.remove_member", **fields)


async def _webhooks(view: View, error: QmkError | None = None, made: Any = None) -> Response[Any]:
    found, refused = await view.ask_part("webhooks.list", organisation=view.caller.tenant)
    shown, sent = view.query.get("webhook", ""), None
    if shown and found is not None:
        sent = (await view.ask("webhooks.deliveries", webhook=shown)).deliveries
    table = view.narrow(
        found.webhooks if found else [],
        state=lambda row: "on" if row.active else "off",
        event=lambda row: row.events,
    )
    deliveries = view.narrow(
        sent or [], delivery=lambda row: row.state, about=lambda row: row.event, answer=lambda row: row.answer
    )
    return view.page(
        "webhooks.html",
        table=table,
        deliveries=deliveries,
        refused=refused,
        error=error,
        made=made,
        events=EVENTS[:-1],
        shown=shown,
        sent=sent,
    )


@page("/account/webhooks")
async def show_webhooks(view: View) -> Response[Any]:
    """The webhooks of the organisation, and the deliveries of one of them."""
    return await _webhooks(view)


@action("/account/webhooks/add")
async def add_webhook(view: View) -> Response[Any]:
    """Adds a webhook, whose secret is on this answer only."""
    fields = {"organisation": view.caller.tenant, "url": view.read("url").strip(), "events": view.read_all("event")}
    try:
        made: hooks.WebhookMade = await view.ask("webhooks.add", **fields)
    except QmkError as error:
        return await _webhooks(view, error)
    return await _webhooks(view, made=made)


@action("/account/webhooks/change")
async def change_webhook(view: View) -> Response[Any]:
    """Tests a webhook, switches it on or off, or removes it."""
    webhook, wanted = view.read("webhook"), view.read("do")
    if wanted == "remove":
        return await _change(view, _webhooks, "webhooks.remove", webhook=webhook)
    if wanted in ("on", "off"):
        return await _change(view, _webhooks, "webhooks.change", webhook=webhook, active=wanted == "on")
    try:
        await view.ask("webhooks.test", webhook=webhook)
    except QmkError as error:
        return await _webhooks(view, error)
    return redirect(f"/account/webhooks?webhook={webhook}")


def may_administer(me: Me) -> bool:
    """Whether the caller administers its organisation: forms that would be refused are not shown."""
    return roles.RANK.get(me.role, -1) >= roles.ADMINISTERS


HANDLERS = (
    show_account,
    revoke,
    end_session,
    show_tokens,
    issue_token,
    revoke_token,
    show_usage,
    download_usage,
    show_members,
    set_member,
    remove_member,
    show_webhooks,
    add_webhook,
    change_webhook,
)
