"""Options of ``sbatch``: those that an operator sets for all slots, and what asks for the resources of one."""

from __future__ import annotations

import math
from collections.abc import Mapping

from qmk.base.errors import QmkError
from qmk.host.cluster.resources import CPU, MEMORY, Resources

OPTIONS: Mapping[str, str] = {
    "partition": "a partition, such as quantum",
    "account": "whom the jobs are charged to",
    "qos": "a quality of service",
    "time": "how long a slot may be there, such as 04:00:00",
    "constraint": "features of nodes, such as skylake&ib",
    "reservation": "a reservation",
    "folder": "a folder that every node and this machine share",
}
QPU = "qpu:"


def sbatch_options(threads: int, resources: Resources) -> dict[str, str]:
    """What asks for a slot of so many threads unless ``resources`` says ``cpu``. ``qpu:NAME`` becomes ``--qpu=NAME``,
    the option of QRMI's plugin; any other name, ``gpu`` among them, is a generic resource of Slurm. Raises
    INVALID_PARAMS for a part of one: Slurm counts whole ones."""
    others = dict(resources)
    options = {"cpus-per-task": f"{others.pop(CPU, threads):.0f}"}
    if MEMORY in others:
        options["mem"] = f"{math.ceil(others.pop(MEMORY) / 2**20)}M"
    for name, amount in others.items():
        if amount % 1 or (name.startswith(QPU) and amount != 1):
            rule = (
                f"{name} is 1, as Slurm gives it by its name" if name.startswith(QPU) else f"{name} is a whole number"
            )
            raise QmkError("INVALID_PARAMS", f"--slot: with Slurm {rule}, not {amount:g}", field="slots")
    qpus = [name.removeprefix(QPU) for name in others if name.startswith(QPU)]
    gres = [f"{name}:{amount:.0f}" for name, amount in others.items() if not name.startswith(QPU)]
    return options | {option: ",".join(said) for option, said in (("gres", gres), ("qpu", qpus)) if said}
