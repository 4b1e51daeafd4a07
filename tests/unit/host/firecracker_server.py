"""A jailer and a Firecracker that boot nothing: the API answers as Firecracker's documents say, and the guest's worker
is a thread that listens behind the file of the vsock.

It takes the command line of the jailer. A request with a field that the documents do not know, without one that they
demand, or at the wrong time is refused with 400 and a ``fault_message``.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

from qmk.worker.messages import Begin, Done, Load, Ready, ToWorker
from qmk.worker.wire import Channel

SCHEMAS: dict[str, tuple[set[str], set[str]]] = {
    "PUT /machine-config": ({"vcpu_count", "mem_size_mib"}, {"smt", "track_dirty_pages", "cpu_template", "huge_pages"}),
    "PUT /boot-source": ({"kernel_image_path"}, {"boot_args", "initrd_path"}),
    "PUT /drives": ({"drive_id", "is_root_device"}, {"path_on_host", "is_read_only", "cache_type", "io_engine"}),
    "PUT /vsock": ({"guest_cid", "uds_path"}, {"vsock_id"}),
    "PUT /actions": ({"action_type"}, set()),
    "PATCH /vm": ({"state"}, set()),
    "PUT /snapshot/create": ({"snapshot_path", "mem_file_path"}, {"snapshot_type"}),
    "PUT /snapshot/load": ({"snapshot_path"}, {"mem_backend", "mem_file_path", "resume_vm", "track_dirty_pages"}),
}
"""For each request the fields that it must have, and those that it may have."""
BEFORE_BOOT = ("PUT /machine-config", "PUT /boot-source", "PUT /drives", "PUT /vsock", "PUT /snapshot/load")


class Vmm:
    """The state of one machine. ``root``: its jail."""

    def __init__(self, root: Path) -> None:
        self.root, self.state = root, "Not started"
        self.has: dict[str, dict[str, Any]] = {}

    def act(self, what: str, body: dict[str, Any]) -> None:
        """Carries out a request. Raises ``ValueError`` with the fault."""
        name = next((known for known in SCHEMAS if what == known or what.startswith(f"{known}/")), None)
        if name is None:
            raise ValueError(f"Invalid request method and/or path: {what}.")
        must, may = SCHEMAS[name]
        if not must <= set(body) or set(body) - must - may:
            raise ValueError(f"An error occurred when deserializing the json body of a request: {sorted(body)}")
        if name in BEFORE_BOOT and self.state != "Not started":
            raise ValueError("The requested operation is not supported after starting the microVM.")
        self.has[what] = body
        getattr(self, name.split()[1].strip("/").replace("/", "_").replace("-", "_"), lambda body: None)(body)

    def file(self, path: str) -> Path:
        """A file of the jail that is there."""
        found = self.root / path.lstrip("/")
        if not path.startswith("/") or not found.is_file():
            raise ValueError(f"cannot open {path}: No such file or directory")
        return found

    def drives(self, body: dict[str, Any]) -> None:
        self.file(body["path_on_host"])

    def boot_source(self, body: dict[str, Any]) -> None:
        if not self.file(body["kernel_image_path"]).read_bytes().startswith(b"\x7fELF"):
            raise ValueError("The kernel file cannot be loaded: Invalid Elf magic number")
        self.file(body["initrd_path"])

    def vsock(self, body: dict[str, Any]) -> None:
        if body["guest_cid"] < 3:
            raise ValueError("Invalid value for guest_cid")

    def actions(self, body: dict[str, Any]) -> None:
        if body["action_type"] != "InstanceStart" or "PUT /boot-source" not in self.has:
            raise ValueError("Cannot start microvm without kernel configuration.")
        self.state = "Running"
        Guest(self, copy=False).start()

    def vm(self, body: dict[str, Any]) -> None:
        self.state = {"Paused": "Paused", "Resumed": "Running"}[body["state"]]

    def snapshot_create(self, body: dict[str, Any]) -> None:
        if self.state != "Paused":
            raise ValueError("save state is only allowed for paused microVMs")
        for field in ("snapshot_path", "mem_file_path"):
            (self.root / body[field].lstrip("/")).write_text(json.dumps(self.has))

    def snapshot_load(self, body: dict[str, Any]) -> None:
        if self.has.keys() - {"PUT /snapshot/load"}:
            raise ValueError("Loading a microVM snapshot not allowed after configuring boot-specific resources.")
        if body["mem_backend"]["backend_type"] != "File":
            raise ValueError("unknown variant")
        self.file(body["mem_backend"]["backend_path"])
        then = json.loads(self.file(body["snapshot_path"]).read_text())
        for what, each in then.items():
            if what.startswith("PUT /drives"):
                self.drives(each)
        self.state = "Running" if body.get("resume_vm") else "Paused"
        self.has.update(then)
        Guest(self, copy=True).start()


class Guest(threading.Thread):
    """The guest's worker. A copy goes on where the machine was saved: it waits to be told to begin."""

    def __init__(self, vmm: Vmm, *, copy: bool) -> None:
        super().__init__(daemon=True)
        self._copy = copy
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(vmm.root / vmm.has["PUT /vsock"]["uds_path"].lstrip("/")))
        self._server.listen()

    def run(self) -> None:
        while True:
            sock, _ = self._server.accept()
            line = b""
            while not line.endswith(b"\n"):
                line += sock.recv(1)
            assert line == b"CONNECT 5000\n", line
            sock.sendall(b"OK 1073741824\n")
            channel: Channel[Any] = Channel(sock, Load | Begin | ToWorker)
            message = channel.receive() if not self._copy else None
            if isinstance(message, Load) and message.frozen:
                channel.send(Ready(message.arguments[1], "saved", 0))
                sock.close()
                continue
            assert isinstance(channel.receive(), Begin)
            channel.send(Ready("native", "begun", 0))
            run = channel.receive()
            channel.send(Done(run.fence, {"0": run.shots}, [], [], [], b"", run.shots, 0.0, 0.0, 0.0, 0, {}))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    vmm: Vmm

    def log_message(self, format: str, *args: object) -> None:
        """It has no address to name."""

    def _handle(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, said = 204, b""
        if self.command == "GET" and text:
            status, said = 400, b'{"fault_message": "GET request cannot have a body."}'
        elif self.command == "GET" and self.path == "/version":
            status, said = 200, b'{"firecracker_version": "1.12.1"}'
        else:
            try:
                self.vmm.act(f"{self.command} {self.path}", json.loads(text or b"{}"))
            except (ValueError, KeyError) as error:
                status, said = 400, json.dumps({"fault_message": str(error)}).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if said:
            self.wfile.write(said)

    do_GET = do_PUT = do_PATCH = _handle


class Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


def serve(root: Path, path: str) -> None:
    """Answers requests on a socket in the jail."""
    handler = type("HandlerOfOne", (Handler,), {"vmm": Vmm(root)})
    with Server(str(root / path.lstrip("/")), handler) as server:
        server.serve_forever()


def main() -> None:
    """The command line of the jailer, with that of Firecracker after ``--``."""
    parser = argparse.ArgumentParser()
    for name in ("--id", "--exec-file", "--uid", "--gid", "--chroot-base-dir", "--resource-limit", "--api-sock"):
        parser.add_argument(name, required=True)
    options = parser.parse_args([word for word in sys.argv[1:] if word != "--"])
    root = Path(options.chroot_base_dir, Path(options.exec_file).name, options.id, "root")
    root.mkdir(parents=True, exist_ok=True)
    os.chown(root, int(options.uid), int(options.gid))
    serve(root, options.api_sock)


if __name__ == "__main__":
    main()
