"""What the operations on webhooks do."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from qmk.abi import shapes as wire
from qmk.base.errors import QmkError
from qmk.gateway.accounts.accounts import Accounts, changes_of, enter
from qmk.gateway.accounts.outgoing import check_url, public_address
from qmk.gateway.accounts.roles import Actor, absent
from qmk.gateway.accounts.shapes import OfOrganisation, Organisation, Unix
from qmk.gateway.accounts.webhooks import EVENTS, new_secret
from qmk.gateway.callers import Caller
from qmk.sql.gateway import Base

OF_AN_ORGANISATION = 32
HookId = Annotated[str, Meta(description="name of a webhook", pattern=r"^hook_[0-9a-f]{32}\Z")]
Url = Annotated[str, Meta(description="where requests go: https, at a public address", min_length=1, max_length=2048)]
Event = Literal["job.completed", "job.failed", "job.cancelled", "budget.warning"]
Events = Annotated[list[Event], Meta(description="what it is told of", min_length=1, max_length=8)]


class AddWebhook(wire.Request, frozen=True, kw_only=True):
    organisation: Organisation
    url: Url
    events: Events


class OfWebhook(wire.Request, frozen=True):
    webhook: HookId


class ChangeWebhook(OfWebhook, frozen=True, kw_only=True):
    """What is left out stays."""

    url: Url | None = None
    events: Events | None = None
    active: bool | None = None


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook, without its secret."""

    webhook: str
    organisation: str
    url: str
    events: list[str]
    active: Annotated[bool, Meta(description="false: switched off, or its server has answered 410")]
    created: Unix


class WebhookMade(Webhook, frozen=True, kw_only=True):
    secret: Annotated[str, Meta(description="what requests are signed with: it is shown now, and never again")]


class WebhookList(Struct, frozen=True):
    webhooks: list[Webhook]


class WebhookRemoved(Struct, frozen=True):
    webhook: str


class Delivery(Struct, frozen=True, kw_only=True):
    """One request to a webhook, and how it went."""

    delivery: Annotated[str, Meta(description="header webhook-id, the same in every try")]
    event: str
    created: Unix
    state: Annotated[str, Meta(description="waiting, delivered, or given up")]
    attempts: int
    due: Annotated[float | None, Meta(description="time of the next try")]
    answer: Annotated[str, Meta(description="of the last try: its status, or why there is none")]


class Deliveries(Struct, frozen=True):
    deliveries: Annotated[list[Delivery], Meta(description="the newest first")]


async def list_webhooks(caller: Caller, asked: OfOrganisation) -> WebhookList:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "admin")
    return WebhookList(await _read(accounts, "organisation = ?", asked.organisation))


