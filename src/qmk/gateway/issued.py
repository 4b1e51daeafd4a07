"""Certificates that the gateway's authority gives to others: to clients that must show one, and to servers of the same
installation. Beside what ``authority`` keeps in the folder ``tls``:

- ``issued`` has each certificate that was given, ``NAME-SERIAL.crt``, without its key, which its owner alone has
- ``crl.pem`` has the authority's list of those that were revoked
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from qmk.base.errors import QmkError
from qmk.gateway import authority
from qmk.rpc.private import private_folder, write_private

FOLDER, REVOKED = "issued", "crl.pem"
CLIENT_DAYS = 90
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_LIST = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)
_PUBLIC_BYTES = serialization.Encoding.PEM


class Issued(NamedTuple):
    """A certificate that was given. ``serial``: in hexadecimal."""

    name: str
    serial: str
    is_server: bool
    from_s: float
    until_s: float
    revoked: bool
    of_former: bool = False
    """The authority before the present one gave it, and takes it along when it is dropped."""


def issue(
    data_dir: Path,
    name: str,
    out: Path,
    hosts: Iterable[str] = (),
    days: int = CLIENT_DAYS,
    now: datetime.datetime | None = None,
) -> Issued:
    """Writes a new certificate with its key to ``out``, for its owner alone: of a server at ``hosts``, or of a client
    where there are none. Earlier ones of the name stay good until they end or are revoked. Raises INVALID_PARAMS."""
    if not _NAME.fullmatch(name):
        help = "letters, digits, '.', '_' and '-', at most 64"
        raise QmkError("INVALID_PARAMS", "this is not a name for a certificate", field="name", help=help)
    now = now or datetime.datetime.now(datetime.UTC)
    signer = authority.signer(data_dir, now)
    if authority.days_left(signer[0], now) < days:
        help = f"at most {authority.days_left(signer[0], now)}"
        raise QmkError("INVALID_PARAMS", "the certificate would outlive its authority", field="days", help=help)
    pair = authority.sign(signer, name, set(hosts), now, days)
    folder = data_dir / authority.FOLDER / FOLDER
    private_folder(folder)
    made = _row(pair[0], frozenset())
    try:
        write_private(out, authority.text_of(pair))
        write_private(folder / f"{name}-{made.serial}.crt", pair[0].public_bytes(_PUBLIC_BYTES), 0o644)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise QmkError("INVALID_PARAMS", f"cannot write the certificate: {why}", field="out") from error
    return made


def list_issued(data_dir: Path) -> list[Issued]:
    """All that were given, by name, of each the newest first."""
    revoked = revoked_serials(data_dir / authority.FOLDER / REVOKED)
    certificates = _certificates(data_dir)
    if not certificates:
        return []
    present = authority.signer(data_dir, datetime.datetime.now(datetime.UTC))
    rows = [_row(each, revoked, each.issuer != present[0].subject) for each in certificates]
    return sorted(rows, key=lambda row: row.name)


def revoke(data_dir: Path, name: str, *, older: bool = False, now: datetime.datetime | None = None) -> list[Issued]:
    """Puts the certificates of this name on the list of revoked ones; with ``older`` all but the newest. Gives those
    that are new there. Raises INVALID_PARAMS for a name that has none."""
    now = now or datetime.datetime.now(datetime.UTC)
    rows = [row for row in list_issued(data_dir) if row.name == name]
    if not rows:
        known = ", ".join(sorted({row.name for row in list_issued(data_dir)})) or "none"
        help = f"certificates were given to: {known}"
        raise QmkError("INVALID_PARAMS", f"there is no certificate of '{name[:64]}'", field="name", help=help)
    fresh = [row for row in rows[older:] if not row.revoked]
    write_revoked(data_dir, {int(row.serial, 16) for row in fresh}, now)
    return fresh


def write_revoked(data_dir: Path, more: Iterable[int] = (), now: datetime.datetime | None = None) -> Path:
    """Writes the list of revoked certificates, with ``more`` of them, by serial number; gives its file. While two
    authorities are trusted there is one of each, with the same numbers."""
    now = now or datetime.datetime.now(datetime.UTC)
    signer = authority.signer(data_dir, now)
    path = data_dir / authority.FOLDER / REVOKED
    before = authority.former(data_dir, signer)
    serials = sorted(revoked_serials(path) | set(more))
    lists = [_list(each, serials, now) for each in (signer, before) if each is not None]
    write_private(path, b"".join(lists), 0o644)
    return path


def _list(signer: authority.Pair, serials: list[int], now: datetime.datetime) -> bytes:
    made = x509.CertificateRevocationListBuilder().issuer_name(signer[0].subject).last_update(now)
    made = made.next_update(signer[0].not_valid_after_utc)
    for serial in serials:
        made = made.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        )
    return made.sign(signer[1], hashes.SHA256()).public_bytes(_PUBLIC_BYTES)


def revoked_serials(path: Path) -> frozenset[int]:
    """The serial numbers of the lists of revoked certificates in a file; none where there is no list."""
    try:
        lists = [x509.load_pem_x509_crl(each) for each in _LIST.findall(path.read_bytes())]
    except (FileNotFoundError, ValueError):
        return frozenset()
    return frozenset(each.serial_number for found in lists for each in found)


def _certificates(data_dir: Path) -> list[x509.Certificate]:
    folder = data_dir / authority.FOLDER / FOLDER
    newest_first = sorted(folder.glob("*.crt"), key=lambda path: -path.stat().st_mtime_ns)
    return [x509.load_pem_x509_certificate(path.read_bytes()) for path in newest_first]


def _row(certificate: x509.Certificate, revoked: frozenset[int], of_former: bool = False) -> Issued:
    name = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return Issued(
        str(name),
        f"{certificate.serial_number:x}",
        ExtendedKeyUsageOID.SERVER_AUTH in usage,
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
        certificate.serial_number in revoked,
        of_former,
    )
