"""Secrets in HashiCorp Vault or OpenBao: stores of kind KV, version 2, by way of ``hvac``.

``QMK_VAULT_URL`` is the server. ``QMK_VAULT_TOKEN`` leads to a token; or ``QMK_VAULT_ROLE`` names a role of the method
AppRole and ``QMK_VAULT_SECRET`` leads to its secret id. A token is kept in memory, renewed once half of its time is
over, and asked for anew once it has ended. ``QMK_VAULT_NAMESPACE``, ``QMK_VAULT_CA`` (a file) and ``QMK_VAULT_CERT``
(a reference to a certificate with its key) are for servers that want them.
No account of Vault was used to test this: a local server answers as its documentation says.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from qmk.base.errors import QmkError
from qmk.rpc.private import check_address
from qmk.secrets import references
from qmk.secrets.certificates import file_of

TIMEOUT_S = 10


def read(where: str) -> str:
    """The field of ``MOUNT/PATH#FIELD``. Raises INVALID_PARAMS with the field ``help``."""
    path, _, field = where.partition("#")
    mount, _, path = path.partition("/")
    if not (mount and path and field):
        raise _error("this is not an entry of Vault", "write vault:MOUNT/PATH#FIELD, such as vault:secret/qmk#ionq")
    try:
        import hvac.exceptions
        import requests
    except ImportError as error:
        help = "pip install 'quantum-microkernel[secrets]'"
        raise _error("the package hvac is not installed", help) from error
    try:
        client = _signed_in()
        answer = client.secrets.kv.v2.read_secret_version(path=path, mount_point=mount, raise_on_deleted_version=True)
    except hvac.exceptions.InvalidPath as error:
        raise _error(f"Vault has nothing at {mount}/{path}", "look at mount and path: vault kv get") from error
    except hvac.exceptions.Forbidden as error:
        help = f"a policy with 'read' on {mount}/data/{path}, and a token that has not ended"
        raise _error(f"Vault does not let us read {mount}/{path}", help) from error
    except hvac.exceptions.InvalidRequest as error:
        help = "look at QMK_VAULT_ROLE and at what QMK_VAULT_SECRET leads to"
        raise _error("Vault does not take the role with its secret", help) from error
    except (hvac.exceptions.VaultError, requests.RequestException, OSError) as error:
        raise _error(
            f"Vault does not answer: {type(error).__name__}", "look at QMK_VAULT_URL and the server"
        ) from error
    found = answer["data"]["data"].get(field)
    if not isinstance(found, str):
        fields = ", ".join(sorted(answer["data"]["data"])) or "none"
        raise _error(f"{mount}/{path} has no text {field}", f"its fields are: {fields}")
    return found


class _Session:
    """The token of this process, and until when it is good (monotonic time in s)."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.settings: tuple[str, ...] = ()
        self.client: Any = None
        """Of ``hvac``, which has no types."""
        self.half_s = 0.0
        self.end_s = 0.0


_session = _Session()
_NAMES = ("URL", "TOKEN", "ROLE", "SECRET", "NAMESPACE", "CA", "CERT")


def _signed_in() -> Any:
    settings = tuple(os.environ.get(f"QMK_VAULT_{name}", "") for name in _NAMES)
    with _session.lock:
        now = time.monotonic()
        if _session.client is None or settings != _session.settings or now >= _session.end_s:
            _sign_in(settings, now)
        elif now >= _session.half_s:
            _renew(settings, now)
        return _session.client


def _sign_in(settings: tuple[str, ...], now: float) -> None:
    import hvac

    url, token, role, secret, namespace, authority, cert = settings
    if cert.startswith("vault:"):
        raise _error("QMK_VAULT_CERT leads into Vault itself", "keep the certificate for Vault in a file: file:PATH")
    shown = file_of(cert, "QMK_VAULT_CERT") if cert else ""
    client: Any = hvac.Client(
        url=check_address("QMK_VAULT_URL", url, "https://vault.example:8200"),
        namespace=namespace or None,
        verify=authority or True,
        cert=(shown, shown) if shown else None,
        timeout=TIMEOUT_S,
        allow_redirects=False,
    )
    if token:
        client.token = references.read(token, "QMK_VAULT_TOKEN")
        _keep(settings, client, {}, now)
    elif role and secret:
        secret_id = references.read(secret, "QMK_VAULT_SECRET")
        _keep(settings, client, client.auth.approle.login(role_id=role, secret_id=secret_id)["auth"], now)
    else:
        help = "set QMK_VAULT_TOKEN to a reference, or QMK_VAULT_ROLE to a role and QMK_VAULT_SECRET to a reference"
        raise _error("nothing says how to sign in to Vault", help)


def _renew(settings: tuple[str, ...], now: float) -> None:
    import hvac.exceptions
    import requests

    try:
        _keep(settings, _session.client, _session.client.auth.token.renew_self()["auth"], now)
    except hvac.exceptions.InvalidRequest as error:
        help = "look at QMK_VAULT_ROLE and at what QMK_VAULT_SECRET leads to"
        raise _error("Vault does not take the role with its secret", help) from error
    except (hvac.exceptions.VaultError, requests.RequestException):
        _sign_in(settings, now)  # it cannot be renewed for ever


def _keep(settings: tuple[str, ...], client: Any, auth: dict[str, Any], now: float) -> None:
    lasts_s = float(auth.get("lease_duration") or 0) or float("inf")
    _session.settings, _session.client, _session.end_s = settings, client, now + 0.9 * lasts_s
    _session.half_s = now + 0.5 * lasts_s if auth.get("renewable") else _session.end_s


def _error(message: str, help: str) -> QmkError:
    return QmkError("INVALID_PARAMS", message, help=help)
