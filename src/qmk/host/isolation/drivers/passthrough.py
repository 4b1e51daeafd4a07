"""Devices that a sandbox passes on to the workers of an engine: NVIDIA's device files, and PCI functions held by VFIO.

``qmk serve --gpu ENGINE=DEVICE`` names one. A device file such as ``/dev/nvidia0`` is passed on by gVisor, whose
nvproxy carries the driver's calls; a PCI address such as ``0000:65:00.0`` by QEMU, to one virtual machine at a time. So
the engine runs at that level, or not at all. What the kernel says of the devices is looked at when the daemon starts.
No machine with such a device was at hand: what is tested is what is looked for, and the commands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.base.isolation import LEVELS, Level

Devices = Mapping[str, tuple[str, ...]]
"""The devices of each engine that has some, as they were named."""
FILE = re.compile(r"/dev/nvidia[0-9]{1,3}")
FUNCTION = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
CONTROL = ("/dev/nvidiactl", "/dev/nvidia-uvm")
"""Device files that the driver's library opens besides that of a card."""
VFIO = "/dev/vfio/vfio"
DRIVER = "vfio-pci"
_BRIDGE = "0x0604"
"""The class of a bridge between buses, which may be in a group without VFIO."""


def level_of(device: str) -> Level:
    """The level that passes the device on. Raises INVALID_PARAMS."""
    if FILE.fullmatch(device):
        return "gvisor"
    if FUNCTION.fullmatch(device):
        return "microvm"
    fix = "give a file such as /dev/nvidia0, or a PCI address such as 0000:65:00.0 (lspci -D lists them)"
    message = f"--gpu: '{device[:60]}' is neither a file of an NVIDIA card nor a PCI address"
    raise QmkError("INVALID_PARAMS", message, field="gpu", help=fix)


def levels_of(devices: Devices, engine: str) -> list[Level]:
    """The levels that pass on a device of the engine, the weakest first; none for an engine without any."""
    return sorted({level_of(device) for device in devices.get(engine, ())}, key=LEVELS.index)


def devices_at(devices: Devices, engine: str, level: Level) -> tuple[str, ...]:
    """What this level passes on to workers of the engine."""
    return tuple(device for device in devices.get(engine, ()) if level_of(device) == level)


def parse(given: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Pairs of an engine and a device, as devices by engine. Raises INVALID_PARAMS; a PCI function is one engine's."""
    found: dict[str, tuple[str, ...]] = {}
    owners: dict[str, str] = {}
    for engine, device in given:
        level = level_of(device)
        if device in found.get(engine, ()):
            continue
        owner = owners.setdefault(device, engine)
        if level == "microvm" and owner != engine:
            message = f"--gpu: {device} is given to the engines '{owner}' and '{engine}'"
            raise QmkError("INVALID_PARAMS", message, field="gpu", help="a PCI function belongs to one engine")
        found[engine] = (*found.get(engine, ()), device)
    return found


def require(devices: Devices, root: Path = Path("/"), monitor: str = "") -> None:
    """Raises UNSUPPORTED with what is missing of a device, and the fix. ``root``: where /dev and /sys are looked for;
    ``monitor``: what runs virtual machines, where that is not QEMU."""
    for device in dict.fromkeys(device for named in devices.values() for device in named):
        if level_of(device) == "gvisor":
            _require_files((device, *CONTROL), root)
        elif monitor:
            message = f"{monitor} passes no PCI device on to a guest, so {device} cannot be given to one"
            raise QmkError("UNSUPPORTED", message, device=device, help="use QEMU: leave QMK_MICROVM out")
        else:
            _require_function(device, root)


def group_of(function: str, root: Path = Path("/")) -> str:
    """The number of the function's IOMMU group, empty where there is none."""
    link = _place(function, root) / "iommu_group"
    return os.path.basename(os.readlink(link)) if link.is_symlink() else ""


def files_of(functions: Iterable[str], root: Path = Path("/")) -> tuple[str, ...]:
    """The device files by which QEMU holds these functions."""
    groups = dict.fromkeys(group_of(function, root) for function in functions)
    return (VFIO, *(f"/dev/vfio/{group}" for group in groups)) if groups else ()


def found_here(root: Path = Path("/")) -> str:
    """What there is to be passed on, in words."""
    cards = sorted(
        f"/dev/{path.name}" for path in (root / "dev").glob("nvidia*") if FILE.fullmatch(f"/dev/{path.name}")
    )
    held = root / "sys/bus/pci/drivers" / DRIVER
    functions = sorted(path.name for path in held.glob("*") if FUNCTION.fullmatch(path.name))
    at_gvisor = f"at gvisor {', '.join(cards)}" if cards else "no file of an NVIDIA card for gvisor"
    at_microvm = f"at microvm {', '.join(functions)}" if functions else f"no PCI function held by {DRIVER} for microvm"
    return f"{at_gvisor}; {at_microvm}"


def _place(function: str, root: Path) -> Path:
    return root / "sys/bus/pci/devices" / function


def _require_files(paths: Iterable[str], root: Path) -> None:
    for path in paths:
        if not (root / path[1:]).exists():
            fix = "install NVIDIA's driver, and have nvidia-modprobe -u -c=0 make its device files"
            raise QmkError("UNSUPPORTED", f"there is no {path}, which gVisor would pass on", device=path, help=fix)
        if not os.access(root / path[1:], os.R_OK | os.W_OK):
            fix = "give the daemon's user access, such as by the group that owns it"
            raise QmkError("UNSUPPORTED", f"this user may not open {path}", device=path, help=fix)


def _require_function(function: str, root: Path) -> None:
    place = _place(function, root)

    def refuse(why: str, fix: str) -> QmkError:
        return QmkError("UNSUPPORTED", f"{function} cannot be passed on: {why}", device=function, help=fix)

    if not place.exists():
        raise refuse(f"there is no /sys/bus/pci/devices/{function}", "lspci -D lists the PCI functions of this machine")
    group = group_of(function, root)
    if not group:
        fix = "switch the IOMMU on in the firmware, and boot Linux with intel_iommu=on or amd_iommu=on"
        raise refuse("it has no iommu_group", fix)
    for other in sorted((place / "iommu_group" / "devices").glob("*")):
        if (other / "class").exists() and (other / "class").read_text().startswith(_BRIDGE):
            continue
        driver = os.path.basename(os.readlink(other / "driver")) if (other / "driver").is_symlink() else "no driver"
        if other.name == function and driver != DRIVER:
            raise refuse(f"it is held by {driver}, not by {DRIVER}", f"driverctl set-override {function} {DRIVER}")
        if driver not in (DRIVER, "no driver"):
            why = f"{other.name} of the same IOMMU group {group} is held by {driver}"
            raise refuse(why, f"driverctl set-override {other.name} {DRIVER}")
    for path in (VFIO, f"/dev/vfio/{group}"):
        if not (root / path[1:]).exists():
            raise refuse(f"there is no {path}", "modprobe vfio-pci")
        if not os.access(root / path[1:], os.R_OK | os.W_OK):
            raise refuse(f"this user may not open {path}", f"chown it to the daemon's user: chown USER {path}")
    import resource  # not on every system

    if os.geteuid() and resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] != resource.RLIM_INFINITY:
        fix = "LimitMEMLOCK=infinity in the unit of systemd, or 'ulimit -l unlimited' as root"
        raise refuse("VFIO locks the guest's memory, and the user's limit of locked memory is too low", fix)
