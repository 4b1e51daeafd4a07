"""An API server for tests that answers as Kubernetes documents it: list and watch with versions, bookmarks and 410,
names that are there already, dry runs, preconditions. With ``runs`` it is a node too, and starts the pods of Jobs as
processes."""

from __future__ import annotations

import base64
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from qmk.host.cluster.kubernetes_manifests import INDEX
from qmk.host.cluster.kubernetes_slot import PORT

TOKEN = "a-token-of-the-tests"
NODE = "node-1"
SINGULAR = {"pods": "Pod", "jobs": "Job", "secrets": "Secret"}


class Server:
    """``folder`` gets the kubeconfig. ``faults``: answers to give instead, by method, first come first served."""

    def __init__(self, folder: Path, runs: bool = False) -> None:
        self.runs = runs
        self.objects: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in SINGULAR}
        self.faults: dict[str, list[int]] = {}
        self.asked: list[tuple[str, str]] = []
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._events: list[tuple[int, str, str, dict[str, Any]]] = []
        self._version, self._oldest, self._breaks = 100, 0, 0
        self._changed = threading.Condition(threading.RLock())
        self._addresses = (f"127.{os.getpid() % 200 + 20}.{id(self) // 64 % 250}.{n}" for n in itertools.count(1))
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        user = {"name": "u", "user": {"tokenFile": "token"}}
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{self._http.server_address[1]}"}}
        context = {"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "lab"}}
        config = {"clusters": [cluster], "users": [user], "contexts": [context], "current-context": "x"}
        (folder / "token").write_text(TOKEN + "\n")
        self.config = folder / "kubeconfig"
        self.config.write_text(json.dumps(config))

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        for process in self.processes.values():
            process.kill()
            process.wait()

    def put(self, kind: str, found: dict[str, Any], event: str = "MODIFIED") -> dict[str, Any]:
        """Writes an object, and tells those that watch."""
        with self._changed:
            self._version += 1
            found["metadata"]["resourceVersion"] = str(self._version)
            self.objects[kind][found["metadata"]["name"]] = found
            self._events.append((self._version, event, kind, json.loads(json.dumps(found))))
            self._changed.notify_all()
            return found

    def remove(self, kind: str, name: str) -> None:
        with self._changed:
            found = self.objects[kind].pop(name)
            self._version += 1
            found["metadata"]["resourceVersion"] = str(self._version)
            self._events.append((self._version, "DELETED", kind, found))
            self._changed.notify_all()

    def bookmark(self) -> None:
        """Tells those that watch how far they are."""
        with self._changed:
            self._version += 1
            self._events.append((self._version, "BOOKMARK", "", {"metadata": {"resourceVersion": str(self._version)}}))
            self._changed.notify_all()

    def forget(self) -> None:
        """Compacts: versions before now can be watched from no more. Watches end."""
        with self._changed:
            self._oldest, self._events = self._version, []
            self.break_watches()

    def break_watches(self) -> None:
        """Ends the connections of those that watch."""
        with self._changed:
            self._breaks += 1
            self._changed.notify_all()

    def list(self, kind: str, selector: str) -> list[dict[str, Any]]:
        """Those that have the labels of the selector."""
        wanted = dict(part.split("=") for part in selector.split(",")) if selector else {}
        return [each for each in self.objects[kind].values() if wanted.items() <= _labels(each).items()]

    def watch(self, kind: str, selector: str, version: int, send: Any) -> None:
        """Sends events after ``version`` until the connection breaks."""
        wanted = dict(part.split("=") for part in selector.split(",")) if selector else {}
        with self._changed:
            breaks = self._breaks
            if version < self._oldest:
                gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
                send({"type": "ERROR", "object": gone})
                return
        while True:
            with self._changed:
                while self._version == version and self._breaks == breaks:
                    self._changed.wait()
                fresh = [each for each in self._events if each[0] > version]
                version, ended = self._version, self._breaks > breaks
            for _, event, of, found in fresh:
                if event == "BOOKMARK" or (of == kind and wanted.items() <= _labels(found).items()):
                    send({"type": event, "object": found})
            if ended:
                return

    def create(self, kind: str, wanted: dict[str, Any], dry: bool) -> dict[str, Any] | None:
        """None where there is one of its name."""
        with self._changed:
            if wanted["metadata"]["name"] in self.objects[kind]:
                return None
            if dry:
                return wanted
            wanted["metadata"].setdefault("uid", f"uid-{self._version}")
            made = self.put(kind, wanted, "ADDED")
            if kind == "jobs":
                for index in range(made["spec"]["completions"]):
                    self._make_pod(made, index)
            return made

    def _make_pod(self, job: dict[str, Any], index: int) -> None:
        template = json.loads(json.dumps(job["spec"]["template"]))
        about = template["metadata"]
        about["name"] = f"{job['metadata']['name']}-{index}-{self._version:x}"
        about["uid"] = f"uid-{self._version}"
        about["annotations"][INDEX] = str(index)
        about["labels"]["job-name"] = job["metadata"]["name"]
        pod = {"apiVersion": "v1", "kind": "Pod", **template, "status": {"phase": "Pending"}}
        self.put("pods", pod, "ADDED")
        if self.runs:
            threading.Thread(target=self._run, args=(pod, index), daemon=True).start()

    def _run(self, pod: dict[str, Any], index: int) -> None:
        name, address = pod["metadata"]["name"], next(self._addresses)
        (container,) = pod["spec"]["containers"]
        environment = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "TMPDIR") if key in os.environ}
        environment["JOB_COMPLETION_INDEX"] = str(index)
        fields = {"status.podIP": address, "spec.nodeName": NODE}
        for each in container["env"]:
            source = each.get("valueFrom", {})
            if key := source.get("secretKeyRef"):
                data = self.objects["secrets"][key["name"]]["data"][key["key"]]
                environment[each["name"]] = base64.b64decode(data).decode()
            else:
                environment[each["name"]] = each.get("value") or fields[source["fieldRef"]["fieldPath"]]
        command = [sys.executable, *container["command"][1:]]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        self.processes[name] = process
        while process.poll() is None:
            with suppress(OSError), socket.create_connection((address, PORT), 1.0):
                self.ready(name, address)
                break
            time.sleep(0.05)
        status = process.wait()
        with self._changed:
            if name in self.objects["pods"]:
                self.end(name, "Failed" if status else "Succeeded")

    def ready(self, name: str, address: str) -> None:
        """The pod is up."""
        with self._changed:
            pod = self.objects["pods"][name]
            pod["spec"]["nodeName"] = NODE
            conditions = [{"type": "Ready", "status": "True"}]
            self.put("pods", {**pod, "status": {"phase": "Running", "podIP": address, "conditions": conditions}})

    def end(self, name: str, phase: str) -> None:
        """The pod has ended; its Job with the last one."""
        with self._changed:
            pod = self.objects["pods"][name]
            self.put("pods", {**pod, "status": {**pod["status"], "phase": phase, "conditions": []}})
            job = self.objects["jobs"].get(pod["metadata"]["labels"]["job-name"])
            if job is not None:
                pods = self.list("pods", f"job-name={job['metadata']['name']}")
                if all(each["status"]["phase"] in ("Failed", "Succeeded") for each in pods):
                    self.put("jobs", {**job, "status": {"conditions": [{"type": "Failed", "status": "True"}]}})

    def delete(self, kind: str, name: str, wanted: dict[str, Any]) -> int:
        """The status of the answer."""
        with self._changed:
            found = self.objects[kind].get(name)
            if found is None:
                return 404
            if wanted.get("preconditions", {}).get("uid", found["metadata"]["uid"]) != found["metadata"]["uid"]:
                return 409
            pods = [name] if kind == "pods" else []
            if kind == "jobs":
                assert wanted["propagationPolicy"] == "Background", "else its pods would be orphans"
                pods = [each["metadata"]["name"] for each in self.list("pods", f"job-name={name}")]
            for pod in pods:
                if process := self.processes.get(pod):
                    process.kill()
                self.remove("pods", pod)
            if kind != "pods":
                self.remove(kind, name)
            return 200


