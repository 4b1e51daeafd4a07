"""What the kernel leaves to policy: choices that can be unfair, slow or unkind, and never unsafe.

A policy proposes and the kernel checks; what it changes of the kernel's is nothing. It is handed to the kernel when the
kernel is made, and lives outside the trusted base (``qmk.policy``).
"""

from __future__ import annotations

from typing import Protocol

from qmk.kernel.capacity import Settings
from qmk.kernel.scheduling import Scheduler


class Policy(Protocol):
    """One for each kernel: what it makes belongs to that kernel alone."""

    def scheduler(self, settings: Settings, /) -> Scheduler:
        """Chooses who is launched next."""
        ...
