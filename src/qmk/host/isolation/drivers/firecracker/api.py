"""Firecracker's API: JSON over HTTP on a Unix socket. A request that was carried out is answered with 200 or 204.

The paths and fields are those of Firecracker 1.12 (src/firecracker/swagger/firecracker.yaml of its source).
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from qmk.base.errors import QmkError

ANSWER_S = 60.0
LISTENS_S = 10.0
LOOK_EVERY_S = 0.005


class Request(NamedTuple):
    method: str
    path: str
    body: dict[str, Any] | None = None


def requests_of_boot(boot_args: str, processors: int, memory_mib: int, disks: Iterable[str]) -> list[Request]:
    """What makes a machine and starts it. ``disks``: files of its jail, the root first."""
    source = {"kernel_image_path": "/vmlinux", "initrd_path": "/initrd.cpio", "boot_args": boot_args}
    drives = [
        {"drive_id": f"disk{number}", "path_on_host": path, "is_root_device": False, "is_read_only": True}
        for number, path in enumerate(disks)
    ]
    return [
        Request("PUT", "/machine-config", {"vcpu_count": processors, "mem_size_mib": memory_mib, "smt": False}),
        Request("PUT", "/boot-source", source),
        *(Request("PUT", f"/drives/{drive['drive_id']}", drive) for drive in drives),
        Request("PUT", "/vsock", {"guest_cid": 3, "uds_path": VSOCK}),
        Request("PUT", "/actions", {"action_type": "InstanceStart"}),
    ]


def requests_of_save() -> list[Request]:
    """What stops a machine and writes its state and its memory."""
    files = {"snapshot_type": "Full", "snapshot_path": STATE, "mem_file_path": MEMORY}
    return [Request("PATCH", "/vm", {"state": "Paused"}), Request("PUT", "/snapshot/create", files)]


def request_of_copy() -> Request:
    """What has a new machine go on from what was written; its memory is copied page by page, when it is written to."""
    backend = {"backend_type": "File", "backend_path": MEMORY}
    return Request("PUT", "/snapshot/load", {"snapshot_path": STATE, "mem_backend": backend, "resume_vm": True})


SOCKET, VSOCK, STATE, MEMORY = "/api.sock", "/vsock.sock", "/state", "/memory"
"""Files in the jail of a machine."""


class Connection(http.client.HTTPConnection):
    """HTTP on a Unix socket. The file of the socket is there before anybody listens."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        until_s = time.monotonic() + LISTENS_S
        while True:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(ANSWER_S)
            try:
                self.sock.connect(str(self._path))
                return
            except (FileNotFoundError, ConnectionRefusedError):
                self.sock.close()
                if time.monotonic() > until_s:
                    raise
            time.sleep(LOOK_EVERY_S)


def ask(path: Path, requests: Iterable[Request]) -> None:
    """Carries out these requests, one after the other. Raises JOB_FAILED with what Firecracker said."""
    connection = Connection(path)
    try:
        for request in requests:
            headers = {"Accept": "application/json", "Content-Type": "application/json"}
            body = None if request.body is None else json.dumps(request.body)
            connection.request(request.method, request.path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status not in (200, 204):
                raise _trouble(request, f"{_fault(said)} (status {answer.status})")
    except (OSError, http.client.HTTPException) as error:
        raise QmkError("JOB_FAILED", f"Firecracker does not answer: {error or type(error).__name__}") from error
    finally:
        connection.close()


def dial(path: Path, port: int, until_s: float) -> socket.socket:
    """A connection to who listens on ``port`` in the guest; ``until_s``, on the monotonic clock: how long it is waited
    for. Raises JOB_FAILED."""
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(ANSWER_S)
        try:
            sock.connect(str(path))
            sock.sendall(f"CONNECT {port}\n".encode())
            if _line(sock).startswith(b"OK "):
                return sock
        except OSError:
            pass  # the guest, or Firecracker, is not ready
        sock.close()
        if time.monotonic() > until_s:
            raise QmkError("JOB_FAILED", f"nobody in the guest listens on port {port}")
        time.sleep(LOOK_EVERY_S)


def _line(sock: socket.socket) -> bytes:
    """The first line, and no byte more: what follows is the guest's."""
    text = b""
    while not text.endswith(b"\n") and len(text) < 64:
        data = sock.recv(1)
        if not data:
            break
        text += data
    return text


def _fault(said: bytes) -> str:
    try:
        return str(json.loads(said)["fault_message"])
    except (ValueError, KeyError, TypeError):
        return said.decode(errors="replace")[:300]


def _trouble(request: Request, why: str) -> QmkError:
    return QmkError("JOB_FAILED", f"Firecracker refused {request.method} {request.path}: {why}", request=request.path)
