"""Accounts as a whole: who acts, the operator's calls to the daemon, and the record of administrative acts.

The daemon's own audit log has each act on tenants and tokens, but not who is behind it: for the daemon that is always
the gateway's user. So the gateway keeps a record of its own beside it, chained by hashes. Serials of tokens and names
of tenants are the same in both.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from cryptography.fernet import Fernet

from qmk.abi.rights import CAP_STATUS
from qmk.base.errors import QmkError
from qmk.client.operator import Operator
from qmk.gateway.accounts.billing import Billing
from qmk.gateway.accounts.roles import GATEWAY, Actor, absent
from qmk.gateway.accounts.sessions import Sessions, cipher_of
from qmk.gateway.accounts.shapes import Act, ActsVerified, ListActs, UserRow
from qmk.gateway.accounts.webhooks import Webhooks
from qmk.gateway.records import Records

if TYPE_CHECKING:
    from qmk.gateway.callers import Caller

Found = TypeVar("Found")
GENESIS = "0" * 64
ReadLedger = Callable[[str, int, int], Iterable[Any]]
"""Rows of the daemon's ledger, of a tenant ("": of all), from and to a time in nanoseconds."""
ReadAudit = Callable[[int, int], Iterable[Any]]
"""The newest entries of the daemon's audit log below a number (0: of all), at most so many, the newest first."""


