"""Bearer tokens as text: ``qmk1.`` and base64url of serial, tenant, caveats and signature.

The signature is a chain of HMAC-SHA256: the key signs serial and tenant, and each signature is the key of the next
caveat's (Birgisson et al., "Macaroons", NDSS 2014). So whoever holds a token can add a caveat and nobody can take one
away. Making and checking tokens needs the key and happens in the kernel; reading and narrowing one needs none.

Bytes: 16 of serial; one length byte and the tenant's name; a count byte and, each with a two-byte length, the caveats,
``name=value`` in ASCII; 32 of signature. There is one text for a token: anything else is refused.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS

PREFIX = "qmk1."
SERIAL_BYTES = 16
SIGNATURE_BYTES = 32
_CONTEXT = b"qmk1 token\0"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_RIGHT = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_TEXT = re.compile(r"[A-Za-z0-9_-]+")


class MalformedToken(ValueError):
    """The text is not a token."""


class Token(msgspec.Struct, frozen=True):
    """A token taken apart; nothing about it is proved."""

    serial: bytes
    tenant: str
    caveats: tuple[str, ...]
    signature: bytes

    @property
    def serial_text(self) -> str:
        """The serial as operator calls name it; not a secret."""
        return f"tok_{self.serial.hex()}"


class Bounds(msgspec.Struct, frozen=True):
    """What the caveats of a token leave together. ``rights`` None: all of the tenant's; ``shots``: most of one job;
    ``uid``: the only user that may present it; ``expires``: Unix seconds from which on it is void."""

    expires: int | None = None
    rights: frozenset[str] | None = None
    shots: int | None = None
    uid: int | None = None


def link(key: bytes, message: bytes) -> bytes:
    """One link of the chain: HMAC-SHA256."""
    return hmac.digest(key, message, "sha256")


def identity(serial: bytes, tenant: str) -> bytes:
    """What the key signs."""
    return _CONTEXT + serial + tenant.encode()


def write(token: Token) -> str:
    """The token's text. The caller keeps to the bounds."""
    name = token.tenant.encode()
    parts = [token.serial, len(name).to_bytes(1, "big"), name, len(token.caveats).to_bytes(1, "big")]
    for caveat in token.caveats:
        data = caveat.encode("ascii")
        parts += [len(data).to_bytes(2, "big"), data]
    data = b"".join([*parts, token.signature])
    return PREFIX + base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read(text: str) -> Token:
    """The parts of a token's text; MalformedToken for anything that ``write`` does not give."""
    if len(text) > LIMITS.token_chars or not text.startswith(PREFIX):
        raise MalformedToken
    body = text[len(PREFIX) :]
    if not _TEXT.fullmatch(body):
        raise MalformedToken
    try:
        token = _parts(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, UnicodeDecodeError):
        raise MalformedToken from None
    if write(token) != text:
        raise MalformedToken
    return token


def _parts(data: bytes) -> Token:
    at = 0

    def take(count: int) -> bytes:
        nonlocal at
        at += count
        if at > len(data):
            raise MalformedToken
        return data[at - count : at]

    serial = take(SERIAL_BYTES)
    tenant = take(take(1)[0]).decode()
    caveats = tuple(take(int.from_bytes(take(2), "big")).decode("ascii") for _ in range(take(1)[0]))
    signature = take(SIGNATURE_BYTES)
    if at != len(data) or len(caveats) > LIMITS.token_caveats:
        raise MalformedToken
    return Token(serial, tenant, caveats, signature)


def caveats_of(bounds: Bounds) -> tuple[str, ...]:
    """The caveats that say ``bounds``. Raises INVALID_PARAMS for a value that no caveat can hold."""
    found: list[str] = []
    for name in ("expires", "shots", "uid"):
        value = getattr(bounds, name)
        if value is not None:
            if not _NUMBER.fullmatch(str(value)):
                raise QmkError("INVALID_PARAMS", f"{name} must be a whole number from 0, not {value}", field=name)
            found.append(f"{name}={value}")
    if bounds.rights is not None:
        for right in bounds.rights:
            if not _RIGHT.fullmatch(right):
                raise QmkError("INVALID_PARAMS", f"'{right[:64]}' is not the name of a right", field="rights")
        found.append("rights=" + ",".join(sorted(bounds.rights)))
    return tuple(found)


def bounds_of(caveats: Iterable[str]) -> Bounds:
    """What the caveats leave together; MalformedToken when one is unknown, since to skip it would widen the token."""
    expires = shots = uid = None
    rights: frozenset[str] | None = None
    for caveat in caveats:
        name, equals, value = caveat.partition("=")
        if not equals:
            raise MalformedToken
        if name == "rights":
            named = value.split(",") if value else []
            if not all(_RIGHT.fullmatch(right) for right in named):
                raise MalformedToken
            rights = frozenset(named) if rights is None else rights & frozenset(named)
            continue
        if not _NUMBER.fullmatch(value):
            raise MalformedToken
        number = int(value)
        if name == "expires":
            expires = number if expires is None else min(expires, number)
        elif name == "shots":
            shots = number if shots is None else min(shots, number)
        elif name == "uid" and uid in (None, number):
            uid = number
        else:
            raise MalformedToken
    return Bounds(expires, rights, shots, uid)


def extend(token: Token, caveats: Iterable[str]) -> Token:
    """The token with more caveats, each signed with the signature before it."""
    for caveat in caveats:
        signature = link(token.signature, caveat.encode("ascii"))
        token = Token(token.serial, token.tenant, (*token.caveats, caveat), signature)
    return token


def attenuate(
    text: str,
    *,
    expires: int | None = None,
    rights: Iterable[str] | None = None,
    shots: int | None = None,
    uid: int | None = None,
) -> str:
    """A narrower token made from ``text``, without any key: it cannot be widened again. ``expires`` is in Unix seconds,
    ``shots`` the most of one job, ``uid`` the only user id that may present it.

    Raises INVALID_PARAMS when ``text`` is not a token, nothing is asked for, or the token has no room for more caveats.
    """
    bounds = Bounds(expires, None if rights is None else frozenset(rights), shots, uid)
    caveats = caveats_of(bounds)
    if not caveats:
        raise QmkError("INVALID_PARAMS", "nothing to narrow the token by", help="give expires, rights, shots or uid")
    token = extend(open_token(text), caveats)
    made = write(token) if len(token.caveats) <= LIMITS.token_caveats else ""
    if not made or len(made) > LIMITS.token_chars:
        raise QmkError(
            "INVALID_PARAMS",
            f"the token has no room for more caveats (limits: {LIMITS.token_caveats} caveats, "
            f"{LIMITS.token_chars} characters)",
            help="ask the operator for a token of its own for this use",
        )
    return made


def open_token(text: str) -> Token:
    """``read`` for people: INVALID_PARAMS when the text is not a token."""
    try:
        return read(text)
    except MalformedToken:
        raise QmkError("INVALID_PARAMS", "this is not a QMK token", help="a token begins with 'qmk1.'") from None
