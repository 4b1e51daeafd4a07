"""Roles: what the members of an organisation may do, as rights of the daemon's tokens, and who acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qmk.abi.rights import CAP_RESULT, CAP_STATUS, RIGHTS
from qmk.base.errors import QmkError

ROLES: dict[str, tuple[str, ...]] = {
    "viewer": (CAP_RESULT, CAP_STATUS),
    "member": tuple(RIGHTS),
    "admin": tuple(RIGHTS),
    "owner": tuple(RIGHTS),
}
"""Role to the rights that a token of its holder may have, from the least role to the greatest. An admin also
administers the organisation, and an owner its admins and owners."""
RANK = {name: rank for rank, name in enumerate(ROLES)}
ADMINISTERS = RANK["admin"]


@dataclass(frozen=True)
class Actor:
    """Who acts: a user, by a token. ``operator``: may administer every organisation. ``roles``: the role in each
    organisation, as far as the token goes. ``administers``: the token may be used to change something."""

    user: str
    operator: bool = False
    roles: Mapping[str, str] = field(default_factory=dict[str, str])
    administers: bool = False

    def role_in(self, organisation: str) -> str | None:
        return "owner" if self.operator else self.roles.get(organisation)

    def require(self, organisation: str, role: str) -> None:
        """Raises as for what does not exist where the actor has nothing to do with an organisation, INSUFFICIENT_CAPS
        where its role there is less than ``role``."""
        found = self.role_in(organisation)
        if found is None:
            raise absent("organisation", organisation)
        if RANK[found] < RANK[role]:
            fix = f"show a token that administers, of somebody who is {role} of '{organisation}'"
            raise QmkError("INSUFFICIENT_CAPS", f"this needs the role {role} in '{organisation}'", help=fix)

    def require_administering(self) -> None:
        if not self.administers:
            raise QmkError("INSUFFICIENT_CAPS", "this token does not administer", help="show one that does")

    def require_admin(self, organisation: str) -> None:
        """Of an organisation as ``require`` does; of all, where it is empty, as ``require_operator``."""
        if organisation:
            self.require(organisation, "admin")
        else:
            self.require_operator()

    def require_operator(self) -> None:
        if not self.operator:
            fix = "show a token that administers, of a user who is an operator, or act on the machine of the daemon"
            raise QmkError("INSUFFICIENT_CAPS", "only an operator of the service may do this", help=fix)


OPERATOR = Actor("operator", operator=True, administers=True)
"""Who acts from the command line on the machine of the daemon, as the user who runs it."""
GATEWAY = Actor("gateway")
"""The gateway itself, such as where it warns."""


def absent(kind: str, name: str) -> QmkError:
    """The one answer to what does not exist, or is not for the eyes of who asks."""
    return QmkError("INVALID_PARAMS", f"there is no {kind} '{name}'", field=kind, absent=True)


def check_rights(rights: list[str] | None, role: str) -> tuple[str, ...]:
    """The rights of a new token, by default all of the role. Raises INVALID_PARAMS for one that the role has not."""
    allowed = ROLES[role]
    for name in rights or ():
        if name not in allowed:
            fix = f"a {role} may have: {', '.join(allowed)}"
            raise QmkError("INVALID_PARAMS", f"a {role} may not have the right '{name[:64]}'", field="rights", help=fix)
    if rights == []:
        raise QmkError("INVALID_PARAMS", "a token without any right is good for nothing", field="rights")
    return allowed if rights is None else tuple(dict.fromkeys(rights))
