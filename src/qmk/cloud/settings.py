"""Where a provider is and how it knows us, from environment variables that hold no secret themselves.

``QMK_CLOUD_<ENGINE>_URL`` is the provider's address, ``QMK_CLOUD_<ENGINE>_KEY`` says where the key is: ``env:NAME`` or
``file:PATH``. The key is read when a run begins; it enters no program, journal, log, error or result.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from qmk.base.errors import QmkError
from qmk.rpc.private import is_loopback, read_private

LONGEST_KEY = 16384
"""Most bytes of a key."""


def variable(engine: str, what: str) -> str:
    """The environment variable of one setting of an engine, such as ``QMK_CLOUD_IONQ_URL``."""
    return f"QMK_CLOUD_{engine.upper().replace('-', '_')}_{what}"


def setting(engine: str, what: str, default: str = "") -> str:
    """The setting of an engine, or ``default``."""
    return os.environ.get(variable(engine, what)) or default


def address(engine: str, default: str, what: str = "URL") -> str:
    """The provider's address, as ``check_address`` gives it."""
    return check_address(variable(engine, what), setting(engine, what, default), default or "https://host")


def check_address(name: str, url: str, example: str) -> str:
    """The address that ``name`` says, without a slash at its end. Raises INVALID_PARAMS unless it is ``https``, or
    ``http`` on this machine: a key must not travel in the clear."""
    url = url.rstrip("/")
    try:
        parts = urlsplit(url)
        fits = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        fits = fits and bool(parts.hostname) and "@" not in parts.netloc and not (parts.query or parts.fragment)
    except ValueError:
        fits = False
    if not fits:
        raise QmkError(
            "INVALID_PARAMS",
            f"{name} is not an https address (http is for this machine alone)",
            field=name,
            help=f"set it such as {example}, without a user, a query or a fragment",
        )
    return url


def key(engine: str, default: str) -> str:
    """The secret that the setting KEY refers to. Raises AUTH_FAILED, which names the reference and never the secret."""
    name = variable(engine, "KEY")
    reference = setting(engine, "KEY", default)
    kind, _, where = reference.partition(":")
    if kind == "env" and where:
        found, trouble = os.environ.get(where, ""), f"the environment variable {where} is not set"
        hint = f"set {where}, and for a worker process QMK_WORKER_ENV={where}; or name a file: {name}=file:PATH"
    elif kind == "file" and where:
        found, trouble, hint = "", f"{where} is empty", f"put the key alone into that file, with 'chmod 600 {where}'"
        try:
            found = read_private(os.path.expanduser(where), LONGEST_KEY + 1).decode("ascii", "replace")
        except QmkError as error:
            trouble, hint = error.message, str(error.fields["help"])
    else:  # the value is not repeated: it may be the key itself
        found, trouble, hint = "", f"{name} is not a reference to a key", f"write {name}=env:NAME or {name}=file:PATH"
    found = found.strip()
    if found and not (found.isascii() and found.isprintable() and len(found) <= LONGEST_KEY):
        found, trouble = "", f"what {name} refers to is not one line of plain text"
    if not found:
        raise QmkError("AUTH_FAILED", f"no key for engine '{engine}': {trouble}", engine=engine, help=hint)
    return found
