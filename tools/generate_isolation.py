"""Write ``deploy/isolation``: what each level of isolation allows, for containers, AppArmor and Falco."""

from __future__ import annotations

import sys

from pages import write_or_check

from qmk.host.isolation.policies import LEVELS, write

FOLDER = "deploy/isolation"


def _files() -> dict[str, str]:
    out = {f"{FOLDER}/seccomp-jail-worker.json": write("jail", "seccomp", worker=True)}
    for level in LEVELS:
        out[f"{FOLDER}/seccomp-{level}.json"] = write(level, "seccomp")
        out[f"{FOLDER}/apparmor-{level}"] = write(level, "apparmor")
        out[f"{FOLDER}/falco-{level}.yaml"] = write(level, "falco")
    return out


if __name__ == "__main__":
    sys.exit(write_or_check(_files(), sys.argv[1:]))
