"""Tokens of the daemon, and to whom each was issued. Of a token only its hash and its name are kept."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from qmk.base.errors import QmkError
from qmk.gateway.accounts import shapes
from qmk.gateway.accounts.accounts import Accounts, digest, enter, find_user
from qmk.gateway.accounts.roles import ADMINISTERS, RANK, Actor, absent, check_rights
from qmk.gateway.callers import Caller
from qmk.sql.gateway import Base

_COLUMNS = "serial, name, user, organisation, rights, administers, created, expires, issued_by"


async def issue(
    accounts: Accounts,
    actor: Actor,
    *,
    name: str,
    user: str,
    organisation: str,
    role: str,
    rights: list[str] | None = None,
    administers: bool = False,
    expires: int | None = None,
) -> shapes.Issued:
    """A new token of a user who has this role. At the daemon's own socket, which knows no budgets, it is good for the
    gateway's user alone. Raises INVALID_PARAMS for more than the role may have."""
    found = check_rights(rights, role)
    bound = {"rights": list(found), "expires": expires, "uid": os.geteuid()}
    made = await accounts.operate("op_token_issue", tenant=organisation, **bound)
    row = shapes.TokenRow(
        serial=made.serial,
        name=name,
        user=user,
        organisation=organisation,
        rights=list(found),
        administers=administers,
        created=accounts.clock(),
        expires=expires,
        issued_by=actor.user,
    )

    def write(base: Base) -> None:
        values = (row.serial, digest(made.token), name, user, organisation, " ".join(found), administers)
        base.execute(f"INSERT INTO tokens VALUES ({', '.join('?' * 10)})", (*values, row.created, expires, actor.user))
        about = {"serial": row.serial, "user_name": user, "name": name, "administers": administers, "expires": expires}
        accounts.note(base, actor, "token.issue", organisation, **about)

    try:
        await accounts.run(write)
    except BaseException:
        await accounts.operate("op_token_revoke", tenant=organisation, serial=made.serial)
        raise
    return shapes.Issued(**{name: getattr(row, name) for name in row.__struct_fields__}, token=made.token)


async def revoke(accounts: Accounts, actor: Actor, row: shapes.TokenRow) -> int:
    """Void at the daemon first; how many of its sessions ended. A token that has expired there is only forgotten."""
    try:
        ended: int = (await accounts.operate("op_token_revoke", tenant=row.organisation, serial=row.serial)).sessions
    except QmkError as error:
        if error.kind.name != "INVALID_PARAMS":
            raise
        ended = 0

    def write(base: Base) -> None:
        if base.execute("DELETE FROM tokens WHERE serial = ?", (row.serial,)).rowcount:  # else another gateway has
            accounts.note(base, actor, "token.revoke", row.organisation, serial=row.serial, user_name=row.user)

    await accounts.run(write)
    return ended


async def revoke_beyond(
    accounts: Accounts, actor: Actor, user: str, organisation: str | None, rights: Collection[str]
) -> list[str]:
    """Revokes the tokens of a user that have more than these rights; their serials. Organisation None: of all."""
    rows = await tokens_of(accounts, organisation or "", user)
    gone = [row for row in rows if not set(row.rights) <= set(rights)]
    for row in gone:
        await revoke(accounts, actor, row)
    return [row.serial for row in gone]


async def tokens_of(accounts: Accounts, organisation: str = "", user: str = "") -> list[shapes.TokenRow]:
    """Those that have not expired, the newest first."""
    query = (
        f"SELECT {_COLUMNS} FROM tokens WHERE (? = '' OR organisation = ?) AND (? = '' OR user = ?) "
        "AND (expires IS NULL OR expires > ?) ORDER BY rowid DESC"
    )
    values = (organisation, organisation, user, user, accounts.clock())
    return [_row(row) for row in await accounts.read(lambda base: base.execute(query, values).fetchall())]


async def find_token(accounts: Accounts, serial: str) -> shapes.TokenRow | None:
    query = f"SELECT {_COLUMNS} FROM tokens WHERE serial = ?"
    row = await accounts.read(lambda base: base.execute(query, (serial,)).fetchone())
    return None if row is None else _row(row)


def _row(row: tuple[Any, ...]) -> shapes.TokenRow:
    serial, name, user, organisation, rights, administers, created, expires, by = row
    return shapes.TokenRow(
        serial=serial,
        name=name,
        user=user,
        organisation=organisation,
        rights=rights.split(),
        administers=bool(administers),
        created=created,
        expires=expires,
        issued_by=by,
    )


async def list_tokens(caller: Caller, asked: shapes.ListTokens) -> shapes.Tokens:
    """All of an organisation for who administers it, for others their own."""
    accounts, actor = await enter(caller)
    organisation, user = asked.organisation or caller.tenant, asked.user
    actor.require(organisation, "viewer")
    if RANK[actor.role_in(organisation) or "viewer"] < ADMINISTERS:
        if user not in ("", actor.user) or not actor.user:
            raise absent("user", user)
        user = actor.user
    return shapes.Tokens(await tokens_of(accounts, organisation, user))


async def issue_token(caller: Caller, asked: shapes.IssueToken) -> shapes.Issued:
    """By an operator, who administers the organisation, or the user itself; always by a token that administers."""
    accounts, actor = await enter(caller)
    organisation, name = asked.organisation or caller.tenant, asked.user or actor.user
    actor.require(organisation, "viewer")
    actor.require_administering()
    user = await find_user(accounts, name)
    role = "owner" if user.operator else user.roles.get(organisation)
    if role is None:
        fix = "make the user a member of the organisation first"
        raise QmkError("INVALID_PARAMS", f"'{name}' is not a member of '{organisation}'", field="user", help=fix)
    if name != actor.user:
        actor.require(organisation, "owner" if RANK[role] >= ADMINISTERS else "admin")
    if user.operator:  # its token administers everything
        actor.require_operator()
    return await issue(
        accounts,
        actor,
        name=asked.name,
        user=name,
        organisation=organisation,
        role=role,
        rights=asked.rights,
        administers=asked.administers,
        expires=int(accounts.clock()) + asked.expires_s,
    )


async def revoke_token(caller: Caller, asked: shapes.OfToken) -> shapes.TokenRevoked:
    """Its user may, and who administers its organisation."""
    accounts, actor = await enter(caller)
    row = await find_token(accounts, asked.serial)
    if row is None or actor.role_in(row.organisation) is None:
        raise absent("token", asked.serial)
    actor.require_administering()
    if row.user != actor.user:
        actor.require(row.organisation, "admin")
    return shapes.TokenRevoked(row.serial, await revoke(accounts, actor, row))
