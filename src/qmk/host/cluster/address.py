"""What names a cluster: the text of ``--cluster``, with the options of its kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from qmk.base.errors import QmkError
from qmk.host.cluster import kubernetes_options, slurm_options
from qmk.host.cluster.resources import read_slots

LOCAL, SLURM, KUBERNETES = "ray", "slurm", "kubernetes"
OPTIONS: Mapping[str, Mapping[str, str]] = {SLURM: slurm_options.OPTIONS, KUBERNETES: kubernetes_options.OPTIONS}
"""The options of each kind of cluster that has some, and what each is."""
_PLACE = re.compile(r"(ray://)?([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_VALUE = re.compile(r"[A-Za-z0-9_.:,/@+=*&|()\[\] -]{1,256}")


def read_cluster(text: str) -> str | None:
    """The address to join: empty for a Ray cluster that is started on this machine; None where there is no cluster.

    Raises INVALID_PARAMS for any other text than ``ray``, ``slurm``, ``kubernetes``, ``HOST:PORT`` and
    ``ray://HOST:PORT``.
    """
    if not text:
        return None
    if text == LOCAL:
        return ""
    if text in (SLURM, KUBERNETES):
        return text
    found = _PLACE.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        what = f"a cluster is 'slurm', 'kubernetes', 'ray', HOST:PORT or ray://HOST:PORT, not '{text}'"
        raise QmkError("INVALID_PARAMS", what, help="'ray' starts one on this machine; HOST:PORT joins one of Ray's")
    return text


def kind_of(address: str) -> str:
    """The kind of the cluster at an address of ``read_cluster``."""
    return address if address in OPTIONS else LOCAL


def check_cluster(text: str, options: Mapping[str, str], slots: Sequence[str], count: int) -> None:
    """Raises INVALID_PARAMS unless the options and the descriptions of ``count`` slots fit the cluster."""
    address = read_cluster(text)
    if address is None:
        if slots:
            raise QmkError("INVALID_PARAMS", "slots are of a cluster", field="slots", help="--slot goes with --cluster")
        if options:
            what = "options of a cluster need one"
            raise QmkError("INVALID_PARAMS", what, field="cluster_options", help="--cluster-option goes with --cluster")
        return
    kind = kind_of(address)
    for name, value in options.items():
        known = OPTIONS.get(kind, {})
        if name not in known:
            what = f"a cluster of kind '{kind}' has no option '{name}'"
            help = f"it has {', '.join(known)}" if known else f"options are of {' and '.join(OPTIONS)}"
            raise QmkError("INVALID_PARAMS", what, field="cluster_options", help=help)
        if not _VALUE.fullmatch(value):
            what, help = f"'{value}' cannot be the {name} of a cluster's jobs", f"{name} is {known[name]}"
            raise QmkError("INVALID_PARAMS", what, field="cluster_options", help=help)
    for slot in read_slots(slots, count):
        if kind == SLURM:
            slurm_options.sbatch_options(1, slot)
        elif kind == KUBERNETES:
            kubernetes_options.amounts(1, slot)
    if kind == KUBERNETES and not options.get("image"):
        what = "a cluster of kind 'kubernetes' needs the image of its slots"
        help = f"--cluster-option image=IMAGE: {kubernetes_options.OPTIONS['image']}"
        raise QmkError("INVALID_PARAMS", what, field="cluster_options", help=help)
