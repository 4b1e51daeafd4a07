"""What surrounds a virtual machine, without one: its image, its memory, its command, its monitor, its agent's port."""

from __future__ import annotations

import errno
import hashlib
import json
import mmap
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.drivers.microvm import image, kvm, machine, qmp, snapshot
from qmk.host.isolation.policy import Isolation
from qmk.host.losses import UNKNOWN, judge_end
from qmk.host.watch import innermost
from qmk.sdk import discovery
from qmk.worker.messages import Begin, FromWorker, Load, Ready
from qmk.worker.vm import agent, init
from qmk.worker.vm.ports import Listening, Port
from qmk.worker.vm.status import code_of, status_of
from qmk.worker.wire import Channel


def require(*programs: str) -> None:
    for name in programs:
        if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin:/sbin:/bin") is None:
            pytest.skip(f"{name} is not installed; run tools/hosts.sh")


def test_a_status_comes_out_of_the_machine_as_it_was_and_is_never_qemus_own() -> None:
    statuses = [*range(62), *range(-1, -64, -1)]
    codes = [2 * code_of(status) + 1 for status in statuses]
    assert [status_of(code) for code in codes] == statuses
    assert 1 not in codes
    assert all(0 < code < 256 for code in codes)
    assert [status_of(code) for code in (0, 1, -9)] == [0, 1, -9]


