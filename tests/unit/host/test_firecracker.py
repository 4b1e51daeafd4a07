"""Firecracker's requests against a server that answers as its documents say; no guest is booted."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host import spawn
from qmk.host.isolation.driver import Site
from qmk.host.isolation.drivers import firecracker
from qmk.host.isolation.drivers.firecracker import api
from qmk.host.isolation.drivers.firecracker import machine as firecrackers
from qmk.host.isolation.drivers.microvm import image, machine
from qmk.host.isolation.drivers.sandbox import PREFIX
from qmk.worker.messages import Done, FromWorker, Ready, Run
from qmk.worker.wire import Channel
from tests.unit.host.firecracker_server import serve


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A jail with a server, and the files that a machine boots from."""
    (tmp_path / "vmlinux").write_bytes(b"\x7fELF")
    for name in ("initrd.cpio", "root.squashfs"):
        (tmp_path / name).touch()
    threading.Thread(target=serve, args=(tmp_path, api.SOCKET), daemon=True).start()
    return tmp_path


def test_a_machine_is_made_saved_and_not_changed_once_it_runs(root: Path) -> None:
    socket_file = root / api.SOCKET[1:]
    api.ask(socket_file, api.requests_of_boot("quiet", 2, 512, ["/root.squashfs"]))
    with pytest.raises(QmkError, match=r"refused PUT /machine-config: .* after starting the microVM\. \(status 400\)"):
        api.ask(socket_file, api.requests_of_boot("quiet", 2, 512, ["/root.squashfs"]))
    with pytest.raises(QmkError, match="only allowed for paused"):
        api.ask(socket_file, api.requests_of_save()[1:])
    api.ask(socket_file, api.requests_of_save())
    assert (root / "state").exists()
    assert (root / "memory").exists()


@pytest.mark.parametrize(
    ("method", "path", "body", "match"),
    [("PUT", "/machine-config", {"vcpu_count": 1}, "deserializing"), ("PUT", "/nothing", {}, "Invalid request method"),
     ("GET", "/version", {}, "cannot have a body"),
     ("PUT", "/vsock", {"guest_cid": 2, "uds_path": "/v"}, "guest_cid"),
     ("PUT", "/drives/d", {"drive_id": "d", "is_root_device": False, "path_on_host": "/no"}, "No such file")],
)  # fmt: skip
def test_what_firecracker_refuses_is_told_with_its_words(
    root: Path, method: str, path: str, body: dict[str, object], match: str
) -> None:
    with pytest.raises(QmkError, match=match) as told:
        api.ask(root / api.SOCKET[1:], [api.Request(method, path, body)])
    assert told.value.kind.name == "JOB_FAILED"


def test_without_firecracker_its_api_is_given_up_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LISTENS_S", 0.05)
    with pytest.raises(QmkError, match="Firecracker does not answer"):
        api.ask(tmp_path / "nothing", api.requests_of_save())
    with pytest.raises(QmkError, match="nobody in the guest listens on port 7"):
        api.dial(tmp_path / "nothing", 7, time.monotonic() + 0.05)


def test_a_dial_takes_its_line_and_leaves_the_guests_bytes(tmp_path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "v"))
    server.listen()

    def answer() -> None:
        for said in (b"", b"OK 5\nhello"):  # the first time nobody listens in the guest
            sock, _ = server.accept()
            sock.recv(99)
            sock.sendall(said)
            sock.close()

    threading.Thread(target=answer, daemon=True).start()
    with api.dial(tmp_path / "v", 5000, time.monotonic() + 10) as sock:
        assert sock.recv(99) == b"hello"
    server.close()


def test_what_is_missing_for_firecracker_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(QmkError, match="firecracker is not installed") as told:
        firecracker.require()
    assert "firecracker-microvm" in told.value.fields["help"]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[machine.Host]:
    """A host with an image of short files, and with programs that are called firecracker and jailer."""
    if os.geteuid() or shutil.which("bwrap") is None:
        pytest.skip("the jailer needs root, and bubblewrap: apt-get install it")
    programs = tmp_path / "bin"
    programs.mkdir()
    server = Path(__file__).with_name("firecracker_server.py")
    path = ":".join([str(server.parents[3] / "src"), str(server.parents[3])])
    for name in ("firecracker", "jailer"):
        text = f'#!/bin/sh\nPYTHONPATH={path} exec {sys.executable} {server} "$@"\n'
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    files = {name: os.memfd_create(name) for name in image.FILES}
    os.write(files[image.KERNEL], b"\x7fELF")
    made = image.Image("s", "6", "3", "c", ["native"], {}, {}, {})
    found = machine.Host(made, files, "kvm", firecracker.NAME)
    yield found
    found.close()


def run_on(child: spawn.Child) -> int:
    child.sock.settimeout(20)
    channel: Channel[FromWorker] = Channel(child.sock, FromWorker)
    ready = channel.receive()
    assert isinstance(ready, Ready)
    assert ready.version == "begun"
    channel.send(Run(1, "d", None, "", 7, 0))
    answer = channel.receive()
    assert isinstance(answer, Done)
    return answer.shots


def test_a_machine_boots_is_frozen_and_copied_and_leaves_nothing(host: machine.Host) -> None:
    firecracker.require()
    before = set(Path("/tmp").glob(f"{PREFIX}-{os.getpid()}-*"))
    booting: list[spawn.Child] = []
    frozen = firecrackers.boot(host, Site(1, 64 << 20), "native", booting.append)
    assert booting[0].process.returncode is not None
    children = [frozen.copy(), frozen.copy()]
    assert [run_on(child) for child in children] == [7, 7]
    for child in children:
        child.end()
    frozen.close()
    alone = firecrackers.boot_child(host, Site(1, 64 << 20), "native", frozen=False)[1]
    assert run_on(alone) == 7
    alone.end()
    assert firecrackers.try_empty() > 0
    assert set(Path("/tmp").glob(f"{PREFIX}-{os.getpid()}-*")) == before


def test_a_machine_that_firecracker_refuses_leaves_nothing(host: machine.Host) -> None:
    os.ftruncate(host.files[image.KERNEL], 0)
    before = set(Path("/tmp").glob(f"{PREFIX}-{os.getpid()}-*"))
    with pytest.raises(QmkError, match=r"refused PUT /boot-source: .*Elf magic"):
        firecrackers.boot(host, Site(1, 64 << 20), "native", lambda child: None)
    assert set(Path("/tmp").glob(f"{PREFIX}-{os.getpid()}-*")) == before
