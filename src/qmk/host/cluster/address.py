"""What names a cluster: the text of ``--cluster``."""

from __future__ import annotations

import re

from qmk.base.errors import QmkError

LOCAL, SLURM = "ray", "slurm"
_PLACE = re.compile(r"(ray://)?([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


def read_cluster(text: str) -> str | None:
    """The address to join: empty for a Ray cluster that is started on this machine; None where there is no cluster.

    Raises INVALID_PARAMS for any other text than ``ray``, ``slurm``, ``HOST:PORT`` and ``ray://HOST:PORT``.
    """
    if not text:
        return None
    if text == LOCAL:
        return ""
    if text == SLURM:
        return SLURM
    found = _PLACE.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        what = f"a cluster is 'slurm', 'ray', HOST:PORT or ray://HOST:PORT, not '{text}'"
        raise QmkError("INVALID_PARAMS", what, help="'ray' starts one on this machine; the others join one")
    return text
