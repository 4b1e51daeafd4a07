"""The API server of a Kubernetes: requests, and objects that are kept up to date by list and watch.

Credentials stay where they are: a kubeconfig or a service account names them, and a file with a token is read for each
request, as Kubernetes renews it. What a kubeconfig asks for that is not done here is refused, not ignored.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import os
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from qmk.base.errors import QmkError
from qmk.host.cluster.interface import first_line
from qmk.rpc.private import check_address

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_S = 20.0
WATCH_S = 120
"""After which the server ends a watch, and another is begun from where it was."""
AGAIN_S, AGAIN_MOST_S = 0.2, 10.0
ANSWER_BYTES = 64 << 20
GONE = 410
REFUSED = ("exec", "auth-provider", "username", "password", "as", "proxy-url", "insecure-skip-tls-verify")
"""What a kubeconfig may ask for that is not done here."""


class ApiError(OSError):
    """An answer that is not a success; ``status`` 0: there was none."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"the API server {f'answers {status}' if status else 'does not answer'}: {text}")
        self.status = status


class Access(msgspec.Struct, frozen=True):
    """How the API server is reached. ``token``: a token, or the file that has it; empty without one."""

    url: str
    namespace: str
    context: Any = None
    token: str | Path = ""

    def headers(self) -> dict[str, str]:
        """What a request shows. Raises ``OSError`` where the file with the token cannot be read."""
        token = self.token.read_text().strip() if isinstance(self.token, Path) else self.token
        return {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}


def open_access(options: Mapping[str, str]) -> Access:
    """By the kubeconfig that the options or KUBECONFIG name, else by the service account of this pod, else by
    ``~/.kube/config``. ``options``: those of ``kubernetes_options.OPTIONS``. Raises INVALID_PARAMS."""
    named = options.get("kubeconfig") or os.environ.get("KUBECONFIG", "")
    host, namespace = os.environ.get("KUBERNETES_SERVICE_HOST", ""), options.get("namespace", "")
    if not named and host and (ACCOUNT / "token").exists():
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        url = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        namespace = namespace or (ACCOUNT / "namespace").read_text().strip()
        return Access(url, namespace, ssl.create_default_context(cafile=ACCOUNT / "ca.crt"), ACCOUNT / "token")
    path = Path(named or Path.home() / ".kube" / "config")
    try:
        return _from_file(path, options.get("context", ""), namespace)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        help = "name one with --cluster-option kubeconfig=FILE; 'kubectl config view --raw --minify -o json' writes one"
        raise QmkError("INVALID_PARAMS", f"cannot use the kubeconfig {path}: {first_line(error)}", help=help) from None


def _from_file(path: Path, context: str, namespace: str) -> Access:
    config = _read_config(path.read_bytes())

    def find(kind: str, name: str) -> dict[str, Any]:
        for each in config.get(f"{kind}s") or ():
            if each["name"] == name:
                return each[kind]
        raise ValueError(f"it has no {kind} '{name}'")

    chosen = find("context", context or config.get("current-context") or "")
    cluster, user = find("cluster", chosen["cluster"]), find("user", chosen["user"])
    for name in REFUSED:
        if cluster.get(name) or user.get(name):
            raise ValueError(f"it has '{name}', which QMK does not do; use a token or a certificate")
    url = check_address("the cluster's server", cluster["server"], "https://10.0.0.1:6443")
    token: str | Path = user.get("token") or ""
    if user.get("tokenFile"):
        token = path.parent / user["tokenFile"]
    context_ = _context(path.parent, cluster, user) if url.startswith("https") else None
    return Access(url, namespace or chosen.get("namespace") or "default", context_, token)


