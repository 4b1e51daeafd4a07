"""Rigetti's QCS: REST for processors, accessors and instruction sets; gRPC for translation and jobs.

The messages of gRPC are written here by their field numbers, of which there are few, as the published ``.proto`` files
have them (services.translation, services.controller).
"""

from __future__ import annotations

import base64
import json
import time
from concurrent import futures
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import grpc

from tests.cloud.programs import bits_of
from tests.cloud.recorded import Recorded, Refused, Request


def token() -> str:
    """An access token that is valid for an hour."""
    parts = [{"alg": "none"}, {"exp": int(time.time()) + 3600}]
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "x"]
    )


TOKEN = token()
REFRESH = "refresh-4711"


def message(number: int, value: bytes | int) -> bytes:
    """A field: bytes, or a small whole number."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def fields(data: bytes) -> dict[int, Any]:
    """The last value of each field of a message."""
    found: dict[int, Any] = {}
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            found[key >> 3] = number()
        else:
            size = number()
            found[key >> 3], at = data[at : at + size], at + size
    return found


def isa(pairs: list[list[int]], gate: str) -> dict[str, Any]:
    nodes = sorted({node for pair in pairs for node in pair})
    one = [{"node_ids": [node], "characteristics": []} for node in nodes]
    two = [{"node_ids": pair, "characteristics": []} for pair in pairs]
    return {
        "name": "x",
        "architecture": {
            "family": "Ankaa",
            "nodes": [{"node_id": node} for node in nodes],
            "edges": [{"node_ids": pair} for pair in pairs],
        },
        "benchmarks": [],
        "instructions": [
            *(
                {"name": name, "node_count": 1, "parameters": [], "sites": one, "characteristics": []}
                for name in ("RX", "RZ")
            ),
            {"name": gate, "node_count": 2, "parameters": [], "sites": two, "characteristics": []},
        ],
    }


RING = [[0, 1], [1, 2], [0, 7], [7, 8], [1, 8]]
LADDER = [*([k, k + 1] for k in range(11) if k != 5), *([k, k + 6] for k in range(6))]
PROCESSORS = {
    "Ankaa-3": isa(RING, "ISWAP"),
    "Ankaa-9": isa(LADDER, "ISWAP"),
    "Cepheus-1": isa([[3, 4], [4, 5]], "CZ"),
}


class RigettiServer(Recorded):
    """REST; its gRPC part listens beside it, on one port in all tests, as the client keeps a processor's address."""

    last_port = 0

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.grpc_faults: list[tuple[str, grpc.StatusCode, bool]] = []
        """End of a method's name, what it answers, and whether the request is carried out all the same."""
        self.status = 1
        self.rpc = grpc.server(futures.ThreadPoolExecutor(2), handlers=[_Grpc(self)])
        self.port = RigettiServer.last_port = self.rpc.add_insecure_port(f"127.0.0.1:{RigettiServer.last_port}")
        self.rpc.start()

    def asked_for(self, method: str) -> int:
        """How often a method of gRPC was called."""
        return sum(call.endswith(f"/{method}") for call in self.calls)

    def server_close(self) -> None:
        self.rpc.stop(None).wait()
        super().server_close()

    def write_account(self, folder: Path, refresh: str = REFRESH) -> None:
        """QCS's settings and secrets, as its command line writes them."""
        grpc_url = f"http://127.0.0.1:{self.port}"
        (folder / "settings.toml").write_text(
            f'default_profile_name = "default"\n[profiles.default]\n'
            f'api_url = "{self.url}"\ngrpc_api_url = "{grpc_url}"\n'
            'auth_server_name = "default"\ncredentials_name = "default"\n'
            f'[auth_servers.default]\nclient_id = "client"\nissuer = "{self.url}/oauth2"\n'
        )
        (folder / "secrets.toml").write_text(
            f'[credentials.default.token_payload]\naccess_token = "{TOKEN}"\nrefresh_token = "{refresh}"\n'
        )

    def answer(self, request: Request) -> Any:
        if request.path == "/oauth2/v1/token":
            form = parse_qs(request.body.decode())
            if form.get("refresh_token") != [REFRESH]:
                raise Refused(401, {"error": "invalid_grant"})
            assert form["grant_type"] == ["refresh_token"]
            return {"token_type": "Bearer", "expires_in": 3600, "access_token": TOKEN, "refresh_token": REFRESH}
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refused(401, {"code": "unauthorized", "message": "no"})
        match request.path.split("/")[1:]:
            case ["v1", "quantumProcessors"]:
                return {"quantumProcessors": [{"id": name} for name in PROCESSORS]}
            case ["v1", "quantumProcessors", name, "instructionSetArchitecture"]:
                return PROCESSORS[name]
            case ["v1", "quantumProcessors", _, "accessors"]:
                url = f"http://127.0.0.1:{self.port}"
                return {"accessors": [{"accessType": "gateway.v1", "id": "g", "live": True, "rank": 0, "url": url}]}
        raise Refused(404, {"code": "not_found", "message": request.path})

    def call(self, name: str, request: dict[int, Any], authorization: str, context: grpc.ServicerContext) -> bytes:
        self.calls.append(name)
        if authorization != f"Bearer {TOKEN}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no")
        fault = next((fault for fault in self.grpc_faults if name.endswith(fault[0])), None)
        if fault is not None:
            self.grpc_faults.remove(fault)
            if not fault[2]:
                context.abort(fault[1], "as told")
        answer = getattr(self, f"_{name.rpartition('/')[2]}")(request)
        if fault is not None:
            context.abort(fault[1], "as told")
        return answer

    def _TranslateQuilToEncryptedControllerJob(self, request: dict[int, Any]) -> bytes:
        job = json.dumps({"quil": request[2].decode(), "shots": request[3], "on": request[1].decode()}).encode()
        measured = [line.split()[1:] for line in request[2].decode().splitlines() if line.startswith("MEASURE")]
        sources = b"".join(
            message(1, message(1, where.encode()) + message(2, f"q{qubit}".encode())) for qubit, where in measured
        )
        return message(1, message(1, job)) + message(2, sources)

    def _ExecuteControllerJob(self, request: dict[int, Any]) -> bytes:
        name = f"job-{len(self.jobs)}"
        self.jobs[name] = json.loads(fields(request[201])[1]) | {"target": request[101].decode()}
        return message(1, name.encode())

    def _GetControllerJobResults(self, request: dict[int, Any]) -> bytes:
        job = self.jobs[request[1].decode()]
        if job.setdefault("status", self.status) != 1:
            return message(1, message(3, job["status"]) + message(4, b"the chip was warm"))
        lines = job["quil"].splitlines()
        for line in lines:
            self._check_native(line, PROCESSORS[job["on"]])
        rows = bits_of(job["quil"], job["shots"], len(self.jobs))
        values = b""
        for line in lines:
            if line.startswith("MEASURE"):
                _, qubit, where = line.split()
                bits = bytes(row[int(where[3:-1])] for row in rows)
                values += message(2, message(1, f"q{qubit}".encode()) + message(2, message(1, message(1, bits))))
        return message(1, values + message(3, 1))

    def _check_native(self, line: str, known: dict[str, Any]) -> None:
        name, *at = line.replace("(", " (", 1).split()
        sites = {each["name"]: [site["node_ids"] for site in each["sites"]] for each in known["instructions"]}
        if name in ("CZ", "ISWAP"):
            assert sorted(map(int, at)) in sites[name], line
        elif name == "RX":
            assert at[0] in ("(pi/2)", "(-pi/2)"), line
        else:
            assert name in ("RZ", "DECLARE", "MEASURE"), line

    def _CancelControllerJobs(self, _: dict[int, Any]) -> bytes:
        return b""


class _Grpc(grpc.GenericRpcHandler):
    def __init__(self, server: RigettiServer) -> None:
        self.server = server

    def service(self, handler_call_details: Any) -> Any:
        details = handler_call_details
        authorization = str(dict(details.invocation_metadata).get("authorization", ""))

        def answer(data: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                return self.server.call(details.method, fields(data), authorization, context)
            except AssertionError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

        return grpc.unary_unary_rpc_method_handler(answer)
