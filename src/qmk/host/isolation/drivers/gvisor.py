"""Level ``gvisor``: a worker under runsc, whose kernel is a program of its own; no KVM and no root is needed.

The root is an empty folder that cannot be written, with the paths of ``worker.jail.root`` bound into it read-only. The
worker gets its socket with ``--pass-fd``. Files of NVIDIA's cards are passed on by nvproxy, whose calls the driver then
answers: ``drivers.passthrough``.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.drivers.sandbox import Held, Job, dies_with_us, folder, program, words_of
from qmk.worker.jail import root

PLATFORM = "systrap"
NEWEST_NEEDED = "runsc of 2023 or later, as in Debian 13 or bookworm-backports"
PROBE_S = 20.0
OWN_BYTES = 512 << 20
"""What runsc may take for itself. It keeps the names of files in /tmp, and does not bound their number."""
FLAGS = ("--network=none", "--ignore-cgroups", "--overlay2=none", "--host-uds=none", "--host-fifo=none",
         "--file-access-mounts=exclusive")  # fmt: skip
CAPABILITIES = ["CAP_SYS_ADMIN"]
"""With it the worker takes /proc and /sys away from itself, then it has none."""


class GVisor:
    level: Level = "gvisor"

    def probe(self) -> Capability:
        """Runs ``true`` in a sandbox."""
        try:
            took_s = self._try()
        except QmkError as error:
            return Capability("gvisor", False, error.message, str(error.fields.get("help", "")))
        return Capability("gvisor", available=True, cost_ms=took_s * 1e3, cost_of="an empty sandbox")

    def _try(self) -> float:
        if sys.platform != "linux" or platform.machine() != "x86_64":
            raise QmkError("UNSUPPORTED", "gVisor is used on Linux on x86-64 only", help="use such a machine")
        started = time.perf_counter()
        held = self.hold(Job(["/bin/true"], {"PATH": "/bin"}, -1))
        try:
            found = subprocess.run(held.command, env=held.environment, capture_output=True, text=True, timeout=PROBE_S,
                                   stdin=subprocess.DEVNULL, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise QmkError("UNSUPPORTED", f"runsc ran 'true' for more than {PROBE_S:g} s", help=NEWEST_NEEDED) from None
        finally:
            shutil.rmtree(held.folder, ignore_errors=True)
        if found.returncode:
            raise QmkError("UNSUPPORTED", f"runsc does not work here: {words_of(found)}", help=f"use {NEWEST_NEEDED}")
        return time.perf_counter() - started

    def hold(self, job: Job) -> Held:
        runsc = program("runsc", "runsc")
        place = folder()
        paths = root.paths_of(job.shows)
        base = place / "root"
        _make_root(base, paths)
        (place / "config.json").write_text(json.dumps(_specification(job, paths)))
        rootless = ["--rootless"] if os.geteuid() else []
        devices = ["--nvproxy"] if job.devices else []
        passed = [] if job.fd < 0 else [f"--pass-fd={job.fd}:{job.fd}"]
        command = [runsc, f"--platform={PLATFORM}", *FLAGS, *devices, *rootless, "--root", str(place / "state"),
                   "run", "--bundle", str(place), *passed, place.name]  # fmt: skip
        return Held(dies_with_us(command, 0 if job.devices else OWN_BYTES), place)


def _make_root(base: Path, paths: tuple[str, ...]) -> None:
    """An empty root with the links among ``paths``, and a place for each of the others."""
    for path in (*paths, root.scratch_of(paths), "/dev", "/proc", "/sys"):
        at = base / path[1:]
        at.parent.mkdir(parents=True, exist_ok=True)
        if os.path.islink(path):
            at.symlink_to(os.readlink(path))
        elif os.path.isdir(path):
            at.mkdir(parents=True, exist_ok=True)
        else:
            at.touch()


def _specification(job: Job, paths: tuple[str, ...]) -> dict[str, Any]:
    """The bundle's ``config.json`` (the runtime specification of the Open Container Initiative)."""
    mounts = [
        {"destination": path, "type": "bind", "source": path, "options": ["rbind", "ro", "nosuid", "nodev"]}
        for path in paths
        if not os.path.islink(path)
    ]
    scratch = [f"size={root.SCRATCH_BYTES}", f"nr_inodes={root.SCRATCH_FILES}", "nosuid", "nodev", "noexec"]
    mounts.append({"destination": root.scratch_of(paths), "type": "tmpfs", "source": "tmpfs", "options": scratch})
    sets = ("bounding", "effective", "permitted")
    return {
        "ociVersion": "1.0.2",
        "hostname": "qmk",
        "root": {"path": "root", "readonly": True},
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": job.command,
            "env": [f"{name}={value}" for name, value in job.environment.items()],
            "cwd": "/",
            "noNewPrivileges": True,
            "capabilities": dict.fromkeys(sets, CAPABILITIES),
        },
        "mounts": mounts,
        "linux": {
            "namespaces": [{"type": name} for name in ("pid", "mount", "network", "ipc", "uts")],
            "devices": [_device(path) for path in job.devices],
        },
    }


def _device(path: str) -> dict[str, Any]:
    """A device file of the host, as the specification has it; nvproxy carries what is done with it."""
    number = os.stat(path).st_rdev
    return {"path": path, "type": "c", "major": os.major(number), "minor": os.minor(number), "fileMode": 0o666}
