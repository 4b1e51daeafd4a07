"""What the benchmarks of the service share: a daemon with a gateway beside it, and requests over plain connections."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'


@dataclass(frozen=True)
class Service:
    """A daemon (its pid), its folder, and where its gateway listens."""

    daemon: int
    folder: Path
    url: str

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.rpartition("://")[2].rpartition(":")
        return host, int(port)

    @property
    def gateway(self) -> int:
        """The pid of the gateway that runs now."""
        for pid in children(self.daemon):
            if b"--beside" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        raise ProcessLookupError("there is no gateway")


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def rss_bytes(pid: int) -> int:
    """Memory of a process that is its own or shared, in bytes."""
    match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) << 10 if match else 0


@contextmanager
def service(*arguments: str) -> Iterator[Service]:
    """``qmk serve --http`` with these arguments more."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, min(most, 16_384)), most))
    with tempfile.TemporaryDirectory(prefix="qmk-service-") as folder:
        command = [sys.executable, "-m", "qmk", "serve", "--http", "127.0.0.1:0", *arguments]
        places = {"QMK_STATE_DIR": folder, "QMK_SOCKET": f"{folder}/s", "QMK_CONFIG_DIR": folder}
        daemon = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **places})
        assert daemon.stderr is not None
        try:
            daemon.stderr.readline()
            url = daemon.stderr.readline().removeprefix("listening on ").partition(";")[0]
            urllib.request.urlopen(f"{url}/health").close()  # the gateway starts after the daemon
            yield Service(daemon.pid, Path(folder), url)
        finally:
            daemon.terminate()
            daemon.wait()


class Connection:
    """One connection of HTTP/1.1, with as little of a client as there can be: heads are read, lengths are believed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", headers: str = "") -> tuple[int, bytes]:
        """Status and body of an answer. Raises OSError, and EOFError where the connection ends before it."""
        reader = await self.send(method, path, body, headers)
        status, head = await self._head(reader)
        length = re.search(rb"content-length: (\d+)", head)
        return status, await reader.readexactly(int(length[1])) if length else b""

    async def send(self, method: str, path: str, body: bytes = b"", headers: str = "") -> asyncio.StreamReader:
        if self._writer is None or self._writer.is_closing() or self._reader is None or self._reader.at_eof():
            self._reader, self._writer = await asyncio.open_connection(*self._address, limit=1 << 22)
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}{length}\r\n".encode() + body)
        return self._reader

    async def follow(self, path: str) -> asyncio.StreamReader:
        """What comes behind the head of a stream."""
        reader = await self.send("GET", path, headers="Accept: text/event-stream\r\n")
        status, _ = await self._head(reader)
        assert status == 200, status
        return reader

    async def _head(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = await reader.readuntil(b"\r\n\r\n")
        return int(head[9:12]), head

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None