def test_a_worker_that_the_guest_killed_counts_as_one_without_memory(capfd: pytest.CaptureFixture[str]) -> None:
    assert [init.tell_want_of_memory(status) for status in (0, 3, -signal.SIGSEGV)] == [0, 3, -signal.SIGSEGV]
    status = init.tell_want_of_memory(-signal.SIGKILL)
    assert judge_end("native", status, capfd.readouterr().err, "", False, UNKNOWN).cause == "memory"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with an image of three short files."""
    files = {name: name.encode() for name in image.FILES}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    made = image.Image("s", "6.1", image.python_version(), image.code_digest(), ["native"], {}, {}, digests)
    (tmp_path / image.MANIFEST).write_bytes(msgspec.json.encode(made))
    return tmp_path


def test_an_image_is_read_and_each_of_its_files_is_the_one_that_was_made(place: Path) -> None:
    found = image.read(place)
    files = image.open_files(place, found)
    assert [os.pread(fd, 99, 0) for fd in files.values()] == [name.encode() for name in image.FILES]
    for fd in files.values():
        os.close(fd)
    before = set(os.listdir("/proc/self/fd"))
    (place / image.ROOT).write_bytes(b"changed")
    with pytest.raises(QmkError, match=r"root\.squashfs is not the file that image\.json names") as told:
        image.open_files(place, found)
    assert "guest_image.py" in told.value.fields["help"]
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("field", "value", "match"),
    [("python", "3.1.4", "another Python"), ("code", "abc", "another QMK"), ("files", {}, "lacks vmlinux"),
     ("engines", 5, "does not describe a guest image")],
)  # fmt: skip
def test_an_image_of_another_kind_is_refused(place: Path, field: str, value: object, match: str) -> None:
    manifest = place / image.MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), field: value}))
    with pytest.raises(QmkError, match=match) as told:
        image.read(place)
    assert "guest_image.py" in told.value.fields["help"]


def test_without_an_image_the_level_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(QmkError, match="there is no guest image in"):
        image.read(tmp_path / "nowhere")


def test_a_sealed_memory_can_be_changed_in_a_copy_only() -> None:
    memory = machine.memory_of(1 << 20)
    size = os.fstat(memory).st_size
    assert size % (2 << 20) == 0
    assert size > machine.GUEST_BYTES
    with mmap.mmap(memory, mmap.PAGESIZE) as shared:
        shared[:5] = b"guest"
        with pytest.raises(OSError, match="busy") as told:
            machine_gone_at_once(memory)
        assert told.value.errno == errno.EBUSY
    machine.seal(memory)
    again = os.open(f"/proc/self/fd/{memory}", os.O_RDWR)
    with pytest.raises(PermissionError):
        os.pwrite(again, b"x", 0)
    with pytest.raises(PermissionError):
        mmap.mmap(again, mmap.PAGESIZE)
    with mmap.mmap(again, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE) as own:
        own[:5] = b"other"
    assert os.pread(memory, 5, 0) == b"guest"
    os.close(again)
    os.close(memory)


def machine_gone_at_once(memory: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "GONE_S", 0.0)
        machine.seal(memory)


def test_a_pipe_holds_a_state_or_says_that_it_is_too_small() -> None:
    data = os.urandom(700_000)
    with os.fdopen(machine.full_pipe(data), "rb") as file:
        assert file.read() == data
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match=r"."):
        machine.full_pipe(bytes(1 << 31))
    assert set(os.listdir("/proc/self/fd")) == before


def test_the_command_of_a_machine_gives_it_no_network_and_no_disk_that_it_can_write(place: Path) -> None:
    require("qemu-system-x86_64", "bwrap")
    found = image.read(place)
    host = machine.Host(found, image.open_files(place, found), "tcg")
    guest = machine.Guest(machine.memory_of(1 << 20), (), 1)
    words = {copy: machine.command(host, guest, 40, 41, 3, copy=copy) for copy in (False, True)}
    text = " ".join(words[False])
    assert "-nodefaults" in words[False]
    assert not any(word.startswith(("-net", "-nic", "virtio-net", "user,")) for word in words[False])
    assert text.count("-blockdev") == text.count("read-only=on") == 1
    assert "spawn=deny" in text
    assert "--unshare-all" in text
    assert ("--reuid" in text) == (os.geteuid() == 0)
    assert "share=on" in text
    assert words[True][-2:] == ["-incoming", "defer"]
    assert "share=off" in " ".join(words[True])
    os.close(guest.memory)
    host.close()


@pytest.mark.parametrize(
    ("trouble", "mode", "expected"),
    [(None, "", "kvm"), (None, "dev", "kvm"), (("no KVM", "buy one"), "dev", "tcg"), (("no KVM", "buy one"), "", "")],
)
def test_the_interpreter_is_used_only_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, trouble: Any, mode: str, expected: str
) -> None:
    monkeypatch.setattr(kvm, "missing", lambda: trouble)
    monkeypatch.setenv(machine.MODE, mode)
    if expected:
        assert machine.accelerator() == expected
        return
    with pytest.raises(QmkError, match="no KVM; without it QEMU interprets") as told:
        machine.accelerator()
    assert told.value.fields["help"] == "buy one; to try the level all the same, set QMK_MICROVM=dev"


@pytest.mark.parametrize(
    ("said", "match"), [("2e9", None), ("3e5", "0.3 million instructions a second"), ("", "no guest")]
)
def test_kvm_is_judged_by_its_rate(
    monkeypatch: pytest.MonkeyPatch, said: str, match: str | None, tmp_path: Path
) -> None:
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\necho {said}\n")
    script.chmod(0o755)
    monkeypatch.setattr(kvm, "DEVICE", str(script))
    monkeypatch.setattr(kvm.sys, "executable", str(script))
    found = kvm.missing()
    assert (found is None) == (match is None)
    if found is not None and match is not None:
        assert match in found[0]


def test_an_engine_that_the_image_does_not_hold_is_refused_with_the_fix() -> None:
    found = Capability("microvm", available=True, engines=frozenset({"native"}))
    isolation = Isolation("microvm", lambda level: found, "microvm")
    assert isolation.level_for("native", discovery.engine("native")) == "microvm"
    with pytest.raises(QmkError, match="engine 'stabilizer' is not in the image of level 'microvm'") as told:
        isolation.level_for("stabilizer", discovery.engine("stabilizer"))
    assert "--engine stabilizer" in told.value.fields["help"]


class Qemu(threading.Thread):
    """The monitor of a machine: it answers as QEMU's protocol says, and keeps what it was asked."""

    def __init__(self, state: bytes, refuses: str = "") -> None:
        super().__init__(daemon=True)
        self.ours, self.theirs = socket.socketpair()
        self.asked: list[dict[str, Any]] = []
        self._state, self._refuses, self._looks = state, refuses, 0
        self.start()

    def run(self) -> None:
        with self.theirs:
            self._say({"QMP": {"version": {}, "capabilities": []}})
            text, files = b"", list[int]()
            while True:
                data, fds, _, _ = socket.recv_fds(self.theirs, 1 << 16, 1)
                if not data:
                    return
                text, files = text + data, files + fds
                while b"\n" in text:
                    line, _, text = text.partition(b"\n")
                    self._answer(json.loads(line), files)

    def _answer(self, asked: dict[str, Any], files: list[int]) -> None:
        self.asked.append(asked)
        name = asked["execute"]
        if name == self._refuses:
            self._say({"error": {"class": "GenericError", "desc": "not now"}})
            return
        found: dict[str, Any] = {}
        if name == "migrate":
            self._say({"return": {}})
            self._say({"event": "STOP", "data": {}})
            with os.fdopen(files.pop(), "wb") as file:
                file.write(self._state)
            return
        if name == "query-migrate":
            self._looks += 1
            found = {"status": "completed" if self._looks > 2 else "device"}
        self._say({"return": found})

    def _say(self, what: dict[str, Any]) -> None:
        self.theirs.sendall(json.dumps(what).encode() + b"\r\n")


