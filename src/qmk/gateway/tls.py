"""The gateway's side of TLS: its certificate, and of whom it asks one. Files are looked at while it runs, and what has
changed holds for connections from then on; those that are open go on.

A context of OpenSSL takes up certificates and never gives one back, so each look that finds something new makes another
context, which a connection gets as it begins: an authority that is no longer in its file is no longer trusted."""

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
    _now: ssl.SSLContext | None = None
    """Of connections that begin now."""

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
        """What connections are accepted with, each by what was in the files at the last look. Raises INVALID_PARAMS."""
        made = self._read()
        made.sni_callback = self._begin
        self.has_changed()
        return made

    def _begin(self, connection: ssl.SSLObject, name: str | None, first: ssl.SSLContext) -> None:
        """Handles the first message of a connection."""
        if self._now is not None:
            connection.context = self._now

    def _read(self) -> ssl.SSLContext:
        """A context of what the files hold now. Raises INVALID_PARAMS."""
        made, at = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.cert
        try:
            made.load_cert_chain(self.cert, self.key)
            for at in (self.client_ca, self.revoked):
                if at is not None:
                    made.load_verify_locations(at)
        except OSError as error:  # of which SSLError is one
            why = (error.strerror or str(error)).lower()
            raise QmkError("INVALID_PARAMS", f"cannot use {at} for TLS: {why}", field="tls") from error
        if self.client_ca is not None:
            made.verify_mode = ssl.CERT_REQUIRED
            made.minimum_version = ssl.TLSVersion.TLSv1_3  # before it, OpenSSL keeps sessions here
            made.num_tickets = 0  # who goes on with an earlier session shows no certificate
        if self.revoked is not None:
            made.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        return made

    def follow(self) -> bool:
        """Has new connections use what has changed; whether there was something. What cannot be used is told in the
        log, and leaves what was there."""
        try:
            if not self.has_changed():
                return False
            self._now = self._read()
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
