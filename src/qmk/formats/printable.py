"""Text that comes from programs and callers, made safe to be shown: what a terminal would act on, or show in another
order than it is written, stands there as its code instead."""

from __future__ import annotations

import re

_ACTS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, and with them the escape sequences that each begins with one
    "\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # no width of their own; change direction
    "\U000e0000-\U000e007f\ud800-\udfff"  # tags; halves of pairs, which no encoding has
)
_HIDDEN = re.compile(f"[{_ACTS}]")


def printable(text: str) -> str:
    """``text`` with each such character as its code, such as ``\\x1b``. Line breaks and tabs stay."""
    return _HIDDEN.sub(_show_code, text)


def one_line(text: str) -> str:
    """``printable``, with line breaks and tabs as their codes too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def escape_json(text: str) -> str:
    """JSON that means the same and can be shown: such characters in its texts as their escapes."""
    return _HIDDEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def _show_code(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