def test_the_monitor_saves_a_machine_without_its_memory() -> None:
    state = os.urandom(300_000)
    qemu = Qemu(state)
    monitor = qmp.Monitor(qemu.ours)
    monitor.begin()
    assert monitor.save() == state
    names = [each["execute"] for each in qemu.asked]
    assert names[:4] == ["qmp_capabilities", "migrate-set-capabilities", "getfd", "migrate"]
    assert qemu.asked[1]["arguments"]["capabilities"] == [{"capability": "x-ignore-shared", "state": True}]
    qemu.ours.close()


def test_a_monitor_that_refuses_or_ends_is_told_of_in_a_sentence() -> None:
    qemu = Qemu(b"", refuses="migrate")
    monitor = qmp.Monitor(qemu.ours)
    monitor.begin()
    with pytest.raises(QmkError, match="QEMU's monitor failed at migrate: not now"):
        monitor.save()
    ours, theirs = socket.socketpair()
    theirs.close()
    with pytest.raises(QmkError, match="QEMU's monitor failed at recv: it has ended"):
        qmp.Monitor(ours).begin()
    ours.close()
    qemu.ours.close()


def test_what_a_copy_is_told_before_it_starts_is_lines_of_json() -> None:
    asked = [json.loads(line) for line in qmp.commands_of_copy(12).splitlines()]
    assert asked[-1] == {"execute": "migrate-incoming", "arguments": {"uri": "fd:12"}}
    assert [each["execute"] for each in asked[:2]] == ["qmp_capabilities", "migrate-set-capabilities"]


def test_a_port_is_a_socket_to_a_channel() -> None:
    ours, theirs = socket.socketpair()
    port = Port(theirs.detach())
    ours.sendall(b"abc")
    assert port.recv(2) + port.recv(9) == b"abc"
    data = os.urandom(3_000_000)
    sender = threading.Thread(target=port.sendall, args=(data,))
    sender.start()
    found = b""
    while len(found) < len(data):
        found += ours.recv(1 << 20)
    sender.join()
    assert found == data
    ours.close()
    assert port.recv(9) == b""
    os.close(port.fileno())


def test_a_folder_becomes_a_disk(tmp_path: Path) -> None:
    require("mksquashfs")
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "module.py").write_text("ENGINE = 1\n")
    disk = snapshot.disk_of(str(tmp_path / "engine"), tmp_path)
    assert os.read(disk, 4) == b"hsqs"
    os.close(disk)
    with pytest.raises(QmkError, match="mksquashfs cannot make a disk"):
        snapshot.disk_of(str(tmp_path / "nowhere"), tmp_path)


def test_a_machine_that_listens_is_joined_anew_by_each_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(arguments: list[str], channel: Channel[Any], begin: Callable[[Ready], None]) -> int:
        begin(Ready(arguments[0], "saved", 0))
        channel.send(Ready(arguments[0], "begun", 0))
        return 0

    begun: list[Begin] = []
    monkeypatch.setattr(agent.main, "main", work)
    monkeypatch.setattr(agent, "renew", begun.append)
    monkeypatch.setattr(agent.gc, "freeze", lambda: None)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "guest"))
    guest = threading.Thread(target=agent.serve, args=(Listening(server),), daemon=True)
    guest.start()
    for sent, version in ((Load(["native"], frozen=True), "saved"), (Begin(b"entropy", 5), "begun")):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(tmp_path / "guest"))
            channel: Channel[FromWorker] = Channel(sock, FromWorker)
            channel.send(sent)
            assert channel.receive() == Ready("native", version, 0)
    guest.join(10)
    assert begun == [Begin(b"entropy", 5)]
    server.close()


def test_the_process_behind_a_chain_of_programs_is_found(tmp_path: Path) -> None:
    for pid, children in ((10, "11 "), (11, "12 "), (12, ""), (20, "21 22 ")):
        (tmp_path / str(pid) / "task" / str(pid)).mkdir(parents=True)
        (tmp_path / str(pid) / "task" / str(pid) / "children").write_text(children)
    assert [innermost(pid, tmp_path) for pid in (10, 12, 20, 99)] == [12, 12, 20, 99]
