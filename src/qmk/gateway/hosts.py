"""What the header ``Host`` of a request says: whether it names this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from qmk.rpc.private import is_loopback

HOSTS = 256
"""Values of the header whose meaning is kept: nearly every request has one of few."""
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?", re.ASCII | re.IGNORECASE)


def is_here(headers: Mapping[str, str]) -> bool:
    """Whether the request names this machine's own interface."""
    return _names_here(headers.get("host", ""))


@lru_cache(HOSTS)
def _names_here(header: str) -> bool:
    host = _HOST.fullmatch(header)
    return host is not None and is_loopback(host[1] or host[2])
