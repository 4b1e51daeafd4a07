"""The gateway's side of TLS: its certificate, and of whom it asks one. Files are looked at while it runs, and what has
changed holds for connections from then on; those that are open go on."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography import x509

from qmk.base.errors import QmkError
from qmk.gateway.authority import end_of
from qmk.gateway.issued import revoked_serials

log = logging.getLogger("qmk.gateway")


@dataclass
class Tls:
    """``cert`` and ``key`` are files. ``client_ca``: callers must show a certificate of the authorities in this file,
    and none that is revoked in ``revoked``."""

    cert: Path
    key: Path
    client_ca: Path | None = None
    revoked: Path | None = None
    _stamps: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])

    def files(self) -> Iterator[Path]:
        for path in (self.cert, self.key, self.client_ca, self.revoked):
            if path is not None:
                yield path

    def has_changed(self) -> bool:
        """Whether a file is another than at the last look."""
        found = [(about.st_mtime_ns, about.st_ino, about.st_size) for about in map(Path.stat, self.files())]
        changed, self._stamps = found != self._stamps, found
        return changed

    def context(self) -> ssl.SSLContext:
        """What connections are accepted with. Raises INVALID_PARAMS."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.load(made)
        if self.client_ca is not None:
            made.verify_mode = ssl.CERT_REQUIRED
        if self.revoked is not None:
            made.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        self.has_changed()
        return made

    def load(self, into: ssl.SSLContext) -> None:
        """Has new connections use what the files hold now. Raises INVALID_PARAMS, and leaves what was there."""
        at = self.cert
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.cert, self.key)  # a pair that does not fit
            into.load_cert_chain(self.cert, self.key)
            for at in (self.client_ca, self.revoked):
                if at is not None:
                    into.load_verify_locations(at)
        except OSError as error:  # of which SSLError is one
            why = (error.strerror or str(error)).lower()
            raise QmkError("INVALID_PARAMS", f"cannot use {at} for TLS: {why}", field="tls") from error

    def follow(self, into: ssl.SSLContext) -> bool:
        """Loads what has changed; whether there was something. What cannot be used is told in the log."""
        try:
            if not self.has_changed():
                return False
            self.load(into)
        except (OSError, QmkError) as error:
            log.error("the certificate stays what it was: %s", error)
            return False
        log.info("new connections are served with what is now in %s", ", ".join(map(str, self.files())))
        return True

    def is_revoked(self, certificate: bytes) -> bool:
        """Whether a certificate in PEM is on the list."""
        if self.revoked is None:
            return False
        about = self.revoked.stat()
        return _serial(certificate) in _serials(self.revoked, about.st_mtime_ns, about.st_ino)

    def ends(self) -> dict[str, float]:
        """Unix times at which certificates end: that of the gateway, and of the authority of its callers."""
        named = {"gateway": self.cert, "client-authority": self.client_ca}
        return {name: end_of(path) for name, path in named.items() if path is not None}


@lru_cache(256)
def _serial(certificate: bytes) -> int:
    return x509.load_pem_x509_certificate(certificate).serial_number


@lru_cache(4)
def _serials(path: Path, *_stamp: int) -> frozenset[int]:
    return revoked_serials(path)
