"""Makes and checks tokens. Whatever is wrong with one, the answer is the same and takes the same path.

A token is good when its chain of signatures ends in its signature, its caveats are met, and its serial is in the
tenants' table: revoking a token is taking its serial out, so a revoked token and one that never was are one case.
Signatures are compared whole, in time that does not depend on them (``hmac.compare_digest``), after the same number of
links whether they are right or wrong; what may be told apart by time, such as the number of caveats, the bearer knows.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from qmk.abi.token import (
    SERIAL_BYTES,
    Bounds,
    MalformedToken,
    Token,
    bounds_of,
    caveats_of,
    extend,
    identity,
    link,
    read,
    write,
)
from qmk.base.errors import QmkError
from qmk.base.units import SECOND_NS


class Bearer(msgspec.Struct, frozen=True):
    """Whom a good token speaks for, and within which bounds. ``serial`` as operator calls name it."""

    tenant: str
    serial: str
    bounds: Bounds


def mint(key: bytes, tenant: str, entropy: bytes, bounds: Bounds) -> tuple[str, str]:
    """Makes a token, and gives its text and its serial. ``entropy`` is 16 bytes that were never used before."""
    serial = hashlib.sha256(b"token serial\0" + entropy).digest()[:SERIAL_BYTES]
    bare = Token(serial, tenant, (), link(key, identity(serial, tenant)))
    made = extend(bare, caveats_of(bounds))
    return write(made), made.serial_text


def check(key: bytes, text: str, now_ns: int, uid: int) -> Bearer:
    """The bearer of a token whose signature and caveats are good; whether it was revoked the caller looks up.
    AUTH_FAILED otherwise: only a token whose signature is right is told that it has expired."""
    try:
        token = read(text)
    except MalformedToken:
        raise refusal() from None
    signature = link(key, identity(token.serial, token.tenant))
    for caveat in token.caveats:
        signature = link(signature, caveat.encode("ascii"))
    if not hmac.compare_digest(signature, token.signature) or not key:
        raise refusal()
    try:
        bounds = bounds_of(token.caveats)
    except MalformedToken:
        raise refusal() from None
    if bounds.uid is not None and bounds.uid != uid:
        raise refusal()
    if bounds.expires is not None and now_ns >= bounds.expires * SECOND_NS:
        raise QmkError("AUTH_FAILED", "the token has expired", help="ask the operator for a new one")
    return Bearer(token.tenant, token.serial_text, bounds)


def refusal() -> QmkError:
    """The one answer to unknown, forged, tampered, revoked and misused tokens."""
    return QmkError("AUTH_FAILED", "the token is not valid", help="ask the operator for a new one")
