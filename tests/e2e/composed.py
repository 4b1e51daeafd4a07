"""Services of a compose file as processes of this machine, without containers.

What a container would see is put elsewhere: a path of a volume, a secret or a tmpfs is one in ``folder``, a port of a
service is a free one here, and its name is 127.0.0.1. Everything else is what the file says: arguments, environment,
and who shares which folder with whom.
"""

from __future__ import annotations

import re
import shlex
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.commands import COMMANDS, PATH, Started

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy" / "container" / "Containerfile"
PYTHON = "/opt/qmk/bin/python"
_VARIABLE = re.compile(r"\$\{(\w+):\?[^}]*\}")
_PLACE = re.compile(r"(?<![\w/.-])(/[\w.-]+)+")
_PORT = re.compile(r"(?P<name>--port=)(?P<port>\d+)")


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


@dataclass
class Composed:
    """``variables`` are what ``.env`` would say; ``addresses`` says where services are that are no processes of ours,
    as ``host:port`` by ``service:port``."""

    file: Path
    folder: Path
    variables: Mapping[str, str]
    addresses: dict[str, str]
    running: dict[str, Started] = field(default_factory=dict[str, Started])

    def __post_init__(self) -> None:
        text = _VARIABLE.sub(lambda found: self.variables[found[1]], self.file.read_text())
        self.said: dict[str, Any] = yaml.safe_load(text)
        self.services: dict[str, Any] = self.said["services"]
        for name in self.said["volumes"]:
            (self.folder / name).mkdir(mode=0o700)
        (self.folder / "secrets").mkdir(mode=0o700)
        for name, service in self.services.items():
            for word in service.get("command", ()):
                if found := _PORT.fullmatch(word):
                    self.addresses[f"{name}:{found['port']}"] = f"127.0.0.1:{free_port()}"

    def write_secret(self, name: str, text: str) -> None:
        assert self.said["secrets"][name]["file"] == f"./secrets/{name}"
        path = self.folder / "secrets" / name
        path.touch(0o600)
        path.write_text(text)

    def places(self, name: str) -> dict[str, Path]:
        """Where the paths of a container are here."""
        service = self.services[name]
        found = {f"/run/secrets/{secret}": self.folder / "secrets" / secret for secret in service.get("secrets", ())}
        for volume in service.get("volumes", ()):
            source, place = volume.split(":")[:2]
            found[place] = (self.file.parent / source).resolve() if source[0] == "." else self.folder / source
        for text in service.get("tmpfs", ()):
            place = text.partition(":")[0]
            found[place] = self.folder / "tmp" / name / place.strip("/")
            found[place].mkdir(parents=True, exist_ok=True)
        return found

    def translate(self, name: str, text: str) -> str:
        """What the service ``name`` is told, with paths and addresses of this machine. A path that the container has
        not, or could not write, is an error of the file."""
        places = self.places(name)

        def place_of(found: re.Match[str]) -> str:
            if found[0] == PYTHON:
                return sys.executable
            path = Path(found[0])
            for parent in (path, *path.parents):
                if str(parent) in places:
                    return str(places[str(parent)] / path.relative_to(parent))
            assert path.parts[1] not in ("run", "var", "etc", "data"), f"{name}: {path} is on no volume"
            return found[0]

        if (found := _PORT.fullmatch(text)) is not None:
            return found["name"] + self.addresses[f"{name}:{found['port']}"].rpartition(":")[2]
        for service, address in self.addresses.items():
            own = service.replace(f"{name}:", "127.0.0.1:")
            text = text.replace(service, address).replace(own, address)
        if text == "--host=0.0.0.0":
            return "--host=127.0.0.1"
        return _PLACE.sub(place_of, text)

    def environment(self, name: str) -> dict[str, str]:
        """That of the image and of the file; of this process only what finds programs and modules."""
        (line,) = (each for each in IMAGE.read_text().splitlines() if each.startswith("ENV "))
        image = dict(word.split("=", 1) for word in shlex.split(line)[1:])
        own = {"PATH": f"{Path(sys.executable).parent}:{image.pop('PATH')}", "PYTHONPATH": PATH}
        said = {**image, **self.services[name].get("environment", {})}
        return {**{key: self.translate(name, value) for key, value in said.items()}, **own}

    def start(self, name: str) -> Started:
        """The service as a process, whose words are in a log of its name."""
        words = [self.translate(name, word) for word in self.services[name]["command"]]
        log = self.folder / f"{name}.log"
        with log.open("ab") as said:
            self.running[name] = COMMANDS.start(words, self.folder, self.environment(name), said)
        return self.running[name]

    def run(self, name: str, *words: str) -> str:
        """What a command of the image says within the container of a service."""
        given = [self.translate(name, word) for word in words]
        done = COMMANDS.run(tuple(given), self.folder, self.environment(name), "", 60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def close(self) -> None:
        for each in self.running.values():
            each.close()
