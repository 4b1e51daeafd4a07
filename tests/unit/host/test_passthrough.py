"""Devices that sandboxes pass on: what they are, what is looked for on a made-up machine, and the commands.

No machine with such a device was at hand, so that no test uses one."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.config import HostConfig
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.driver import Ask, Site
from qmk.host.isolation.drivers import gvisor, passthrough
from qmk.host.isolation.drivers.microvm import driver, machine
from qmk.host.isolation.drivers.microvm.machine import Guest
from qmk.host.isolation.drivers.sandbox import Job
from qmk.host.isolation.policy import Isolation
from qmk.worker.jail import seccomp, syscalls

CARD, FUNCTION, BESIDE = "/dev/nvidia0", "0000:65:00.0", "0000:65:00.1"


class Computer:
    """A made-up /dev and /sys, with a card and its sound function in IOMMU group 17, behind a bridge."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for path in (CARD, *passthrough.CONTROL, passthrough.VFIO, "/dev/vfio/17"):
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            (root / path[1:]).touch()
        self.group = root / "sys/kernel/iommu_groups/17"
        (self.group / "devices").mkdir(parents=True)
        for name in (FUNCTION, BESIDE, "0000:64:00.0"):
            place = self.place(name)
            place.mkdir(parents=True)
            (place / "class").write_text("0x060400\n" if name.startswith("0000:64") else "0x030200\n")
            (place / "iommu_group").symlink_to(self.group)
            (self.group / "devices" / name).symlink_to(place)
        self.bind(FUNCTION, "vfio-pci")
        self.bind("0000:64:00.0", "pcieport")

    def place(self, name: str) -> Path:
        return self.root / "sys/bus/pci/devices" / name

    def bind(self, name: str, driver_name: str) -> None:
        held = self.root / "sys/bus/pci/drivers" / driver_name
        held.mkdir(parents=True, exist_ok=True)
        (self.place(name) / "driver").unlink(missing_ok=True)
        (self.place(name) / "driver").symlink_to(held)
        (held / name).symlink_to(self.place(name))

    def refusal(self, device: str, monitor: str = "") -> QmkError:
        with pytest.raises(QmkError) as caught:
            passthrough.require({"gpu": (device,)}, self.root, monitor)
        assert caught.value.kind.name == "UNSUPPORTED"
        assert caught.value.fields["help"]
        return caught.value


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (-1, -1))
    return Computer(tmp_path)


def test_what_is_there_is_taken(computer: Computer) -> None:
    passthrough.require({"gpu": (CARD, FUNCTION)}, computer.root)
    computer.bind(BESIDE, "vfio-pci")
    passthrough.require({"gpu": (FUNCTION,)}, computer.root)
    assert passthrough.files_of((FUNCTION, BESIDE), computer.root) == ("/dev/vfio/vfio", "/dev/vfio/17")
    assert passthrough.found_here(computer.root) == f"at gvisor {CARD}; at microvm {FUNCTION}, {BESIDE}"


def test_what_is_missing_is_named(computer: Computer) -> None:
    assert "Firecracker passes no PCI device" in computer.refusal(FUNCTION, "Firecracker").message
    computer.bind(BESIDE, "snd_hda_intel")
    assert f"{BESIDE} of the same IOMMU group 17 is held by snd_hda_intel" in computer.refusal(FUNCTION).message
    (computer.place(BESIDE) / "driver").unlink()
    (computer.root / "dev/vfio/17").unlink()
    assert "there is no /dev/vfio/17" in computer.refusal(FUNCTION).message
    computer.bind(FUNCTION, "nvidia")
    refusal = computer.refusal(FUNCTION)
    assert "it is held by nvidia, not by vfio-pci" in refusal.message
    assert refusal.fields["help"] == f"driverctl set-override {FUNCTION} vfio-pci"
    (computer.place(FUNCTION) / "iommu_group").unlink()
    refusal = computer.refusal(FUNCTION)
    assert "it has no iommu_group" in refusal.message
    assert "intel_iommu=on" in str(refusal.fields["help"])
    shutil.rmtree(computer.place(FUNCTION))
    assert f"there is no /sys/bus/pci/devices/{FUNCTION}" in computer.refusal(FUNCTION).message
    (computer.root / "dev/nvidia-uvm").unlink()
    assert "there is no /dev/nvidia-uvm" in computer.refusal(CARD).message
    assert passthrough.found_here(computer.root / "nowhere") == (
        "no file of an NVIDIA card for gvisor; no PCI function held by vfio-pci for microvm"
    )


