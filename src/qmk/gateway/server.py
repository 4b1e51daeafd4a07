"""The process of the gateway: the application behind uvicorn, with certificates that are renewed while it runs."""

from __future__ import annotations

import gc
import resource
import socket as sockets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Unpack

import uvicorn
from litestar.datastructures import State

from qmk.gateway.app import make_app
from qmk.gateway.authority import make_server, names_of
from qmk.gateway.edge import Edge
from qmk.gateway.issued import write_revoked
from qmk.gateway.parts import Beside, Choices
from qmk.gateway.records import FILE_NAME
from qmk.gateway.slow import ADDRESS_CONNECTIONS, TimelyProtocol
from qmk.gateway.tls import Tls
from qmk.rpc.private import is_loopback

CONNECTIONS = 4096
LOOK_TICKS = 10
"""Tenths of a second between looks at the files of certificates."""
RENEW_TICKS = 432_000
"""Tenths of a second between looks at the days that are left to a certificate."""


@dataclass
class Listening:
    """Where the gateway listens and whom it serves. ``makes_cert``: its certificate is that of an authority in the data
    folder, whose own is then ``authority``. ``client_ca``: callers show a certificate of these authorities; with
    ``asks_own`` one of the authority in the data folder. ``grpc``: host and port at which gRPC is served too."""

    socket: sockets.socket
    data_dir: Path
    hosts: frozenset[str]
    cert: Path | None = None
    key: Path | None = None
    makes_cert: bool = False
    client_ca: Path | None = None
    asks_own: bool = False
    address_connections: int = ADDRESS_CONNECTIONS
    grpc: tuple[str, int] | None = None
    authority: Path | None = None

    def __post_init__(self) -> None:
        if self.makes_cert:
            self.authority, self.cert = make_server(self.data_dir, self.hosts)
            self.key = self.cert
        self.tls: Tls | None = None
        revoked = None
        if self.asks_own:
            revoked = write_revoked(self.data_dir)
            self.client_ca = revoked.with_name("ca.pem")
        if self.cert is not None and self.key is not None:
            self.hosts |= names_of(self.cert)
            self.tls = Tls(self.cert, self.key, self.client_ca, revoked)

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine reach it."""
        return all(map(is_loopback, (self.socket.getsockname()[0], *(self.grpc or ())[:1])))

    @property
    def companions(self) -> list[Beside]:
        """What runs beside the application: the gRPC server."""
        if self.grpc is None:
            return []
        from qmk.gateway.grpc.server import Place, serving_at

        return [partial(serving_at, place=Place(*self.grpc, self.tls))]


class Server(uvicorn.Server):
    """Serves at a place."""

    def __init__(self, config: uvicorn.Config, place: Listening, state: State) -> None:
        super().__init__(config)
        self._place, self._streams, self._counters = place, state.streams, state.observer.counters
        self._tell_ends()

    async def on_tick(self, counter: int) -> bool:
        place = self._place
        if place.tls is not None and counter % LOOK_TICKS == 0:
            if place.makes_cert and counter % RENEW_TICKS == 0:
                make_server(place.data_dir, place.hosts)
            if place.tls.follow():
                self._tell_ends()
        return await super().on_tick(counter)

    def _tell_ends(self) -> None:
        if self._place.tls is not None:
            for name, end_s in self._place.tls.ends().items():
                self._counters.set("certificate_end_time_seconds", end_s, (name,))

    async def shutdown(self, sockets: list[sockets.socket] | None = None) -> None:
        """Ends the streams first, which would be waited for."""
        self._streams.close()
        await super().shutdown(sockets)


def serve(place: Listening, socket: Path | None, *, require_token: bool, **chosen: Unpack[Choices]) -> None:
    """Serves until the process is told to end."""
    needs_token = require_token or not place.is_local
    edge = Edge(hosts=place.hosts | {sockets.gethostname().lower()}, tls=place.cert is not None)
    app = make_app(
        socket, place.data_dir / FILE_NAME, needs_token=needs_token, edge=edge, beside=place.companions, **chosen
    )
    protocol = type("Protocol", (TimelyProtocol,), {"address_connections": place.address_connections})
    config = uvicorn.Config(
        app,
        http=protocol,
        limit_concurrency=CONNECTIONS,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=5,
        ssl_context_factory=(lambda config, default: tls.context()) if (tls := place.tls) is not None else None,
    )
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, min(most, 2 * CONNECTIONS)), most))
    gc.collect()
    gc.freeze()  # what is there stays; looking through it again and again would take a tenth of the time
    Server(config, place, app.state).run(sockets=[place.socket])