async def add_webhook(caller: Caller, asked: AddWebhook) -> WebhookMade:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "admin")
    await _check(accounts, asked.url)
    id, secret, now = f"hook_{secrets.token_hex(16)}", new_secret(), accounts.clock()
    events, sealed = " ".join(dict.fromkeys(asked.events)), accounts.cipher.encrypt(secret.encode())

    def write(base: Base) -> None:
        query = "SELECT count(*) FROM webhooks WHERE organisation = ?"
        if base.execute(query, (asked.organisation,)).fetchone()[0] >= OF_AN_ORGANISATION:
            text = f"an organisation has at most {OF_AN_ORGANISATION} webhooks"
            raise QmkError("QUOTA_EXCEEDED", text, limit=OF_AN_ORGANISATION, retryable=False, help="remove one first")
        row = (id, asked.organisation, asked.url, events, sealed, True, now)
        base.execute("INSERT INTO webhooks VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        query = "INSERT INTO followed (organisation, job, submitted) VALUES (?, '', ?) ON CONFLICT DO NOTHING"
        base.execute(query, (asked.organisation, now))
        accounts.note(base, actor, "webhook.add", asked.organisation, webhook=id, url=asked.url, events=events)

    await accounts.run(write)
    fields = {"webhook": id, "organisation": asked.organisation, "url": asked.url, "events": events.split()}
    return WebhookMade(**fields, active=True, created=now, secret=secret)  # type: ignore[arg-type]


async def change_webhook(caller: Caller, asked: ChangeWebhook) -> Webhook:
    accounts, actor = await enter(caller)
    found = await _find(accounts, actor, asked.webhook)
    if asked.url is not None:
        await _check(accounts, asked.url)
    fields = {"url": asked.url, "active": asked.active, "events": asked.events and " ".join(asked.events)}
    changes = changes_of(fields, *fields)

    def write(base: Base) -> None:
        for column, value in changes.items():
            base.execute(f"UPDATE webhooks SET {column} = ? WHERE webhook = ?", (value, asked.webhook))
        accounts.note(base, actor, "webhook.change", found.organisation, webhook=asked.webhook, **changes)

    await accounts.run(write)
    return await _find(accounts, actor, asked.webhook)


async def remove_webhook(caller: Caller, asked: OfWebhook) -> WebhookRemoved:
    accounts, actor = await enter(caller)
    found = await _find(accounts, actor, asked.webhook)

    def write(base: Base) -> None:
        base.execute("DELETE FROM webhooks WHERE webhook = ?", (asked.webhook,))
        accounts.note(base, actor, "webhook.remove", found.organisation, webhook=asked.webhook)

    await accounts.run(write)
    return WebhookRemoved(asked.webhook)


async def list_deliveries(caller: Caller, asked: OfWebhook) -> Deliveries:
    accounts, actor = await enter(caller)
    await _find(accounts, actor, asked.webhook)
    names = ("delivery", "event", "created", "state", "attempts", "due", "answer")
    query = f"SELECT {', '.join(names)} FROM deliveries WHERE webhook = ? ORDER BY rowid DESC LIMIT 100"
    rows = await accounts.read(lambda base: base.execute(query, (asked.webhook,)).fetchall())
    return Deliveries([Delivery(**dict(zip(names, row, strict=True))) for row in rows])


async def send_test(caller: Caller, asked: OfWebhook) -> Deliveries:
    accounts, actor = await enter(caller)
    found = await _find(accounts, actor, asked.webhook)
    actor.require_administering()
    data = {"organisation": found.organisation}
    work = accounts.webhooks.enqueue
    await accounts.run(lambda base: work(base, found.organisation, EVENTS[-1], data, only=asked.webhook))
    await accounts.webhooks.deliver()
    return await list_deliveries(caller, asked)


async def _find(accounts: Accounts, actor: Actor, id: str) -> Webhook:
    rows = await _read(accounts, "webhook = ?", id)
    if not rows or actor.role_in(rows[0].organisation) is None:
        raise absent("webhook", id)
    actor.require(rows[0].organisation, "admin")
    return rows[0]


async def _read(accounts: Accounts, where: str, value: str) -> list[Webhook]:
    query = f"SELECT webhook, organisation, url, events, active, created FROM webhooks WHERE {where} ORDER BY rowid"
    rows: list[tuple[Any, ...]] = await accounts.read(lambda base: base.execute(query, (value,)).fetchall())
    return [
        Webhook(webhook=id, organisation=of, url=url, events=events.split(), active=bool(active), created=created)
        for id, of, url, events, active, created in rows
    ]


async def _check(accounts: Accounts, url: str) -> None:
    """Raises INVALID_PARAMS for a URL to which nothing would be sent."""
    private = accounts.webhooks.private
    host, port, _, _ = check_url(url, private=private)
    try:
        await asyncio.to_thread(public_address, host, port, private=private)
    except QmkError as error:
        raise QmkError("INVALID_PARAMS", error.message, field="url", **_help(error)) from None


def _help(error: QmkError) -> dict[str, Any]:
    return {"help": error.fields["help"]} if "help" in error.fields else {}
