"""QMK's own store of secrets: one file, in which each secret is sealed with a key of its own, and that key with the
store's key (AES-256-GCM, an envelope). Who has the file alone learns the names, and how long each secret is.

The file is ``secrets.json`` in the folder of the daemon's state, or what ``QMK_SECRETS_FILE`` names. The store's key is
``keys/secrets.key`` there, made on first use; or 64 hexadecimal digits that the reference ``QMK_SECRETS_KEY`` leads to.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from qmk.base.errors import QmkError
from qmk.rpc import keys
from qmk.rpc.places import state_dir
from qmk.rpc.private import read_private, write_private
from qmk.secrets import references

KEY_SETTING = "QMK_SECRETS_KEY"
FILE_SETTING = "QMK_SECRETS_FILE"
MOST = 1000
"""Secrets in a store."""
FILE_BYTES = 64 << 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_NONCE = 12


class Sealed(msgspec.Struct, frozen=True):
    """A secret: ``key`` is its key, sealed with the store's, ``value`` the secret, sealed with that. ``changed`` is in
    Unix time (s)."""

    key: bytes
    value: bytes
    changed: int


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds. ``key`` names the store's key, by 16 digits of its digest."""

    version: int
    key: str
    secrets: dict[str, Sealed]


class Store:
    """The store at ``path``. Every call reads the file anew, so that processes may share it."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Path(os.environ.get(FILE_SETTING) or state_dir() / "secrets.json")

    def names(self) -> dict[str, int]:
        """The names, sorted, and when each was changed (Unix time in s)."""
        sheet = self._sheet()
        return {name: sheet.secrets[name].changed for name in sorted(sheet.secrets)}

    def read(self, name: str) -> str:
        """The secret of a name. Raises INVALID_PARAMS where there is none, or where the key does not fit."""
        sheet = self._sheet()
        if name not in sheet.secrets:
            raise _no_secret(name, self.path)
        return self._open(sheet.secrets[name], name, self._key(sheet)).decode()

    def write(self, name: str, secret: str) -> None:
        """Keep a secret under a name, in place of what was there."""
        if NAME.fullmatch(name) is None:
            help = "1 to 128 letters, digits, dots, dashes and underscores, the first a letter or digit"
            raise QmkError("INVALID_PARAMS", "this name is not one for a secret", help=help)
        data = secret.encode()
        if not secret.strip() or len(data) > references.LONGEST:
            help = f"1 to {references.LONGEST} bytes that are not all white space"
            raise QmkError("INVALID_PARAMS", f"what is to be kept as {name} is empty or too long", help=help)
        with self._turn():
            sheet = self._sheet()
            key = self._key(sheet)
            if name not in sheet.secrets and len(sheet.secrets) >= MOST:
                raise QmkError("QUOTA_EXCEEDED", f"the store {self.path} holds {MOST} secrets", help="remove some")
            own = os.urandom(keys.KEY_BYTES)
            sealed = Sealed(seal(key, own, name), seal(own, data, name), int(time.time()))
            self._write(Sheet(1, _name_of(key), {**sheet.secrets, name: sealed}))

    def remove(self, name: str) -> None:
        """Forget a secret."""
        with self._turn():
            sheet = self._sheet()
            if name not in sheet.secrets:
                raise _no_secret(name, self.path)
            left = {other: sealed for other, sealed in sheet.secrets.items() if other != name}
            self._write(msgspec.structs.replace(sheet, secrets=left))

    def rotate(self, reference: str = "") -> int:
        """Seal every secret with a new key of the store, and return how many there are.

        ``reference`` leads to the new key, and has to be ``QMK_SECRETS_KEY`` from then on. Without it the new key
        replaces the file ``keys/secrets.key``; at every moment in between the store can be opened.
        """
        with self._turn():
            sheet = self._sheet()
            old = self._key(sheet)
            if not reference and os.environ.get(KEY_SETTING):
                help = "name where the new key is: qmk secret rotate --key REFERENCE"
                raise QmkError("INVALID_PARAMS", f"{KEY_SETTING} says where the store's key is", help=help)
            path = self._key_path()
            following = path.with_name(path.name + ".next")
            new = key_at(reference) if reference else keys.secret(following)
            resealed = {
                name: Sealed(seal(new, unseal(old, sealed.key, name), name), sealed.value, sealed.changed)
                for name, sealed in sheet.secrets.items()
            }
            self._write(Sheet(1, _name_of(new), resealed))
            if not reference:
                os.replace(following, path)
            return len(resealed)

    def _key_path(self) -> Path:
        return self.path.parent / "keys" / "secrets.key"

    def _key(self, sheet: Sheet) -> bytes:
        """The store's key. A rotation that was cut off between the file and the key is brought to its end."""
        if named := os.environ.get(KEY_SETTING):
            key = key_at(named)
        else:
            path = self._key_path()
            following = path.with_name(path.name + ".next")
            if sheet.key and following.exists() and _name_of(keys.secret(following)) == sheet.key:
                os.replace(following, path)
            if sheet.key and not path.exists():
                raise self._other_key("it is not there", path)
            key = keys.secret(path)
        if sheet.key and _name_of(key) != sheet.key:
            raise self._other_key("it is another one", named or self._key_path())
        return key

    def _other_key(self, trouble: str, where: object) -> QmkError:
        return QmkError(
            "INVALID_PARAMS",
            f"the store {self.path} cannot be opened: its key is looked for at {where}, but {trouble}",
            help=f"restore that key from a backup, or set {KEY_SETTING} to where it is",
        )

    def _open(self, sealed: Sealed, name: str, key: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return unseal(unseal(key, sealed.key, name), sealed.value, name)
        except (InvalidTag, ValueError) as error:
            message = f"the secret {name} in {self.path} was changed by somebody else than QMK"
            raise QmkError("INVALID_PARAMS", message, help=f"set it anew: qmk secret set {name}") from error

    def _sheet(self) -> Sheet:
        if not self.path.exists():
            return Sheet(1, "", {})
        data = read_private(self.path, FILE_BYTES)
        try:
            sheet = msgspec.json.decode(data, type=Sheet)
            fits = sheet.version == 1
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise _damage(self.path, str(error)) from error
        if not fits:
            raise _damage(self.path, f"it is of version {sheet.version}")
        return sheet

    @contextmanager
    def _turn(self) -> Generator[None]:
        """One writer at a time."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _write(self, sheet: Sheet) -> None:
        """Whole, and on disk, or not at all."""
        try:
            write_private(self.path, msgspec.json.format(msgspec.json.encode(sheet), indent=1))
        except OSError as error:
            raise _cannot_write(self.path, error) from error


def key_at(reference: str, setting: str = KEY_SETTING) -> bytes:
    """The key of 64 hexadecimal digits that a reference leads to; ``setting`` is what names it in errors. Raises
    INVALID_PARAMS; a key in the store itself is refused, as the store is among what it opens."""
    if references.parse(reference, setting).kind == "store":
        raise QmkError("INVALID_PARAMS", "the key of the store cannot be in the store", help="keep it elsewhere")
    text = references.read(reference, setting)
    if re.fullmatch(f"[0-9a-f]{{{2 * keys.KEY_BYTES}}}", text, re.ASCII) is None:
        help = f"make one: openssl rand -hex {keys.KEY_BYTES}"
        message = f"what {setting} leads to is not {2 * keys.KEY_BYTES} hexadecimal digits"
        raise QmkError("INVALID_PARAMS", message, help=help)
    return bytes.fromhex(text)


def _name_of(key: bytes) -> str:
    return sha256(b"qmk secrets\0" + key).hexdigest()[:16]


def seal(key: bytes, data: bytes, name: str) -> bytes:
    """A nonce, the sealed data and its tag. The tag vouches for the name too: no secret passes as another."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, name.encode())


def unseal(key: bytes, sealed: bytes, name: str) -> bytes:
    """What ``seal`` was given. Raises ``cryptography.exceptions.InvalidTag`` where key, data or name is another one."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())


def _no_secret(name: str, path: Path) -> QmkError:
    return QmkError(
        "INVALID_PARAMS", f"the store {path} holds no secret of that name", help=f"qmk secret set {name}, then again"
    )


def _damage(path: Path, trouble: str) -> QmkError:
    return QmkError(
        "INVALID_PARAMS", f"the store {path} is damaged: {trouble}", path=str(path), help="restore it from a backup"
    )


def _cannot_write(path: Path, error: OSError) -> QmkError:
    why = (error.strerror or str(error)).lower()
    return QmkError("RESOURCE_EXHAUSTED", f"cannot write the store {path}: {why}", path=str(path), errno=error.errno)