def _read_config(text: bytes) -> Any:
    """JSON, or YAML where PyYAML is installed."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        pass
    try:
        return msgspec.yaml.decode(text)
    except ImportError:
        raise ValueError("it is YAML, for which PyYAML must be installed; JSON can be read without it") from None
    except msgspec.DecodeError:
        raise ValueError("it is neither JSON nor YAML") from None


def _context(folder: Path, cluster: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    """Trusts the cluster's authority alone where it names one, and shows the user's certificate where there is one."""
    inline = cluster.get("certificate-authority-data")
    named = cluster.get("certificate-authority")
    context = ssl.create_default_context(
        cafile=folder / named if named and not inline else None,
        cadata=base64.b64decode(inline).decode() if inline else None,
    )
    parts: list[bytes] = []
    for name in ("client-certificate", "client-key"):
        if data := user.get(f"{name}-data"):
            parts.append(base64.b64decode(data))
        elif file := user.get(name):
            parts.append((folder / file).read_bytes())
    if parts:
        with tempfile.NamedTemporaryFile(suffix=".pem") as both:  # of this user alone, and gone at the end
            both.write(b"\n".join(parts))
            both.flush()
            context.load_cert_chain(both.name)
    return context


class Api:
    """Requests. Each is made once: what may be made again is its caller's to say."""

    def __init__(self, access: Access) -> None:
        self._access = access
        parts = urlsplit(access.url)
        self._host, self._port, self._base = parts.hostname or "", parts.port, parts.path

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._access.context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._access.context)

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The object that is answered. Raises ``ApiError``."""
        return await asyncio.to_thread(self._ask, method, path, body, query)

    def _ask(self, method: str, path: str, body: Any, query: Mapping[str, Any]) -> Any:
        try:
            connection = self._connect(TIMEOUT_S)
            try:
                answer = self._send(connection, method, path, body, query)
                return msgspec.json.decode(_read(answer))
            finally:
                connection.close()
        except ApiError:
            raise
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            raise ApiError(0, first_line(error)) from None

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any, query: Mapping[str, Any]
    ) -> http.client.HTTPResponse:
        """The answer, whose body is to be read. Raises ``ApiError`` where it is not a success."""
        headers = self._access.headers()
        data = None if body is None else msgspec.json.encode(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, f"{self._base}{path}{f'?{urlencode(query)}' if query else ''}", data, headers)
        answer = connection.getresponse()
        if not 200 <= answer.status < 300:
            said = _read(answer)
            try:
                text = msgspec.json.decode(said)["message"]
            except (msgspec.DecodeError, KeyError, TypeError):
                text = said[:300].decode(errors="replace")
            raise ApiError(answer.status, text)
        return answer

    async def watch(self, path: str, **query: Any) -> AsyncGenerator[Any]:
        """Events, until the server ends the watch. Raises ``ApiError``, as one that is an event too."""
        loop, events = asyncio.get_running_loop(), asyncio.Queue[Any]()
        connection, socks = self._connect(WATCH_S + TIMEOUT_S), list[socket.socket]()

        def pump() -> None:
            end: ApiError | None = None
            try:
                connection.connect()
                socks.append(connection.sock)
                more = {"watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": WATCH_S, **query}
                answer = self._send(connection, "GET", path, None, more)
                while line := answer.readline(ANSWER_BYTES):
                    loop.call_soon_threadsafe(events.put_nowait, msgspec.json.decode(line))
            except ApiError as error:
                end = error
            except Exception as error:  # a connection that is shut under a reader breaks in many ways
                end = ApiError(0, first_line(error))
            connection.close()
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(events.put_nowait, end)

        threading.Thread(target=pump, daemon=True).start()
        try:
            while (event := await events.get()) is not None:
                if isinstance(event, ApiError):
                    raise event
                if event["type"] == "ERROR":
                    raise ApiError(event["object"].get("code", 0), event["object"].get("message", ""))
                yield event
        finally:
            for sock in socks:  # closing would wait for the thread that reads
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


def _read(answer: http.client.HTTPResponse) -> bytes:
    data = answer.read(ANSWER_BYTES + 1)
    if len(data) > ANSWER_BYTES:
        raise ApiError(answer.status, f"with more than {ANSWER_BYTES >> 20} MiB")
    return data


class Mirror:
    """The objects at ``path`` that have the labels of ``selector``, by name: a list, and what a watch says since. A
    watch that ends goes on from the last version that it named, in a bookmark too; where the server no longer has that
    one (410), the list is read again, and what is not in it is gone."""

    def __init__(self, api: Api, path: str, selector: str) -> None:
        self._api, self._path, self._selector = api, path, selector
        self.objects: dict[str, dict[str, Any]] = {}
        self.changed = asyncio.Event()
        """Set at every change; whoever waits for it clears it first."""
        self._version = ""

    async def read(self) -> None:
        """Reads the list. Raises ``ApiError``."""
        found = await self._api.ask("GET", self._path, labelSelector=self._selector)
        self.objects = {each["metadata"]["name"]: each for each in found.get("items") or ()}
        self._version = found["metadata"]["resourceVersion"]
        self.changed.set()

    async def follow(self) -> None:
        """Keeps the objects up to date for ever, whatever the server does."""
        pause_s = AGAIN_S
        while True:
            try:
                if not self._version:
                    await self.read()
                query = {"labelSelector": self._selector, "resourceVersion": self._version}
                async for event in self._api.watch(self._path, **query):
                    self._take(event["type"], event["object"])
                pause_s = AGAIN_S
            except ApiError as error:
                if error.status == GONE:
                    self._version, pause_s = "", AGAIN_S
                else:
                    sys.stderr.write(f"watching {self._path}: {error}\n")
            except (KeyError, TypeError) as error:
                self._version = ""
                sys.stderr.write(f"watching {self._path}: an answer of another form: {error!r}\n")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, AGAIN_MOST_S)

    def _take(self, kind: str, found: dict[str, Any]) -> None:
        about = found["metadata"]
        self._version = about["resourceVersion"]
        if kind == "BOOKMARK":
            return
        if kind == "DELETED":
            self.objects.pop(about["name"], None)
        else:
            self.objects[about["name"]] = found
        self.changed.set()
