"""What was read as a secret in this process stands in no log line and no error."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
SHORTEST = 6
"""Shorter ones are not looked for: they would hide half of every text."""
_TOKENS = re.compile(
    r"qmk1\.[A-Za-z0-9_-]+|(?<=earer )[A-Za-z0-9._~+/=-]+|(?<=asic )[A-Za-z0-9+/=]+|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)",
    re.ASCII,
)
_known: set[str] = set()


def remember(secret: str) -> None:
    """From now on ``hide`` knows the secret, and each of its lines."""
    _known.update(line for line in (secret, *secret.splitlines()) if len(line) >= SHORTEST)


def hide(text: str) -> str:
    """The text without secrets that were read, QMK's tokens, what stands after ``Bearer`` and ``Basic``, and the user
    and password of a URL."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _TOKENS.sub(HIDDEN, text)
