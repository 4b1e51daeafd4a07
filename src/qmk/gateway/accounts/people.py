"""What the operations on organisations and users do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.abi.operator.shapes import TenantRow
from qmk.base.errors import QmkError
from qmk.gateway.accounts import acts, shapes
from qmk.gateway.accounts.accounts import Accounts, changes_of, enter, find_user
from qmk.gateway.accounts.billing import assign, lists_of
from qmk.gateway.accounts.roles import ADMINISTERS, GATEWAY, OPERATOR, RANK, ROLES, Actor, absent
from qmk.gateway.accounts.tokens import revoke_beyond, tokens_of
from qmk.gateway.callers import Caller
from qmk.sql.gateway import Base

if TYPE_CHECKING:
    from qmk.gateway.accounts.oidc import Grant


async def list_organisations(caller: Caller, asked: Any) -> shapes.Organisations:
    accounts, actor = await enter(caller)
    if actor.operator:
        rows: list[TenantRow] = (await accounts.operate("op_tenant_list")).tenants
    else:
        rows = [await _tenant(accounts, name) for name in actor.roles]
    return shapes.Organisations([await _describe(accounts, row) for row in rows])


async def add_organisation(caller: Caller, asked: shapes.AddOrganisation) -> shapes.OrganisationRow:
    accounts, actor = await enter(caller)
    actor.require_operator()
    name = asked.organisation
    row = await accounts.operate("op_tenant_add", tenant=name, **_policy(asked))

    def write(base: Base) -> None:
        base.execute(
            "INSERT INTO organisations (organisation, title) VALUES (?, ?) "
            "ON CONFLICT (organisation) DO UPDATE SET title = excluded.title",
            (name, asked.title),
        )
        if asked.prices:
            assign(base, name, asked.prices, 0.0)
        accounts.note(base, actor, "organisation.add", name, **_policy(asked))

    await accounts.run(write)
    return await _describe(accounts, row)


async def get_organisation(caller: Caller, asked: shapes.OfOrganisation) -> shapes.OrganisationRow:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "viewer")
    return await _describe(accounts, await _tenant(accounts, asked.organisation))


async def change_organisation(caller: Caller, asked: shapes.ChangeOrganisation) -> shapes.OrganisationRow:
    accounts, actor = await enter(caller)
    name = asked.organisation
    actor.require(name, "viewer")
    actor.require_operator()
    row = await _tenant(accounts, name)
    if policy := _policy(asked):
        row = await accounts.operate("op_tenant_set", tenant=name, **policy)
    if asked.suspended is not None and asked.suspended != row.suspended:
        row = await accounts.operate("op_tenant_suspend" if asked.suspended else "op_tenant_resume", tenant=name)
    own = changes_of(msgspec.structs.asdict(asked), "title", "prices")

    def write(base: Base) -> None:
        base.execute("INSERT INTO organisations (organisation) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        if asked.title is not None:
            base.execute("UPDATE organisations SET title = ? WHERE organisation = ?", (asked.title, name))
        if asked.prices is not None:
            assign(base, name, asked.prices, accounts.clock())
        accounts.note(base, actor, "organisation.change", name, **policy, **own, suspended=asked.suspended)

    await accounts.run(write)
    return await _describe(accounts, row)


async def list_members(caller: Caller, asked: shapes.OfOrganisation) -> shapes.Members:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "viewer")
    await _tenant(accounts, asked.organisation)
    query = (
        "SELECT users.user, title, role, service_of FROM memberships JOIN users USING (user) "
        "WHERE organisation = ? ORDER BY users.user"
    )
    rows = await accounts.read(lambda base: base.execute(query, (asked.organisation,)).fetchall())
    return shapes.Members([shapes.Member(user=row[0], title=row[1], role=row[2], service=bool(row[3])) for row in rows])


async def set_member(caller: Caller, asked: shapes.SetMember) -> shapes.MemberChange:
    accounts, actor = await enter(caller)
    await _require_over(accounts, actor, asked.organisation, asked.user, asked.role)
    return await _change_member(accounts, actor, asked.organisation, asked.user, asked.role)


async def remove_member(caller: Caller, asked: shapes.OfMember) -> shapes.MemberChange:
    accounts, actor = await enter(caller)
    if await _require_over(accounts, actor, asked.organisation, asked.user, "viewer") is None:
        raise absent("member", asked.user)
    return await _change_member(accounts, actor, asked.organisation, asked.user, None)


async def _require_over(accounts: Accounts, actor: Actor, organisation: str, user: str, role: str) -> str | None:
    """The role that a user has so far. Whoever makes or unmakes an admin or owner is an owner."""
    actor.require(organisation, "admin")
    await _tenant(accounts, organisation)
    found = (await find_user(accounts, user)).roles.get(organisation)
    if max(RANK[role], RANK[found or "viewer"]) >= ADMINISTERS:
        actor.require(organisation, "owner")
    return found


async def _change_member(
    accounts: Accounts, actor: Actor, organisation: str, user: str, role: str | None
) -> shapes.MemberChange:
    def write(base: Base) -> None:
        base.execute("DELETE FROM memberships WHERE organisation = ? AND user = ?", (organisation, user))
        if role is not None:
            base.execute("INSERT INTO memberships VALUES (?, ?, ?)", (organisation, user, role))
        accounts.note(base, actor, "member.set" if role else "member.remove", organisation, user=user, role=role)

    await accounts.run(write)
    revoked = await revoke_beyond(accounts, actor, user, organisation, ROLES.get(role or "", ()))
    return shapes.MemberChange(organisation, user, role, revoked)


async def list_acts(caller: Caller, asked: Any) -> shapes.Acts:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "admin")
    return shapes.Acts(await accounts.run(lambda base: acts.list_acts(base, asked)))


async def verify_acts(caller: Caller, asked: shapes.OfOrganisation) -> shapes.ActsVerified:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "admin")
    return await accounts.run(accounts.record.verify)


async def list_users(caller: Caller, asked: Any) -> shapes.Users:
    accounts, actor = await enter(caller)
    actor.require_operator()
    names = await accounts.run(lambda base: base.execute("SELECT user FROM users ORDER BY user").fetchall())
    return shapes.Users([await find_user(accounts, name) for (name,) in names])


async def add_user(caller: Caller, asked: shapes.AddUser) -> shapes.UserRow:
    """An operator adds people; who administers an organisation adds its service accounts."""
    accounts, actor = await enter(caller)
    if asked.service_of:
        actor.require(asked.service_of, "owner" if RANK[asked.role] >= ADMINISTERS else "admin")
        await _tenant(accounts, asked.service_of)
    if asked.operator or not asked.service_of:
        actor.require_operator()
    await create_user(accounts, actor, asked)
    return await find_user(accounts, asked.user)


async def create_user(accounts: Accounts, actor: Actor, asked: shapes.AddUser) -> None:
    """Raises INVALID_PARAMS for a name that is taken."""
    if asked.user in (OPERATOR.user, GATEWAY.user):
        raise QmkError("INVALID_PARAMS", f"'{asked.user}' is the name of a part of the service", field="user")

    def write(base: Base) -> None:
        made = base.execute(
            "INSERT INTO users (user, title, email, service_of, operator, created) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            (asked.user, asked.title, asked.email, asked.service_of, asked.operator, accounts.clock()),
        )
        if not made.rowcount:
            raise QmkError("INVALID_PARAMS", f"there is a user '{asked.user}' already", field="user")
        if asked.service_of:
            base.execute("INSERT INTO memberships VALUES (?, ?, ?)", (asked.service_of, asked.user, asked.role))
        role = asked.role if asked.service_of else ""
        accounts.note(base, actor, "user.add", asked.service_of, user=asked.user, role=role, operator=asked.operator)

    await accounts.run(write)


async def give_roles(accounts: Accounts, user: str, named: Iterable[Grant], given: Iterable[Grant]) -> None:
    """The roles that an identity provider gives: of the organisations that it ``named``, the user is a member of those
    it has ``given`` only, with the greatest of the roles."""
    grants = list(given)
    found = await find_user(accounts, user)
    for organisation in sorted({each.organisation for each in named if each.organisation}):
        roles = [each.role for each in grants if each.organisation == organisation]
        role = max(roles, key=RANK.__getitem__, default=None)
        if role != found.roles.get(organisation):
            await _change_member(accounts, GATEWAY, organisation, user, role)
    operator = any(each.operator for each in grants)
    if any(each.operator for each in named) and operator != found.operator:

        def write(base: Base) -> None:
            base.execute("UPDATE users SET operator = ? WHERE user = ?", (operator, user))
            accounts.note(base, GATEWAY, "user.change", user_name=user, operator=operator)

        await accounts.run(write)


async def get_user(caller: Caller, asked: shapes.OfUser) -> shapes.UserRow:
    accounts, actor = await enter(caller)
    _require_self(actor, asked.user)
    return await find_user(accounts, asked.user)


async def change_user(caller: Caller, asked: shapes.ChangeUser) -> shapes.UserRow:
    accounts, actor = await enter(caller)
    actor.require_operator()
    await find_user(accounts, asked.user)
    changes = changes_of(msgspec.structs.asdict(asked), "title", "email", "operator", "password")
    if asked.password:
        from qmk.gateway.accounts.passwords import hash_password

        changes["password"] = hash_password(asked.password)

    def write(base: Base) -> None:
        for column, value in changes.items():
            base.execute(f"UPDATE users SET {column} = ? WHERE user = ?", (value, asked.user))
        told = changes | ({"password": "changed"} if "password" in changes else {})
        accounts.note(base, actor, "user.change", user_name=asked.user, **told)

    await accounts.run(write)
    found = await find_user(accounts, asked.user)
    if asked.operator is False:
        for row in await tokens_of(accounts, user=asked.user):
            if row.organisation not in found.roles:
                await revoke_beyond(accounts, actor, asked.user, row.organisation, ())
    return found


async def remove_user(caller: Caller, asked: shapes.OfUser) -> shapes.UserRemoved:
    """Its tokens are revoked first, so that what fails halfway can be done again."""
    accounts, actor = await enter(caller)
    if not actor.operator:
        of = (await find_user(accounts, asked.user)).service_of if actor.roles else ""
        if not of or of not in actor.roles:
            raise absent("user", asked.user)
        actor.require(of, "admin")
    found = await find_user(accounts, asked.user)
    revoked = await revoke_beyond(accounts, actor, asked.user, None, ())
    await accounts.sessions.end_all(asked.user)

    def write(base: Base) -> None:
        base.execute("DELETE FROM users WHERE user = ?", (asked.user,))
        accounts.note(base, actor, "user.remove", found.service_of, user_name=asked.user)

    await accounts.run(write)
    return shapes.UserRemoved(asked.user, revoked)


async def list_sessions(caller: Caller, asked: shapes.OfUser) -> shapes.BrowserSessions:
    accounts, actor = await enter(caller)
    _require_self(actor, asked.user)
    await find_user(accounts, asked.user)
    rows = await accounts.sessions.list(asked.user, accounts.clock())
    return shapes.BrowserSessions(
        [
            shapes.BrowserSession(id=row.id, organisation=row.tenant, began=row.began, used=row.used, agent=row.agent)
            for row in rows
        ]
    )


async def end_session(caller: Caller, asked: shapes.EndSession) -> shapes.SessionsEnded:
    accounts, actor = await enter(caller)
    _require_self(actor, asked.user, acts=True)
    if not await accounts.sessions.end(asked.session, asked.user):
        raise absent("session", asked.session)
    await accounts.run(lambda base: accounts.note(base, actor, "session.end", user_name=asked.user, id=asked.session))
    return shapes.SessionsEnded(1)


async def end_sessions(caller: Caller, asked: shapes.OfUser) -> shapes.SessionsEnded:
    accounts, actor = await enter(caller)
    _require_self(actor, asked.user, acts=True)
    await find_user(accounts, asked.user)
    count = await accounts.sessions.end_all(asked.user)
    await accounts.run(lambda base: accounts.note(base, actor, "session.end_all", user_name=asked.user, ended=count))
    return shapes.SessionsEnded(count)


def _require_self(actor: Actor, user: str, *, acts: bool = False) -> None:
    """A user looks after itself, to act by a token that administers, and an operator after everybody."""
    if not actor.operator and actor.user != user:
        raise absent("user", user)
    if acts:
        actor.require_administering()


async def _tenant(accounts: Accounts, name: str) -> TenantRow:
    """The tenant of the daemon that an organisation is."""
    try:
        return (await accounts.operate("op_tenant_list", tenant=name)).tenants[0]
    except QmkError as error:
        if error.kind.name == "INVALID_PARAMS":
            raise absent("organisation", name) from None
        raise


def _policy(asked: Any) -> dict[str, Any]:
    return changes_of(msgspec.structs.asdict(asked), "weight", "quotas")


async def _describe(accounts: Accounts, row: TenantRow) -> shapes.OrganisationRow:
    def read(base: Base) -> tuple[str, str, int]:
        own = base.execute("SELECT title FROM organisations WHERE organisation = ?", (row.tenant,)).fetchone()
        query = "SELECT count(*) FROM memberships WHERE organisation = ?"
        (members,) = base.execute(query, (row.tenant,)).fetchone()
        return own[0] if own else "", lists_of(base, row.tenant)[-1][1], members

    title, prices, members = await accounts.run(read)
    return shapes.OrganisationRow(
        organisation=row.tenant,
        title=title,
        suspended=row.suspended,
        weight=row.weight,
        quotas=row.quotas,
        prices=prices,
        members=members,
        jobs=row.jobs,
    )