def _labels(found: dict[str, Any]) -> dict[str, str]:
    return found["metadata"].get("labels", {})


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None: ...

        def _answer(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _status(self, code: int, message: str) -> None:
            self._answer(code, {"kind": "Status", "code": code, "message": message})

        def _begin(self) -> tuple[str, str, dict[str, str], Any] | None:
            """The kind, the name, the query and the body; None where the answer was given already."""
            parts = urlsplit(self.path)
            words, query = parts.path.strip("/").split("/"), {k: v[0] for k, v in parse_qs(parts.query).items()}
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
            server.asked.append((self.command, parts.path))
            if faults := server.faults.get(self.command):
                fault = faults.pop(0)
                if fault:
                    self._status(fault, "a fault of the tests")
                else:
                    if self.command == "POST":  # it is done, and the answer is lost
                        server.create(words[-1], body, "dryRun" in query)
                    self.close_connection = True
                return None
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._status(401, "Unauthorized")
                return None
            kind = next(word for word in words if word in SINGULAR)
            return kind, words[-1] if words[-1] != kind else "", query, body

        def do_GET(self) -> None:
            if (begun := self._begin()) is None:
                return
            kind, _, query, _ = begun
            selector = query.get("labelSelector", "")
            if "watch" not in query:
                with server._changed:
                    items = server.list(kind, selector)
                    about = {"resourceVersion": str(server._version)}
                    self._answer(200, {"kind": f"{SINGULAR[kind]}List", "metadata": about, "items": items})
                return
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()

            def send(event: Any) -> None:
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()

            with suppress(OSError):
                server.watch(kind, selector, int(query["resourceVersion"]), send)
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True

        def do_POST(self) -> None:
            if (begun := self._begin()) is None:
                return
            kind, _, query, body = begun
            made = server.create(kind, body, "dryRun" in query)
            if made is None:
                self._status(409, f'{kind} "{body["metadata"]["name"]}" already exists')
            else:
                self._answer(201, made)

        def do_DELETE(self) -> None:
            if (begun := self._begin()) is None:
                return
            kind, name, _, body = begun
            self._status(server.delete(kind, name, body or {}), name)

    return Handler
