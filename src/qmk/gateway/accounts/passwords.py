"""Passwords, for sign-in where there is no identity provider: argon2id with the second choice of parameters of RFC 9106
(64 MiB)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from qmk.base.errors import QmkError

SHORTEST = 12
_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$2QdSOjJg8QZb7y1Fr6sJ3w6dJ6zK7Jx3vZx1T5m2m1Y"
"""What a password is compared with where the user has none, so that it takes as long."""


def hash_password(password: str) -> str:
    """What is kept of a password. Raises INVALID_PARAMS for a short one."""
    if len(password) < SHORTEST:
        text = f"a password has at least {SHORTEST} characters"
        raise QmkError("INVALID_PARAMS", text, field="password", help="take several words")
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def check_password(kept: str, password: str) -> bool:
    """Whether a password is the kept one; as slow where none is kept."""
    try:
        return _HASHER.verify(kept or _NOBODYS, password.encode("utf-8", "surrogatepass")) and bool(kept)
    except (VerifyMismatchError, InvalidHashError):
        return False
