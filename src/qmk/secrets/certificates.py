"""Certificates that we show to others, by reference, and authorities that we trust: for whoever opens a connection.

A reference leads to a certificate with its key, both in PEM, as one text; ``references`` says where it can be. It is
read again for each new connection, so that a certificate is renewed by writing the new one there.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

from qmk.base.errors import QmkError
from qmk.secrets import references

KEPT = 16
_held: dict[str, tuple[str, int]] = {}
"""For each reference its text, and a file in memory that has it. An earlier one stays open: whoever was given its path
may use it still."""


def file_of(reference: str, name: str) -> str:
    """The path of a file in this process's memory that holds what the reference leads to: OpenSSL takes files alone,
    and reads them twice, for certificate and key, between which a file may be replaced. Where the system has no such
    files it is the file itself. Raises INVALID_PARAMS; ``name`` says where the reference stands."""
    kind, where = references.parse(reference, name)
    text = references.read(reference, name)
    if "PRIVATE KEY-----" not in text or "CERTIFICATE-----" not in text:
        help = "put the certificate and its key there, both in PEM, one below the other"
        raise QmkError("INVALID_PARAMS", f"{name} does not lead to a certificate with its key", field=name, help=help)
    known = _held.get(reference)
    if known is None or known[0] != text:
        if not hasattr(os, "memfd_create"):
            if kind == "file":
                return os.path.expanduser(where)
            help = "keep the certificate in a file, and write file:PATH"
            raise QmkError("UNSUPPORTED", "this system has no files in memory", field=name, help=help)
        fd = os.memfd_create("qmk-certificate")
        os.fchmod(fd, 0o600)
        os.write(fd, text.encode() + b"\n")
        _held[reference] = known = (text, fd)
    return f"/proc/self/fd/{known[1]}"


def context(cafile: str | None = None, reference: str = "", name: str = "the certificate") -> ssl.SSLContext:
    """What a client's connections are made with: servers are checked against the system's authorities, or those in
    ``cafile``, and asked for a certificate we show the one that ``reference`` leads to. Raises INVALID_PARAMS."""
    if reference:
        return _showing(_trusting.__wrapped__(cafile), reference, name)
    try:
        about = os.stat(cafile) if cafile is not None else None
    except OSError:  # reading it says why
        about = None
    return _trusting(cafile, *(() if about is None else (about.st_mtime_ns, about.st_ino, about.st_size)))


@lru_cache(KEPT)
def _trusting(cafile: str | None, *_stamp: int) -> ssl.SSLContext:
    """What trusts the authorities that are in the file now."""
    try:
        return ssl.create_default_context(cafile=cafile)
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else (error.strerror or str(error)).lower()
        what = f"cannot use the file of certificates {cafile}: {why}"
        help = "name a file of certificates in PEM, with that of the authority"
        raise QmkError("INVALID_PARAMS", what, field="cafile", help=help) from error


def _showing(made: ssl.SSLContext, reference: str, name: str) -> ssl.SSLContext:
    try:
        made.load_cert_chain(file_of(reference, name))
    except OSError as error:
        what = f"{name}: cannot use the certificate: {(error.strerror or str(error)).lower()}"
        help = "the key must be that of the certificate, and without a password"
        raise QmkError("INVALID_PARAMS", what, field=name, help=help) from error
    return made
