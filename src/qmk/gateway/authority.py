"""A certificate authority of this machine alone, for ``--tls auto``: clients are given its certificate, and trust what
it has signed for the names of this gateway. Everything is in the folder ``tls`` of the data folder:

- ``authority.pem`` has the authority's certificate and key, ``ca.pem`` its certificate, which clients are given
- ``server.pem`` has the gateway's certificate and key, made anew before they expire and where the names change
- ``former.pem`` has the authority before this one, while both are trusted (``succession``): ``ca.pem`` has both then,
  and the former signs ``server.pem``, as clients may not have the new ``ca.pem`` yet

``issued`` gives certificates to others.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as _Use
from cryptography.x509.oid import NameOID

from qmk.base.errors import QmkError
from qmk.rpc.private import write_private

FOLDER, FORMER = "tls", "former.pem"
AUTHORITY_DAYS, SERVER_DAYS = 3650, 90
RENEW_DAYS = 30
"""A certificate with fewer days left is made anew."""
EVERYWHERE = {"0.0.0.0", "::"}
"""Addresses to listen at that stand for all of the machine's."""
Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def make_server(data_dir: Path, names: Iterable[str], now: datetime.datetime | None = None) -> tuple[Path, Path]:
    """The files of the authority's certificate, for clients, and of the gateway's certificate with its key. What is
    there is kept while it is good for these names, beside those of this machine. Raises INVALID_PARAMS."""
    now = now or datetime.datetime.now(datetime.UTC)
    wanted = {*names, "localhost", "127.0.0.1", "::1", socket.gethostname().lower()}
    if wanted & EVERYWHERE:
        wanted = wanted - EVERYWHERE | _addresses()
    folder = data_dir / FOLDER
    server, signers = folder / "server.pem", _signers(data_dir, now)
    try:
        kept = _read(server)
        if kept is None or days_left(kept[0], now) < RENEW_DAYS or not _is_good(kept[0], signers, wanted):
            write_private(server, text_of(sign(signers[0], "QMK gateway", wanted, now, SERVER_DAYS)))
    except OSError as error:
        raise cannot_keep(folder, error) from error
    return folder / "ca.pem", server


def renew_server(data_dir: Path, by: Pair | None = None) -> Path:
    """Makes the gateway's certificate anew for the names that it has, which a gateway that runs takes up by itself;
    signed ``by`` an authority, else by that which every client trusts. Gives its file.

    Raises INVALID_PARAMS where there is none."""
    server = data_dir / FOLDER / "server.pem"
    kept = _read(server)
    if kept is None:
        help = "a gateway with --tls auto makes it; one of your own is renewed where it came from"
        raise QmkError("INVALID_PARAMS", f"there is no certificate of a gateway in {server}", field="tls", help=help)
    now = datetime.datetime.now(datetime.UTC)
    names = kept[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    wanted = {str(name.value) for name in names}
    wanted = {name.removeprefix("*") for name in wanted}
    try:
        by = by or _signers(data_dir, now)[0]
        write_private(server, text_of(sign(by, "QMK gateway", wanted, now, SERVER_DAYS)))
    except OSError as error:
        raise cannot_keep(server.parent, error) from error
    return server


def signer(data_dir: Path, now: datetime.datetime) -> Pair:
    """The authority, made where it is not there. Raises INVALID_PARAMS."""
    folder = data_dir / FOLDER
    path, ca = folder / "authority.pem", folder / "ca.pem"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = _read(path)
        if found is None or days_left(found[0], now) < SERVER_DAYS:
            found = make_authority(now)
            write_private(path, text_of(found))
        before = former(data_dir, found)
        trusted = _pem(found[0]) + (b"" if before is None else _pem(before[0]))
        if not ca.exists() or ca.read_bytes() != trusted:
            write_private(ca, trusted, 0o644)
    except OSError as error:
        raise cannot_keep(folder, error) from error
    return found


def former(data_dir: Path, present: Pair) -> Pair | None:
    """The authority before ``present``, while both are trusted."""
    found = _read(data_dir / FOLDER / FORMER)
    return None if found is None or found[0] == present[0] else found


def _signers(data_dir: Path, now: datetime.datetime) -> list[Pair]:
    """The authorities that may sign the gateway's certificate. The first is that which every client trusts: the former
    one, as long as there is one. Raises INVALID_PARAMS."""
    present = signer(data_dir, now)
    before = former(data_dir, present)
    return [present] if before is None or days_left(before[0], now) < SERVER_DAYS else [before, present]


def cannot_keep(folder: Path, error: OSError) -> QmkError:
    """INVALID_PARAMS for a folder that cannot be written."""
    why = (error.strerror or str(error)).lower()
    return QmkError("INVALID_PARAMS", f"cannot keep certificates in {folder}: {why}", field="tls")


def end_of(certificate: Path) -> float:
    """Unix time at which a certificate ends, the first of a file."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()


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


def make_authority(now: datetime.datetime) -> Pair:
    """A new authority, whose name no other has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"QMK authority of {socket.gethostname()[:32]} {token_hex(4)}")
    usage = dict.fromkeys(_USES, False) | {"key_cert_sign": True, "crl_sign": True}
    made = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
    )
    return made.sign(key, hashes.SHA256()), key


def sign(signer: Pair, name: str, hosts: set[str], now: datetime.datetime, days: int) -> Pair:
    """A new certificate with its key: of a server at ``hosts``, or without any of a client."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(_USES, False) | {"digital_signature": True}
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer[1].public_key())
    made = (
        _builder(_name(name), signer[0].subject, key, now, days)
        .add_extension(x509.SubjectAlternativeName(list(map(_general, sorted(hosts or {name})))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_Use.SERVER_AUTH if hosts else _Use.CLIENT_AUTH]), critical=False)
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


def _is_good(server: x509.Certificate, signers: list[Pair], wanted: set[str]) -> bool:
    by = next((each[0] for each in signers if each[0].subject == server.issuer), signers[0][0])
    try:
        server.verify_directly_issued_by(by)
    except (InvalidSignature, TypeError, ValueError):  # it is another authority's
        return False
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {_general(name) for name in wanted} <= set(names)


def days_left(certificate: x509.Certificate, now: datetime.datetime) -> int:
    """Whole days until the certificate ends."""
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


def text_of(pair: Pair) -> bytes:
    """A certificate and its key in PEM."""
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return _pem(pair[0]) + pair[1].private_bytes(serialization.Encoding.PEM, form, plain)
