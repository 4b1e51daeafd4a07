"""One authority follows another in two steps, between which both are trusted, so that no request is lost.

``begin`` makes the new one, which gives certificates to clients and servers from then on. ``ca.pem`` has both: it goes
to the clients. The gateway's own certificate stays one of the former authority until ``finish``, which has the new
authority sign it and drops the former: its certificates are refused from then on.
"""

from __future__ import annotations

import datetime
import time
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.gateway import authority, issued
from qmk.rpc.private import write_private

SHOWN_S = 3.0
"""Within this time a gateway takes up what was written."""


def begin(data_dir: Path, now: datetime.datetime | None = None) -> Path:
    """Makes a new authority; gives the file that clients have to trust from now on. Raises INVALID_PARAMS where the
    authority before is still trusted."""
    now = now or datetime.datetime.now(datetime.UTC)
    present = authority.signer(data_dir, now)
    if authority.former(data_dir, present) is not None:
        help = "end it: qmk certificates rotate --authority --finish"
        raise QmkError("INVALID_PARAMS", "a rotation of the authority is under way", field="authority", help=help)
    folder = data_dir / authority.FOLDER
    try:
        write_private(folder / authority.FORMER, authority.text_of(present))
        write_private(folder / "authority.pem", authority.text_of(authority.make_authority(now)))
    except OSError as error:
        raise authority.cannot_keep(folder, error) from error
    issued.write_revoked(data_dir, now=now)
    if (folder / "server.pem").exists():
        time.sleep(SHOWN_S)  # the gateway takes the new authority's certificates when this returns
    return folder / "ca.pem"


def finish(data_dir: Path, *, force: bool = False, now: datetime.datetime | None = None) -> Path:
    """Has the new authority sign the gateway's certificate, and drops the one before; gives the file that clients have
    to trust. Raises INVALID_PARAMS where no rotation is under way and, without ``force``, where somebody's newest
    certificate is of the authority before."""
    now = now or datetime.datetime.now(datetime.UTC)
    folder = data_dir / authority.FOLDER
    present = authority.signer(data_dir, now)
    if authority.former(data_dir, present) is None:
        help = "begin one: qmk certificates rotate --authority"
        raise QmkError("INVALID_PARAMS", "no rotation of the authority is under way", field="authority", help=help)
    late = waiting(data_dir)
    if late and not force:
        what = f"these have no certificate of the new authority: {', '.join(late)[:500]}"
        help = "give them one: qmk certificates issue NAME; or --force refuses them"
        raise QmkError("INVALID_PARAMS", what, field="authority", help=help)
    if (folder / "server.pem").exists():
        authority.renew_server(data_dir, present)
        time.sleep(SHOWN_S)
    gone = {int(row.serial, 16) for row in issued.list_issued(data_dir) if row.of_former}
    try:
        (folder / authority.FORMER).unlink()
    except OSError as error:
        raise authority.cannot_keep(folder, error) from error
    issued.write_revoked(data_dir, gone, now)
    return folder / "ca.pem"


def waiting(data_dir: Path) -> list[str]:
    """Who has a certificate that is good, and none of the new authority."""
    good = [row for row in issued.list_issued(data_dir) if not row.revoked and row.until_s > time.time()]
    return sorted({row.name for row in good if row.of_former} - {row.name for row in good if not row.of_former})