def test_what_is_named_is_read_or_refused() -> None:
    parsed = passthrough.parse([("a", CARD), ("b", CARD), ("a", FUNCTION), ("a", CARD)])
    assert parsed == {"a": (CARD, FUNCTION), "b": (CARD,)}
    assert passthrough.levels_of(parsed, "a") == ["gvisor", "microvm"]
    assert passthrough.levels_of(parsed, "c") == []
    for bad in ("", "/dev/sda", "/dev/nvidia0/../sda", "65:00.0", f"{FUNCTION},x-foo=1", "0000:65:00.8"):
        with pytest.raises(QmkError, match="neither a file of an NVIDIA card nor a PCI address"):
            passthrough.parse([("a", bad)])
    with pytest.raises(QmkError, match="given to the engines 'a' and 'b'"):
        passthrough.parse([("a", FUNCTION), ("b", FUNCTION)])


def test_a_daemon_does_not_start_without_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    config = HostConfig(devices={"aer": ("ffff:1f:1f.7",)})
    with pytest.raises(QmkError, match=r"ffff:1f:1f\.7 cannot be passed on: there is no /sys/bus/pci/devices"):
        _ = config.policy
    monkeypatch.setenv(machine.MODE, "firecracker")
    with pytest.raises(QmkError, match="firecracker passes no PCI device"):
        _ = config.policy


def test_an_engine_with_a_device_runs_at_a_level_that_passes_it_on() -> None:
    def has(level: Level) -> Capability:
        return Capability(level, level != "microvm", "there is no KVM", "buy one")

    isolation = Isolation(None, has, "jail", {"cards": (CARD,), "functions": (FUNCTION,)})
    assert isolation.level_for("other", None) == "jail"
    assert isolation.level_for("cards", None) == "gvisor"
    with pytest.raises(QmkError, match=r"below isolation level 'microvm'.*there is no KVM"):
        isolation.level_for("functions", None)
    with pytest.raises(QmkError, match=f"'microvm' does not pass on {CARD}"):
        isolation.level_for("cards", None, "microvm")


def test_gvisor_passes_the_files_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gvisor, "program", lambda name, package: f"/usr/bin/{name}")
    files = ("/dev/null", "/dev/zero")
    for devices in (files, ()):
        held = gvisor.GVisor().hold(Job(["/bin/true"], {}, -1, devices=devices))
        specification: dict[str, Any] = json.loads((held.folder / "config.json").read_text())
        shutil.rmtree(held.folder)
        assert ("--nvproxy" in held.command) == bool(devices)
        assert held.command.index("run") > (held.command.index("--nvproxy") if devices else 0)
        assert ["--data=" in word for word in held.command].count(True) == (0 if devices else 1)
        found = specification["linux"]["devices"]
        assert [(row["path"], row["type"], row["major"], row["minor"]) for row in found] == [
            (path, "c", os.major(os.stat(path).st_rdev), os.minor(os.stat(path).st_rdev)) for path in devices
        ]