class Accounts:
    """What the operations on accounts need. ``data_dir``: the daemon's folder, whose operator socket lets in the user
    who runs the daemon. ``ledger``, ``audit``: None where this process cannot read them."""

    def __init__(
        self,
        records: Records,
        data_dir: Path,
        *,
        ledger: ReadLedger | None = None,
        audit: ReadAudit | None = None,
        clock: Callable[[], float] = time.time,
        cipher: Fernet | None = None,
        private_webhooks: bool = False,
    ) -> None:
        self.records, self.ledger, self.audit, self.clock = records, ledger, audit, clock
        self.cipher = cipher_of(records.path.parent) if cipher is None else cipher
        self.sessions = Sessions(records, self.cipher, self._revoke_of_session)
        self._operator = Operator(data_dir)
        self.billing = Billing(self)
        self.webhooks = Webhooks(self, private=private_webhooks)

    async def operate(self, name: str, /, **params: Any) -> Any:
        """One of the operator's calls. Raises UNSUPPORTED where the daemon does not take this process for its operator,
        CONNECTION_LOST without a daemon, and what the call is refused with."""
        try:
            return await asyncio.to_thread(self._operator.call, name, **params)
        except QmkError as error:
            if error.kind.name == "AUTH_FAILED":
                fix = "start the gateway as the user who runs the daemon, with the daemon's --data-dir"
                raise QmkError("UNSUPPORTED", "this gateway may not administer the daemon", help=fix) from error
            if error.kind.name == "CONNECTION_LOST":
                text, fix = "the daemon's operator socket cannot be reached", "start the daemon, or give its --data-dir"
                raise QmkError("RESOURCE_EXHAUSTED", text, help=fix) from error
            raise

    async def _revoke_of_session(self, serial: str) -> None:
        from qmk.gateway.accounts.tokens import find_token, revoke

        if (row := await find_token(self, serial)) is not None:
            await revoke(self, GATEWAY, row)

    async def actor_of(self, caller: Caller) -> Actor:
        """Who a caller is: the user to whom its token was issued. Who shows a token that was narrowed, or that was not
        issued here, is nobody by name, and may look at its own organisation."""
        if caller.acts_as is not None:
            return caller.acts_as
        await caller.session_id()
        query = (
            "SELECT user, organisation, administers, (SELECT operator FROM users WHERE users.user = tokens.user), "
            "(SELECT role FROM memberships WHERE memberships.user = tokens.user AND memberships.organisation = "
            "tokens.organisation) FROM tokens WHERE hash = ?"
        )
        row = await self.run(lambda base: base.execute(query, (digest(caller.shown),)).fetchone())
        if row is None or row[1] != caller.tenant:
            return Actor("", roles={caller.tenant: "viewer"} if CAP_STATUS in caller.rights else {})
        user, organisation, administers, operator, role = row
        if administers:
            return Actor(user, bool(operator), {organisation: role} if role else {}, administers=True)
        return Actor(user, roles={organisation: "viewer"} if role else {})

    async def run(self, work: Callable[[sqlite3.Connection], Found]) -> Found:
        return await self.records.run(work)

    def note(self, base: sqlite3.Connection, actor: Actor, act: str, organisation: str = "", **fields: object) -> None:
        """Adds an act to the record, in the transaction of what is done."""
        last = base.execute("SELECT seq, hash FROM acts ORDER BY seq DESC LIMIT 1").fetchone() or (0, GENESIS)
        told = {name: str(value) for name, value in fields.items() if value not in (None, "")}
        row = (last[0] + 1, self.clock(), actor.user, act, organisation, msgspec.json.encode(told).decode())
        base.execute("INSERT INTO acts VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, chain(last[1], row)))

    async def acts(self, asked: ListActs) -> list[Act]:
        """Acts on an organisation, the newest first."""
        query = (
            "SELECT *, coalesce((SELECT hash FROM acts AS last WHERE last.seq = acts.seq - 1), ?) FROM acts WHERE "
            "organisation = ? AND (? = 0 OR seq < ?) AND time >= ? AND (? = 0 OR time < ?) AND "
            "instr(lower(user || ' ' || act || ' ' || fields), lower(?)) ORDER BY seq DESC LIMIT ?"
        )
        below, until = asked.before, asked.until
        values = (GENESIS, asked.organisation, below, below, asked.since, until, until, asked.text or " ", asked.limit)
        return [act_of(row) for row in await self.run(lambda base: base.execute(query, values).fetchall())]

    async def verify_acts(self) -> ActsVerified:
        """Follows the chain of all acts, to the first that does not fit."""
        rows = await self.run(lambda base: base.execute("SELECT * FROM acts ORDER BY seq").fetchall())
        last = GENESIS
        for place, (*row, found) in enumerate(rows, 1):
            last = chain(last, tuple(row))
            if row[0] != place or found != last:
                return ActsVerified(acts=place - 1, broken=place)
        return ActsVerified(acts=len(rows), broken=0)


async def enter(caller: Caller) -> tuple[Accounts, Actor]:
    """The accounts, and who acts. Raises UNSUPPORTED where this process keeps none."""
    accounts = caller.accounts
    if accounts is None:
        raise QmkError("UNSUPPORTED", "this gateway keeps no accounts")
    return accounts, await accounts.actor_of(caller)


async def find_user(accounts: Accounts, name: str) -> UserRow:
    """Raises as for what does not exist."""
    query = "SELECT user, title, email, service_of, operator, created FROM users WHERE user = ?"
    member = "SELECT organisation, role FROM memberships WHERE user = ? ORDER BY organisation"
    row, roles = await accounts.run(
        lambda base: (base.execute(query, (name,)).fetchone(), dict(base.execute(member, (name,)).fetchall()))
    )
    if row is None:
        raise absent("user", name)
    user, title, email, service_of, operator, created = row
    return UserRow(
        user=user,
        title=title,
        email=email,
        service_of=service_of,
        operator=bool(operator),
        roles=roles,
        created=created,
    )


def chain(before: str, row: tuple[Any, ...]) -> str:
    """The hash of an act: SHA-256 of the hash before it and of the act as a JSON array."""
    return hashlib.sha256(before.encode() + msgspec.json.encode(row)).hexdigest()


def act_of(row: tuple[Any, ...]) -> Act:
    """An act of a row of the record, with the hash before it as the last column."""
    *own, hash, before = row
    seq, moment, user, act, organisation, fields = own
    return Act(
        seq=seq,
        time=moment,
        user=user,
        act=act,
        organisation=organisation,
        fields=msgspec.json.decode(fields),
        hash=hash,
        before=before,
        text=msgspec.json.encode(own).decode(),
    )


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def changes_of(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those of the fields that are given."""
    return {name: fields[name] for name in names if fields[name] is not None}
