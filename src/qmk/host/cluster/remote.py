"""A slot's runner behind TLS on TCP, for clusters that start processes and carry no calls of ours.

Both ends show the same certificate, whose key lies in a file that only their user reads, and accept no other. A call
names its slot, so that one that has got the port of another is not taken for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from qmk.host.cluster import messages as ms
from qmk.host.cluster.batches import Batches
from qmk.host.cluster.interface import SlotAway, SlotLost
from qmk.rpc.keys import make
from qmk.rpc.private import private_folder, read_private
from qmk.rpc.splitter import RECEIVE_BYTES
from qmk.worker.wire import Unframer, WireError, frame

IDENTITY = "slots.pem"
CONNECT_S = 5.0
YEARS = 10
IDENTITY_BYTES = 1 << 16


class Call(msgspec.Struct, frozen=True):
    """To a slot: call ``name`` of its runner. ``ref`` comes back with the answer."""

    ref: int
    slot: str
    name: str
    token: str = ""
    number: int = 0
    orders: list[bytes] = []


class Answer(msgspec.Struct, frozen=True):
    """From a slot. ``mistaken``: the call was for another."""

    ref: int
    number: int = 0
    data: bytes = b""
    text: str = ""
    mistaken: bool = False


def make_identity(path: Path) -> None:
    """Makes the certificate and key of a daemon's slots, unless they are there. Raises as ``rpc.keys.make``."""
    if path.exists():
        return
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1))
    made = made.not_valid_after(now + datetime.timedelta(days=365 * YEARS))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    subject = x509.SubjectAlternativeName([x509.DNSName("slot.qmk.internal")])
    certificate = made.add_extension(subject, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    private_folder(path.parent, only_if_new=True)
    make(path, certificate.public_bytes(serialization.Encoding.PEM) + private)


def context_of(path: Path, *, server: bool) -> ssl.SSLContext:
    """What an end of a connection shows and accepts. Raises INVALID_PARAMS where others may read the key."""
    read_private(path, IDENTITY_BYTES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the key is what counts, wherever the slot is
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(path)
    context.load_verify_locations(path)
    return context


class Target(Protocol):
    """What a slot serves: its runner."""

    async def attach(self, token: str) -> bytes: ...
    async def tell(self, token: str, number: int, orders: list[bytes]) -> None: ...
    async def hear(self, token: str, number: int) -> tuple[int, bytes]: ...
    async def node(self) -> str: ...
    async def close(self) -> None: ...
    async def end_alone(self) -> None: ...


def _listen(host: str, port: int) -> socket.socket:
    """One socket for IPv4 and IPv6 where ``host`` is empty: two would have two ports."""
    if not host and socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):  # this machine has no IPv6
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


async def serve(
    target: Target, slot: str, context: ssl.SSLContext, listening: Callable[[int], None], host: str = "", port: int = 0
) -> None:
    """Answers calls until it is told to close. ``host``: empty for every address of this machine; ``port``: 0 for any
    that is free; ``listening`` is told which."""
    closed = asyncio.Event()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks: set[asyncio.Task[None]] = set()
        with contextlib.suppress(OSError, WireError, ssl.SSLError, asyncio.CancelledError):
            async for call in _messages(reader, Call):
                task = asyncio.create_task(answer(call, writer))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        writer.close()

    async def answer(call: Call, writer: asyncio.StreamWriter) -> None:
        ours = call.slot == slot
        answer = await _follow(target, call) if ours else Answer(call.ref, mistaken=True)
        with contextlib.suppress(OSError, RuntimeError):
            writer.write(frame(answer))
            await writer.drain()
        if ours and call.name == "close":
            closed.set()

    sock = _listen(host, port)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # its connections inherit it; asyncio sets it for some
    server = await asyncio.start_server(connect, sock=sock, ssl=context, ssl_handshake_timeout=CONNECT_S)
    listening(sock.getsockname()[1])
    alone = asyncio.create_task(target.end_alone())
    await closed.wait()
    alone.cancel()
    server.close()


async def _follow(target: Target, call: Call) -> Answer:
    if call.name == "attach":
        return Answer(call.ref, data=await target.attach(call.token))
    if call.name == "tell":
        await target.tell(call.token, call.number, call.orders)
        return Answer(call.ref)
    if call.name == "hear":
        return Answer(call.ref, *await target.hear(call.token, call.number))
    if call.name == "node":
        return Answer(call.ref, text=await target.node())
    if call.name == "close":
        await target.close()
        return Answer(call.ref)
    return Answer(call.ref, mistaken=True)


async def _messages(reader: asyncio.StreamReader, kind: Any) -> AsyncGenerator[Any]:
    unframer: Unframer[Any] = Unframer(kind)
    while data := await reader.read(RECEIVE_BYTES):
        for message in unframer.feed(data):
            yield message


class RemoteSlot:
    """A slot at ``host`` and ``port``. Its calls share one connection, which is made anew when it breaks."""

    def __init__(self, name: str, host: str, port: int, context: ssl.SSLContext) -> None:
        self.name, self._host, self._port, self._context = name, host, port, context
        self._ref = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def call(self, name: str, token: str = "", number: int = 0, orders: list[bytes] | None = None) -> Any:
        """What the runner answers. Raises ``SlotLost`` where nobody listens or another slot does, ``SlotAway`` where
        the connection breaks or none can be made."""
        async with self._lock:
            writer = self._writer or await self._connect()
        self._ref += 1
        ref = self._ref
        self._waiting[ref] = asyncio.get_running_loop().create_future()
        try:
            writer.write(frame(Call(ref, self.name, name, token, number, orders or [])))
            await writer.drain()
            answer = await self._waiting[ref]
        except OSError as error:
            raise SlotAway(f"the connection to {self._host} broke: {error}") from None
        finally:
            self._waiting.pop(ref, None)
        if answer.mistaken:
            raise SlotLost(f"another slot listens at {self._host}:{self._port}")
        return {"attach": answer.data, "hear": (answer.number, answer.data), "node": answer.text}.get(name)

    async def _connect(self) -> asyncio.StreamWriter:
        try:
            opening = asyncio.open_connection(self._host, self._port, ssl=self._context)
            reader, writer = await asyncio.wait_for(opening, CONNECT_S)
        except (ConnectionRefusedError, ssl.SSLError) as error:
            raise SlotLost(f"the slot does not listen at {self._host}:{self._port}: {error}") from None
        except (OSError, TimeoutError) as error:
            raise SlotAway(f"{self._host}:{self._port} cannot be reached: {error}") from None
        self._writer, self._reading = writer, asyncio.create_task(self._read(reader, writer))
        return writer

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, WireError):
            async for answer in _messages(reader, Answer):
                waiting = self._waiting.get(answer.ref)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        if self._writer is writer:
            self._writer = None
        writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(SlotAway(f"the connection to {self._host} has ended"))

    def close(self) -> None:
        """Closes the connection."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class RemoteCluster:
    """What kinds of clusters share whose slots are called in this way and asked for in batches, see
    ``interface.Cluster``. ``identity`` is where the certificate is, which is made where there is none."""

    lost: type[BaseException] = SlotLost
    away: type[BaseException] = SlotAway

    def __init__(self, join: ms.Join, identity: Path) -> None:
        self.address, self._join = join.address, join
        make_identity(identity)
        self._context = context_of(identity, server=False)
        self.batches = Batches(join, self._submit)

    async def _submit(self, numbers: list[int], generation: int) -> None:
        """Asks for slots of one kind. Raises OSError."""
        raise AssertionError("the cluster that this is a part of asks")

    async def call(self, slot: RemoteSlot, name: str, *arguments: Any) -> Any:
        return await slot.call(name, *arguments)

    async def hint(self, numbers: list[int]) -> None:
        """Nodes come and go by the queue of such a cluster itself."""
