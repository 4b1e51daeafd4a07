"""A certificate authority of this machine alone, for ``--tls auto``: clients are given its certificate, and trust what
it has signed for the names of this gateway. Everything is in the folder ``tls`` of the data folder:

- ``authority.pem`` has the authority's certificate and key, ``ca.pem`` its certificate, which clients are given
- ``server.pem`` has the gateway's certificate and key, made anew before they expire and where the names change
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from qmk.base.errors import QmkError
from qmk.rpc.private import write_private

FOLDER = "tls"
AUTHORITY_DAYS, SERVER_DAYS = 3650, 90
RENEW_DAYS = 30
"""A certificate with fewer days left is made anew."""
EVERYWHERE = {"0.0.0.0", "::"}
"""Addresses to listen at that stand for all of the machine's."""
Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def make_server(data_dir: Path, names: Iterable[str], now: datetime.datetime | None = None) -> tuple[Path, Path]:
    """The files of the authority's certificate, for clients, and of the gateway's certificate with its key. What is
    there is kept while it is good for these names, beside those of this machine. Raises INVALID_PARAMS."""
    folder, now = data_dir / FOLDER, now or datetime.datetime.now(datetime.UTC)
    wanted = {*names, "localhost", "127.0.0.1", "::1", socket.gethostname().lower()}
    if wanted & EVERYWHERE:
        wanted = wanted - EVERYWHERE | _addresses()
    ca, server, authority = folder / "ca.pem", folder / "server.pem", folder / "authority.pem"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        signer = _read(authority)
        if signer is None or _days_left(signer[0], now) < SERVER_DAYS:
            signer = _authority(now)
            write_private(authority, _text(signer))
        if not ca.exists() or ca.read_bytes() != _pem(signer[0]):
            write_private(ca, _pem(signer[0]), 0o644)
        kept = _read(server)
        if kept is None or _days_left(kept[0], now) < RENEW_DAYS or not _is_good(kept[0], signer[0], wanted):
            write_private(server, _text(_server(signer, wanted, now)))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise QmkError("INVALID_PARAMS", f"cannot keep certificates in {folder}: {why}", field="tls") from error
    return ca, server


def fingerprint(certificate: Path) -> str:
    """The SHA-256 of a certificate, as browsers and openssl show it."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256()).hex(":").upper()


def names_of(certificate: Path) -> frozenset[str]:
    """The hosts that a certificate is for; one for all below a name begins with a dot."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return frozenset()
    return frozenset(name.lower().removeprefix("*") for name in alternatives.get_values_for_type(x509.DNSName))


def _addresses() -> set[str]:
    """Those that this machine knows by its own name."""
    try:
        found = {str(row[4][0]) for row in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()
    return {address for address in found if "%" not in address}


def _authority(now: datetime.datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"QMK authority of {socket.gethostname()[:32]}")
    usage = dict.fromkeys(_USES, False) | {"key_cert_sign": True, "crl_sign": True}
    made = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
    )
    return made.sign(key, hashes.SHA256()), key


def _server(signer: Pair, names: set[str], now: datetime.datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(_USES, False) | {"digital_signature": True}
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer[1].public_key())
    made = (
        _builder(_name("QMK gateway"), signer[0].subject, key, now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in sorted(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
    )
    return made.sign(signer[1], hashes.SHA256()), key


_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(f"*{name}" if name.startswith(".") else name)


def _is_good(server: x509.Certificate, signer: x509.Certificate, wanted: set[str]) -> bool:
    try:
        server.verify_directly_issued_by(signer)
    except (InvalidSignature, TypeError, ValueError):  # it is another authority's
        return False
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {_general(name) for name in wanted} <= set(names)


def _days_left(certificate: x509.Certificate, now: datetime.datetime) -> int:
    return (certificate.not_valid_after_utc - now).days


def _read(path: Path) -> Pair | None:
    """A certificate and its key; None where they are not there, or are not both of one kind of ours."""
    try:
        data = path.read_bytes()
        certificate, key = x509.load_pem_x509_certificate(data), serialization.load_pem_private_key(data, None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return (certificate, key) if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _text(pair: Pair) -> bytes:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return _pem(pair[0]) + pair[1].private_bytes(serialization.Encoding.PEM, form, plain)
