"""Where a provider is and how it knows us, from environment variables that hold no secret themselves.

``QMK_CLOUD_<ENGINE>_URL`` is the provider's address, ``QMK_CLOUD_<ENGINE>_KEY`` says where the key is, as
``secrets.read`` takes it. The key is read when a run begins; it enters no program, journal, log, error or result.
"""

from __future__ import annotations

import os

from qmk.base.errors import QmkError
from qmk.rpc.private import check_address
from qmk.secrets import read as read_secret


def variable(engine: str, what: str) -> str:
    """The environment variable of one setting of an engine, such as ``QMK_CLOUD_IONQ_URL``."""
    return f"QMK_CLOUD_{engine.upper().replace('-', '_')}_{what}"


def setting(engine: str, what: str, default: str = "") -> str:
    """The setting of an engine, or ``default``."""
    return os.environ.get(variable(engine, what)) or default


def address(engine: str, default: str, what: str = "URL") -> str:
    """The provider's address, as ``check_address`` gives it."""
    return check_address(variable(engine, what), setting(engine, what, default), default or "https://host")


def key(engine: str, default: str) -> str:
    """The secret that the setting KEY refers to. Raises AUTH_FAILED, which names the reference and never the secret."""
    name = variable(engine, "KEY")
    try:
        found = read_secret(setting(engine, "KEY", default), name)
    except QmkError as error:
        message = f"no key for engine '{engine}': {error.message}"
        raise QmkError("AUTH_FAILED", message, engine=engine, help=error.fields["help"]) from error
    if not (found.isascii() and found.isprintable()):
        message = f"no key for engine '{engine}': what {name} refers to is not one line of plain text"
        raise QmkError("AUTH_FAILED", message, engine=engine, help="put the key alone there")
    return found
