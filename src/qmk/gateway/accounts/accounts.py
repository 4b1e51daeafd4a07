"""Accounts as a whole: who acts, and the operator's calls to the daemon."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.fernet import Fernet

from qmk.abi.rights import CAP_STATUS
from qmk.base.errors import QmkError
from qmk.client.operator import Operator
from qmk.gateway.accounts.acts import KEY as ACTS_KEY
from qmk.gateway.accounts.acts import Acts, Head
from qmk.gateway.accounts.billing import Billing
from qmk.gateway.accounts.roles import GATEWAY, Actor, absent
from qmk.gateway.accounts.sessions import KEY_BYTES, KEY_FILE, Sessions, cipher_of
from qmk.gateway.accounts.shapes import UserRow
from qmk.gateway.accounts.webhooks import Webhooks
from qmk.gateway.records import Records
from qmk.rpc.private import read_private
from qmk.sql.gateway import Base

if TYPE_CHECKING:
    from qmk.gateway.callers import Caller

Found = TypeVar("Found")
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
        self.record = Acts(records.path.parent, clock)
        if cipher is None and records.is_shared:
            key = records.path.parent / KEY_FILE
            records.require_key(key.name, read_private(key, KEY_BYTES), key)
            records.require_key(ACTS_KEY, self.record.public_bytes(), self.record.path)
        self.sessions = Sessions(records, self.cipher, self._revoke_of_session)
        self._operator = Operator(data_dir)
        self.billing = Billing(self)
        self.webhooks = Webhooks(self, private=private_webhooks)

    async def ask_operator(self, name: str, /, **params: Any) -> Any:
        """One of the operator's calls, with the errors of ``Operator``."""
        return await asyncio.to_thread(self._operator.call, name, **params)

    async def operate(self, name: str, /, **params: Any) -> Any:
        """One of the operator's calls. Raises UNSUPPORTED where the daemon does not take this process for its operator,
        CONNECTION_LOST without a daemon, and what the call is refused with."""
        try:
            return await self.ask_operator(name, **params)
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
        row = await self.read(lambda base: base.execute(query, (digest(caller.shown),)).fetchone())
        if row is None or row[1] != caller.tenant:
            return Actor("", roles={caller.tenant: "viewer"} if CAP_STATUS in caller.rights else {})
        user, organisation, administers, operator, role = row
        if administers:
            return Actor(user, bool(operator), {organisation: role} if role else {}, administers=True)
        return Actor(user, roles={organisation: "viewer"} if role else {})

    async def run(self, work: Callable[[Base], Found]) -> Found:
        """What ``work`` gives, done in one transaction; it may be called twice."""

        def transact(base: Base) -> tuple[Found, Head | None]:
            self.record.take_head()  # of a transaction that was undone
            return work(base), self.record.take_head()

        found, head = await self.records.run(transact)
        if head is not None:
            await asyncio.to_thread(self.record.keep_head, head)
        return found

    async def read(self, work: Callable[[Base], Found]) -> Found:
        """What ``work`` reads, of one moment."""
        return await self.records.read(work)

    def note(self, base: Base, actor: Actor, act: str, organisation: str = "", **fields: object) -> None:
        """Adds an act to the record, in the transaction of what is done."""
        told = {name: str(value) for name, value in fields.items() if value not in (None, "")}
        self.record.add(base, actor, act, organisation, told)


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
    row, roles = await accounts.read(
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


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def changes_of(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those of the fields that are given."""
    return {name: fields[name] for name in names if fields[name] is not None}