def test_qemu_passes_the_function_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "program", lambda name, package: f"/usr/bin/{name}")
    monkeypatch.setattr(machine, "files_of", lambda functions: ("/dev/vfio/vfio", "/dev/vfio/17") if functions else ())
    monkeypatch.setattr(machine.os, "geteuid", lambda: 0)
    memory = machine.memory_of(1 << 20)
    files: dict[str, int] = {"vmlinux": 0, "initrd.cpio": 0, "root.squashfs": 0}
    image: Any = None
    host = machine.Host(image, files, "tcg")
    try:
        plain = machine.command(host, Guest(memory, (), 1), 3, 4, 0, copy=False)
        given = machine.command(host, Guest(memory, (), 1, (FUNCTION,)), 3, 4, 0, copy=False)
    finally:
        os.close(memory)
    at = given.index(f"vfio-pci,host={FUNCTION}")
    assert given[at - 1] == "-device"
    bound = [given[at + 1] for at, word in enumerate(given) if word == "--dev-bind"]
    assert {"/dev/vfio/vfio", "/dev/vfio/17"} <= set(bound)
    assert given[given.index("/sys") - 1] == "--ro-bind"
    assert "--memlock=unlimited:unlimited" in given
    assert "--reuid" not in given, "only root may open the file of the group"
    assert "--reuid" in plain
    assert not any("vfio" in word or "memlock" in word or word == "/sys" for word in plain)


def test_one_machine_has_the_function_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Process:
        returncode: int | None = None
        pid = 1

    process = Process()
    no_socket: Any = None
    child = spawn.Child(process, no_socket, -1)  # type: ignore[arg-type]
    machines = driver.MicroVMs(Site(1, devices={"gpu": (FUNCTION,)}))
    monkeypatch.setattr(machines, "single", lambda engine: child)
    monkeypatch.setattr(driver.snapshot, "boot", lambda *_: pytest.fail("it is not copied"))

    async def work() -> list[object]:
        heard: list[object] = []
        born: Future[None] = Future()
        ask = Ask(lambda child: (heard.append(child), born.set_result(None))[0], lambda failed, loss: None)
        machines.prepare("gpu")
        machines.start("gpu", ask)
        with pytest.raises(spawn.Shortage, match=f"{FUNCTION} is held by another virtual machine"):
            machines.start("gpu", ask)
        await asyncio.wrap_future(born)
        with pytest.raises(spawn.Shortage):
            machines.start("gpu", ask)
        process.returncode = 0
        born = Future()
        machines.start("gpu", ask)
        await asyncio.wrap_future(born)
        await machines.close()
        return heard

    assert asyncio.run(work()) == [child, child]


def test_a_worker_with_devices_keeps_ioctl_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The filter is that of other workers, but for one call."""
    from qmk.worker.jail import guest

    programs: list[bytes] = []
    monkeypatch.setattr(guest.PEAK, "reset", lambda: None)
    monkeypatch.setattr(guest.entry, "bound", lambda address_bytes: None)
    monkeypatch.setattr(guest.entry, "drop_capabilities", lambda: None)
    monkeypatch.setattr(guest.os.path, "isdir", lambda path: False)
    monkeypatch.setattr(guest.seccomp, "install", lambda program, listen: programs.append(program))
    environment = dict(os.environ)
    try:
        guest.confine()
        guest.confine(devices=True)
    finally:
        os.environ.clear()
        os.environ.update(environment)
    plain, wide = programs
    step = seccomp.program(os.getpid(), seccomp.REFUSE, (syscalls.IOCTL,), ())
    none = seccomp.program(os.getpid(), seccomp.REFUSE, (), ())
    assert len(wide) - len(plain) == len(step) - len(none) > 0


@pytest.mark.skipif(not gvisor.GVisor().probe().available, reason="runsc does not work here; run tools/hosts.sh")
def test_runsc_takes_the_command_as_far_as_the_driver() -> None:
    """It starts with the card where there is one; else it asks for NVIDIA's driver, and not for another command."""
    held = gvisor.GVisor().hold(Job(["/bin/true"], {"PATH": "/bin"}, -1, devices=("/dev/null",)))
    found = subprocess.run(
        held.command,
        env=held.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    shutil.rmtree(held.folder)
    assert found.returncode == 0 or "Nvidia driver version" in found.stderr, found.stderr
