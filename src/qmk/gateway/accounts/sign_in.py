"""Signing in and out of a browser: by a token, by an identity provider, and by password where that is switched on.

Who signs in without a token gets one of its own, for this session, with the rights of its role in one organisation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from qmk.abi.token import open_token
from qmk.base.errors import QmkError
from qmk.gateway.accounts.accounts import Accounts, find_user
from qmk.gateway.accounts.buckets import Buckets
from qmk.gateway.accounts.oidc import Grant, Identity, Issuer, Provider, open_flow
from qmk.gateway.accounts.roles import GATEWAY, RANK, Actor
from qmk.gateway.accounts.sessions import LONGEST_S
from qmk.gateway.accounts.shapes import AddUser, UserRow
from qmk.gateway.accounts.tokens import issue
from qmk.secrets import read as read_secret
from qmk.sql.gateway import Base

if TYPE_CHECKING:
    from qmk.gateway.callers import Callers

BROWSER = "browser"
"""Name of a token that was made for a session of a browser."""
TRIES, TRIES_S = 10, 30.0
"""Passwords that may be tried at once, for one user and from one address, and the seconds until one more may."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people may sign in."""

    password: bool = False
    providers: tuple[Provider, ...] = ()


def read_config(path: Path) -> Config:
    """Raises INVALID_PARAMS for a file that cannot be read or does not fit."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Config)
    except (OSError, msgspec.DecodeError) as error:
        raise QmkError("INVALID_PARAMS", f"cannot use {path}: {error}", field="sign_in", path=str(path)) from error
    names = [each.name for each in found.providers]
    if len(set(names)) < len(names):
        raise QmkError("INVALID_PARAMS", f"{path} names two providers alike", field="sign_in")
    for each in found.providers:
        if each.client_secret:  # that it leads nowhere is better known now than when the first one signs in
            read_secret(each.client_secret, f"client_secret of {each.name} in {path}")
    return found


class SignIn:
    """What the pages of the console call. Each way in gives the text of a session's cookie."""

    def __init__(self, accounts: Accounts, callers: Callers, config: Config | None = None) -> None:
        self._accounts, self._callers = accounts, callers
        self.config = Config() if config is None else config
        self.issuers = {each.name: Issuer(each, clock=accounts.clock) for each in self.config.providers}
        self._tries = Buckets(1 / TRIES_S, TRIES)

    async def with_token(self, token: str, agent: str = "") -> str:
        """Raises AUTH_FAILED for a token that is not good. Without one it is the tenant of this machine that signs in,
        which is for the page to allow."""
        caller = await self._callers.with_token(token)
        actor = await self._accounts.actor_of(caller)
        user = actor.user or (f"token {open_token(token).serial_text}" if token else caller.tenant)
        return await self._begin(token, user, caller.tenant, caller.rights, agent)

    async def with_password(
        self, user: str, password: str, address: str, organisation: str = "", agent: str = ""
    ) -> str:
        """Raises AUTH_FAILED without saying what was wrong, QUOTA_EXCEEDED after too many tries."""
        if not self.config.password:
            raise QmkError("UNSUPPORTED", "sign-in by password is off", help="use a token or an identity provider")
        waits = [self._tries.take((kind, text), self._accounts.clock()) for kind, text in (("u", user), ("a", address))]
        if wait_s := max(waits):
            raise QmkError("QUOTA_EXCEEDED", "too many passwords were tried", retry_after_ms=round(wait_s * 1000))
        from qmk.gateway.accounts.passwords import check_password

        query = "SELECT password FROM users WHERE user = ? AND service_of = ''"
        row = await self._accounts.read(lambda base: base.execute(query, (user,)).fetchone())
        if not await asyncio.to_thread(check_password, row[0] if row else "", password[:1024]):
            raise QmkError("AUTH_FAILED", "user or password is wrong")
        return await self._with_user(await find_user(self._accounts, user), organisation, agent)

    async def begin(self, provider: str, callback: str, wanted: str = "/") -> tuple[str, str]:
        """The address at the provider to which the browser is sent, and the text of a cookie that it keeps until it
        comes back to ``callback``, an address of ours. Raises INVALID_PARAMS for a provider that is not configured."""
        if (issuer := self.issuers.get(provider)) is None:
            raise QmkError("INVALID_PARAMS", f"there is no provider '{provider[:64]}'", field="provider", absent=True)
        return await issuer.begin(callback, wanted, self._accounts.cipher)

    async def finish(self, kept: str, answer: Mapping[str, str], agent: str = "") -> tuple[str, str]:
        """The cookie of the session, and the page that was wanted. ``kept``: what the browser kept; ``answer``: the
        query with which it came back. Raises AUTH_FAILED."""
        flow = open_flow(kept, self._accounts.cipher, self._accounts.clock())
        issuer = self.issuers.get(flow.provider)
        if issuer is None:
            raise QmkError("AUTH_FAILED", "this provider is not configured any more")
        identity = await issuer.finish(kept, answer, self._accounts.cipher)
        user = await self._user_of(identity)
        return await self._with_user(user, "", agent), identity.wanted

    async def _with_user(self, user: UserRow, organisation: str, agent: str) -> str:
        """A session in the organisation that is named, else in that of the greatest role."""
        mine = sorted(user.roles, key=lambda name: (-RANK[user.roles[name]], name))
        named = organisation or (mine[0] if mine else "")
        if named not in user.roles:
            fix = "ask an admin of an organisation to make you a member"
            raise QmkError("AUTH_FAILED", f"'{user.user}' is not a member of an organisation", help=fix)
        made = await issue(
            self._accounts,
            Actor(user.user),
            name=BROWSER,
            user=user.user,
            organisation=named,
            role=user.roles[named],
            administers=True,
            expires=int(self._accounts.clock() + LONGEST_S),
        )
        return await self._begin(made.token, user.user, named, made.rights, agent, made.serial)

    async def _begin(self, token: str, user: str, tenant: str, rights: Any, agent: str, serial: str = "") -> str:
        now = self._accounts.clock()
        return await self._accounts.sessions.begin(token, user, tenant, rights, now, agent, serial)

    async def _user_of(self, identity: Identity) -> UserRow:
        """The user of an identity, who is added where there is none, with the roles that its claims give. Raises
        AUTH_FAILED for claims that give none."""
        from qmk.gateway.accounts.people import give_roles

        issuer, claims = identity.provider.issuer, identity.claims
        grants = [each for each in identity.provider.grants if _holds(each, claims)]
        query = "SELECT user FROM identities WHERE issuer = ? AND subject = ?"
        subject = str(claims["sub"])
        row = await self._accounts.read(lambda base: base.execute(query, (issuer, subject)).fetchone())
        if row is None and not grants:
            raise QmkError("AUTH_FAILED", "your account is in no group that may use this service")
        if row is None:
            name = await self._known_by_mail(claims) or await self._add_user(identity)

            def write(base: Base) -> None:
                base.execute("INSERT INTO identities VALUES (?, ?, ?)", (issuer, subject, name))

            await self._accounts.run(write)
            row = (name,)
        await give_roles(self._accounts, row[0], identity.provider.grants, grants)
        return await find_user(self._accounts, row[0])

    async def _known_by_mail(self, claims: Mapping[str, Any]) -> str:
        """The person whom an operator has added with this address, if it is verified and nobody's identity yet."""
        query = (
            "SELECT user FROM users WHERE email = ? AND email != '' AND service_of = '' "
            "AND NOT EXISTS (SELECT 1 FROM identities WHERE identities.user = users.user)"
        )
        address = str(claims.get("email", "")) if claims.get("email_verified") is True else ""
        rows = await self._accounts.read(lambda base: base.execute(query, (address,)).fetchall())
        return rows[0][0] if len(rows) == 1 else ""

    async def _add_user(self, identity: Identity) -> str:
        from qmk.gateway.accounts.people import create_user

        asked = _new_user(identity)
        try:
            await create_user(self._accounts, GATEWAY, asked)
        except QmkError as error:
            fix = "ask the operator: a user with your verified address of mail is yours"
            raise QmkError("AUTH_FAILED", error.message, help=fix) from None
        return asked.user


def _holds(grant: Grant, claims: Mapping[str, Any]) -> bool:
    found = claims.get(grant.claim)
    return grant.value in cast("list[Any]", found) if isinstance(found, list) else found == grant.value


def _new_user(identity: Identity) -> AddUser:
    """Raises AUTH_FAILED for claims that name no user."""
    claims = identity.claims
    name = claims.get(identity.provider.user_claim)
    if identity.provider.user_claim == "email" and claims.get("email_verified") is False:
        raise QmkError("AUTH_FAILED", "the provider has not verified your address of mail")
    try:
        asked = {"user": name, "title": str(claims.get("name", ""))[:256], "email": str(claims.get("email", ""))[:256]}
        return msgspec.convert(asked, AddUser)
    except msgspec.ValidationError:
        text = f"the provider's claim '{identity.provider.user_claim}' does not name a user"
        raise QmkError("AUTH_FAILED", text) from None
