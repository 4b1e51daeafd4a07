"""References to secrets: ``KIND:WHERE``, such as ``file:/etc/qmk/ionq.key``.

A reference may stand in a configuration, a log and an error; the secret is read where it is used, when it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from qmk.base.errors import QmkError
from qmk.rpc.private import read_private
from qmk.secrets import redaction

LONGEST = 16384
"""Most bytes of a secret."""


class Reference(NamedTuple):
    """A reference, taken apart. As text it is what was written."""

    kind: str
    where: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"


class _Missing(Exception):
    """Why there is no secret, and what to do."""

    def __init__(self, trouble: str, hint: str) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.hint = hint


def parse(text: str, name: str = "the reference") -> Reference:
    """Takes a reference apart. ``name`` says where it stands. Raises INVALID_PARAMS, which does not repeat the text: it
    may be the secret itself."""
    kind, _, where = text.partition(":")
    if kind not in KINDS or not where:
        raise QmkError("INVALID_PARAMS", f"{name} is not a reference to a secret", field=name, help=_forms(name))
    return Reference(kind, where)


def read(text: str, name: str = "the reference") -> str:
    """Reads the secret that a reference leads to, of at most ``LONGEST`` bytes, without white space round it.

    Raises INVALID_PARAMS with the reason and the fix where there is none, where others than its owner may read it, and
    where a service that keeps it cannot be reached.
    """
    reference = parse(text, name)
    try:
        found = KINDS[reference.kind].read(reference.where).strip()
        if not found:
            raise _Missing("it is empty", "write the secret alone there")
        if len(found.encode()) > LONGEST:
            raise _Missing(f"it has more than {LONGEST} bytes", "it may be another file or entry than you meant")
    except _Missing as missing:
        message = f"cannot read the secret {reference}: {missing.trouble}"
        raise QmkError("INVALID_PARAMS", message, reference=str(reference), help=missing.hint) from missing.__cause__
    redaction.remember(found)
    return found


def _forms(name: str) -> str:
    forms = [f"{kind}:{what.where}" for kind, what in KINDS.items()]
    return f"set {name} to one of {', '.join(forms[:-1])} or {forms[-1]}"


def _read_variable(where: str) -> str:
    found = os.environ.get(where)
    if found is None:
        hint = f"set {where}; a worker process gets it by QMK_WORKER_ENV={where}, or keep the secret in a file"
        raise _Missing(f"the environment variable {where} is not set", hint)
    return found


def _read_file(where: str) -> str:
    return _text_of(os.path.expanduser(where))


def _text_of(path: str | os.PathLike[str]) -> str:
    try:
        data = read_private(path, LONGEST + 1)
    except QmkError as error:
        raise _Missing(error.message, str(error.fields["help"])) from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _Missing(f"{path} holds something else than text", "write the secret as text, in UTF-8") from error


def _read_credential(where: str) -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    hint = f"give the service LoadCredential={where}:PATH or LoadCredentialEncrypted={where}:PATH"
    if not folder:
        raise _Missing("systemd has given this process no credentials (CREDENTIALS_DIRECTORY is not set)", hint)
    if where in (".", "..") or "/" in where:
        raise _Missing("the name of a credential has no slash", hint)
    try:
        return (Path(folder) / where).read_bytes()[: LONGEST + 1].decode("utf-8", "replace")
    except OSError as error:
        raise _Missing(f"systemd has given it no credential {where}", hint) from error


def _read_sealed(where: str) -> str:
    from qmk.secrets.store import Store

    try:
        return Store().read(where)
    except QmkError as error:
        raise _Missing(error.message, str(error.fields.get("help", "see qmk secret list"))) from error


def _read_keyring(where: str) -> str:
    service, _, user = where.rpartition("/")
    if not service or not user:
        raise _Missing("an entry of a keyring has a service and a user", "write keyring:SERVICE/USER")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise _Missing("the package keyring is not installed", "pip install 'quantum-microkernel[secrets]'") from error
    try:
        found = keyring.get_password(service, user)
    except KeyringError as error:
        raise _Missing(f"the keyring does not answer: {error}", "unlock it, or keep the secret in a file") from error
    if found is None:
        raise _Missing("the keyring has no such entry", f"keyring set {service} {user}")
    return found


def _read_vault(where: str) -> str:
    from qmk.secrets import vault

    try:
        return vault.read(where)
    except QmkError as error:
        raise _Missing(error.message, str(error.fields["help"])) from error


class Kind(NamedTuple):
    """One place where secrets are kept. ``where`` is what stands after the colon, as a form."""

    where: str
    doc: str
    read: Callable[[str], str]


KINDS: dict[str, Kind] = {
    "env": Kind("NAME", "an environment variable of the process that needs it", _read_variable),
    "file": Kind("PATH", "a file that only its owner may read", _read_file),
    "store": Kind("NAME", "QMK's own store, a sealed file (`qmk secret set`)", _read_sealed),
    "systemd": Kind("NAME", "a credential that systemd gives the service (`LoadCredential=`)", _read_credential),
    "keyring": Kind("SERVICE/USER", "the keyring of the desktop; extra `secrets`", _read_keyring),
    "vault": Kind("MOUNT/PATH#FIELD", "HashiCorp Vault or OpenBao, KV of version 2; extra `secrets`", _read_vault),
}
