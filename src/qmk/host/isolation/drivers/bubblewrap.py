"""Bubblewrap holds native scripts at level ``jail``: namespaces and the root of ``worker.jail.root``, without root.

The filter of calls is that of a jail (``worker.jail.guest``); the process installs it before it reads the script, and
mounts its /tmp, as bubblewrap does not bound the number of files. For both it has the right to mount until then. With
another user id or bubblewrap's ``--dev`` it would be in a second user namespace, without that right.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.drivers.sandbox import Held, Job, folder, program, words_of
from qmk.worker.jail import root

PROBE_S = 10.0
USERS = "allow unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1 (Debian) or " \
    "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)"  # fmt: skip


class Bubblewrap:
    level: Level = "jail"

    def probe(self) -> Capability:
        """Runs ``true`` in a sandbox."""
        started = time.perf_counter()
        try:
            held = self.hold(Job(["/bin/true"], {"PATH": "/bin"}, -1))
        except QmkError as error:
            return Capability("jail", False, error.message, str(error.fields.get("help", "")))
        try:
            found = subprocess.run(held.command, env=held.environment, capture_output=True, text=True, timeout=PROBE_S,
                                   stdin=subprocess.DEVNULL, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            return Capability("jail", False, f"bwrap ran 'true' for more than {PROBE_S:g} s", USERS)
        finally:
            shutil.rmtree(held.folder, ignore_errors=True)
        if found.returncode:
            return Capability("jail", False, f"bwrap does not work here: {words_of(found)}", USERS)
        took_s = time.perf_counter() - started
        return Capability("jail", available=True, cost_ms=took_s * 1e3, cost_of="an empty sandbox")

    def hold(self, job: Job) -> Held:
        paths = root.paths_of(job.shows)
        command = [
            program("bwrap", "bubblewrap"), "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session",
            "--hostname", "qmk", "--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN", "--proc", "/proc",
            "--dir", root.scratch_of(paths), *binds_of(paths), "--remount-ro", "/", "--chdir", "/", "--", *job.command,
        ]  # fmt: skip
        return Held(command, folder(), job.environment)


def binds_of(paths: tuple[str, ...]) -> list[str]:
    """Options that show these paths, read-only, and the devices of a jail."""
    binds: list[str] = []
    for path in paths:
        link = os.path.islink(path)
        binds += ["--symlink", os.readlink(path), path] if link else ["--ro-bind", path, path]
    for path in root.DEVICES:
        binds += ["--dev-bind", path, path]
    return binds
