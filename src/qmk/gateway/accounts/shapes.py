"""Requests and replies of the operations on accounts."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.operator.shapes import TENANT, Quotas, Rights, TenantName, Weight

Organisation = Annotated[TenantName, Meta(description="name of an organisation, which is a tenant of the daemon")]
USER = r"^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,127}\Z"
User = Annotated[str, Meta(description="name of a user, such as an address of mail", pattern=USER)]
Serial = Annotated[str, Meta(description="name of a token, not a secret", pattern=r"^tok_[0-9a-f]{32}\Z")]
Title = Annotated[str, Meta(description="name for people", max_length=256)]
Role = Annotated[Literal["viewer", "member", "admin", "owner"], Meta(description="what a member may do")]
Unix = Annotated[float, Meta(description="Unix time in seconds")]
PricesName = Annotated[str, Meta(description="name of a price list", pattern=TENANT)]


def _or_empty(pattern: str) -> str:
    """The pattern, or nothing."""
    return "^(?:" + pattern.removeprefix("^").removesuffix(r"\Z") + r")?\Z"


TenantOrEmpty = Annotated[str, Meta(pattern=_or_empty(TENANT))]
UserOrEmpty = Annotated[str, Meta(pattern=_or_empty(USER))]


class OfOrganisation(shapes.Request, frozen=True):
    organisation: Organisation


class AddOrganisation(shapes.Request, frozen=True, kw_only=True):
    organisation: Organisation
    title: Title = ""
    weight: Weight | None = None
    quotas: Quotas | None = None
    prices: Annotated[TenantOrEmpty, Meta(description="price list; empty: that of name 'standard'")] = ""


class ChangeOrganisation(shapes.Request, frozen=True, kw_only=True):
    """What is left out stays."""

    organisation: Organisation
    title: Title | None = None
    weight: Weight | None = None
    quotas: Quotas | None = None
    prices: Annotated[PricesName, Meta(description="price list from now on: what was before stays as it is")] | None = (
        None
    )
    suspended: Annotated[bool, Meta(description="serve nobody of it")] | None = None


class OrganisationRow(Struct, frozen=True, kw_only=True):
    """An organisation."""

    organisation: str
    title: str
    suspended: bool
    weight: Annotated[float, Meta(description="share of the machine")]
    quotas: Annotated[dict[str, int], Meta(description="limits by name of the quota")]
    prices: Annotated[str, Meta(description="name of its price list")]
    members: int
    jobs: Annotated[int, Meta(description="jobs that have not ended")]


class Organisations(Struct, frozen=True):
    organisations: list[OrganisationRow]


class OfMember(OfOrganisation, frozen=True):
    user: User


class SetMember(OfMember, frozen=True):
    role: Role


class Member(Struct, frozen=True, kw_only=True):
    """A member of an organisation."""

    user: str
    title: str
    role: str
    service: Annotated[bool, Meta(description="a program, not a person")]


class Members(Struct, frozen=True):
    members: list[Member]


class MemberChange(Struct, frozen=True):
    """What became of a member."""

    organisation: str
    user: str
    role: Annotated[str | None, Meta(description="null: no member any more")]
    revoked: Annotated[list[str], Meta(description="serials of tokens that had more than the role may have")]


class ListActs(OfOrganisation, frozen=True):
    before: Annotated[int, Meta(description="acts before this one; 0: from the newest", ge=0, le=shapes.INT_MAX)] = 0
    limit: Annotated[int, Meta(description="most acts of the answer", ge=1, le=1000)] = 100
    text: Annotated[str, Meta(description="only acts that have this text somewhere", max_length=256)] = ""
    since: Annotated[float, Meta(description="only acts from this Unix time on", ge=0)] = 0.0
    until: Annotated[float, Meta(description="only acts before this Unix time; 0: until now", ge=0)] = 0.0


class Act(Struct, frozen=True, kw_only=True):
    """One administrative act. `hash` is the SHA-256 of `before` and of `text`, one after the other."""

    seq: int
    time: Unix
    user: Annotated[str, Meta(description="who did it")]
    act: str
    organisation: str
    fields: dict[str, str]
    hash: str
    before: Annotated[str, Meta(description="hash of the act before it, of whatever organisation")] = ""
    text: Annotated[str, Meta(description="the act as it was hashed, a JSON array")] = ""


class ActsVerified(Struct, frozen=True, kw_only=True):
    """The whole record, of every organisation."""

    acts: Annotated[int, Meta(description="acts up to the first that is wrong")]
    broken: Annotated[int, Meta(description="the first act that is wrong; 0: none")]
    why: Annotated[str, Meta(description="what is wrong there")] = ""


class Acts(Struct, frozen=True):
    acts: Annotated[list[Act], Meta(description="the newest first")]


class AddUser(shapes.Request, frozen=True, kw_only=True):
    user: User
    title: Title = ""
    email: Annotated[str, Meta(max_length=256)] = ""
    service_of: Annotated[
        TenantOrEmpty, Meta(description="a service account of this organisation; empty: a person")
    ] = ""
    role: Annotated[Role, Meta(description="role of a service account")] = "member"
    operator: Annotated[bool, Meta(description="administers the whole service")] = False


class OfUser(shapes.Request, frozen=True):
    user: User


class ChangeUser(OfUser, frozen=True, kw_only=True):
    """What is left out stays."""

    title: Title | None = None
    email: Annotated[str, Meta(max_length=256)] | None = None
    operator: bool | None = None
    password: (
        Annotated[str, Meta(description="for sign-in by password where that is on; empty: none", max_length=1024)]
        | None
    ) = None


class UserRow(Struct, frozen=True, kw_only=True):
    """A user."""

    user: str
    title: str
    email: str
    service_of: Annotated[str, Meta(description="organisation of a service account; empty: a person")]
    operator: bool
    roles: Annotated[dict[str, str], Meta(description="role in each organisation")]
    created: Unix


class Users(Struct, frozen=True):
    users: list[UserRow]


class UserRemoved(Struct, frozen=True):
    user: str
    revoked: Annotated[list[str], Meta(description="serials of the user's tokens")]


class BrowserSession(Struct, frozen=True, kw_only=True):
    """A sign-in of a browser."""

    id: str
    organisation: str
    began: Unix
    used: Annotated[float, Meta(description="when it was used last, to a minute")]
    agent: Annotated[str, Meta(description="the browser, as it names itself")]


class BrowserSessions(Struct, frozen=True):
    sessions: list[BrowserSession]


class EndSession(OfUser, frozen=True):
    session: Annotated[str, Meta(pattern=r"^ses_[0-9a-f]{32}\Z")]


class SessionsEnded(Struct, frozen=True):
    ended: int


class ListTokens(shapes.Request, frozen=True, kw_only=True):
    organisation: Annotated[TenantOrEmpty, Meta(description="empty: that of the caller's token")] = ""
    user: Annotated[UserOrEmpty, Meta(description="only those of this user; empty: of all that are shown")] = ""


class IssueToken(shapes.Request, frozen=True, kw_only=True):
    name: Annotated[str, Meta(description="what it is for", min_length=1, max_length=128)]
    organisation: Annotated[TenantOrEmpty, Meta(description="empty: that of the caller's token")] = ""
    user: Annotated[UserOrEmpty, Meta(description="whose it is; empty: the caller's")] = ""
    rights: Annotated[Rights | None, Meta(description="at most these; absent: all of the role")] = None
    administers: Annotated[bool, Meta(description="may be used to administer, as far as the role goes")] = False
    expires_s: Annotated[int, Meta(description="seconds that it is good for", ge=60, le=10 * 366 * 86_400)] = (
        90 * 86_400
    )


class OfToken(shapes.Request, frozen=True):
    serial: Serial


class TokenRow(Struct, frozen=True, kw_only=True):
    """A token, without its text."""

    serial: str
    name: str
    user: str
    organisation: str
    rights: list[str]
    administers: bool
    created: Unix
    expires: Unix | None
    issued_by: Annotated[str, Meta(description="who made it")]


class Tokens(Struct, frozen=True):
    tokens: list[TokenRow]


class Issued(TokenRow, frozen=True, kw_only=True):
    token: Annotated[str, Meta(description="the secret: it is shown now, and never again")]


class TokenRevoked(Struct, frozen=True):
    serial: str
    sessions: Annotated[int, Meta(description="sessions of the daemon that it ended")]
