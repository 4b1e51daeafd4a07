"""Refusals of what a caller may do: capabilities, rights, tenants, tokens and handles."""

from __future__ import annotations

from qmk.abi.rights import DELEGABLE, RIGHTS
from qmk.base.errors import QmkError
from qmk.kernel.objects.capability import Capability
from qmk.policy.refusals.params import wrong


def on_offer(offered: Capability) -> QmkError:
    """What is handed on derives from something held, so that it ends with the session that handed it on."""
    return wrong(
        "capability",
        f"'{offered.id}' is on offer to this session, which hands on only what it holds",
        "take it up with q_delegate without a receiver, and hand on what that answers",
    )


def no_capability(id: str) -> QmkError:
    """The one answer to a capability that is absent, revoked, or another's."""
    return wrong(
        "capability",
        f"this session holds no capability '{id[:64]}'",
        "ids are in q_negotiate_caps' granted; a revoked one is gone",
    )


def unknown_right(name: str, field: str) -> QmkError:
    return wrong(field, f"'{name[:64]}' is not the name of a right", f"rights: {', '.join(RIGHTS)}")


def no_root(root: str) -> QmkError:
    return wrong(
        "to_session", f"no session has the root '{root[:64]}'", "the receiver finds its root in q_negotiate_caps' reply"
    )


def jobs_not_named() -> QmkError:
    return wrong("jobs", "a capability for another tenant names the jobs it is for", "give the job ids in jobs")


def not_delegable(right: str) -> QmkError:
    return wrong(
        "rights", f"{right} cannot be given to another tenant", f"another tenant can be given {', '.join(DELEGABLE)}"
    )


def tenant_exists(name: str) -> QmkError:
    return wrong("tenant", f"there is a tenant '{name}' already", "change it with op_tenant_set ('qmk tenant set')")


def no_tenant(name: str) -> QmkError:
    return wrong("tenant", f"there is no tenant '{name}'", "op_tenant_add ('qmk tenant add') registers one")


def no_token(tenant: str, serial: str) -> QmkError:
    return wrong(
        "serial",
        f"tenant '{tenant}' has no token '{serial[:64]}'",
        "op_token_list ('qmk tenant tokens') lists them; it may be revoked already",
    )


def token_needed() -> QmkError:
    return QmkError(
        "AUTH_FAILED",
        "this daemon asks for a token",
        help="set QMK_TOKEN, or give --token-file; the operator makes one with 'qmk tenant token'",
    )


def nobody(local: str, call: str, field: str, could: str, help: str) -> QmkError:
    """Where there are no others: nobody ``could`` do what a call counts on. Where there are, their names are not told,
    and it goes through."""
    return wrong(
        field,
        f"{call}: this daemon has no tenant but '{local}', so nobody {could}",
        f"{help}; an operator registers others with 'qmk tenant add'",
    )


def not_held(handle: str, index: int, twice: bool) -> QmkError:
    why = "is given twice" if twice else "is not held by this session, or was released before"
    return wrong(
        f"handles[{index}]", f"q_release: '{handle[:64]}' {why}", "handles come from q_alloc and can be released once"
    )
