"""What qlam-core and Bloqade do with definitions, compilations and profiles, run as they are against the URL of the
first argument, with the token of the second; the third is a file with a kernel's Kirin JSON. JSON out."""

from __future__ import annotations

# runs in the clients' own environment
# pyright: reportMissingImports=false
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def configure(url: str, token: str) -> None:
    """Two contexts: a mode of any gates, ``here``, and one that is a device, ``zoned``."""
    provider = {"name": "b", "provider": "basic", "username": "alice", "password": token}
    contexts = [
        {
            "name": name,
            "qpu": "qmk",
            "defaults": {"api_base_url": f"{url}/qlam", "qpu_mode": mode, "auth_provider": "b"},
            "auth_providers": [provider],
        }
        for name, mode in (("here", "squin-256q"), ("zoned", "squin-zoned"))
    ]
    folder = Path(tempfile.mkdtemp())
    (folder / "config.json").write_text(json.dumps({"current_context": "here", "contexts": contexts}))
    os.environ["QSH_CONFIG_DIR"] = str(folder)


def entered(context: str) -> Any:
    from bloqade.core.device import Device

    device = Device(context_name=context)
    device.authenticate()
    return device.app_context


def compiled(client: Any, asked: dict[str, Any]) -> Any:
    """A compilation that has ended."""
    from qlam_core.plugins.compilations.api import V2QpuModeCompilationsPostRequest

    made = client.create(body=V2QpuModeCompilationsPostRequest.model_validate(asked))
    deadline = time.monotonic() + 60
    while (found := client.get(id=str(made.id))).status.value == "Pending" and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def definitions(context: str, content: str) -> dict[str, Any]:
    """A definition, its compilation, a task of it with a profile, and the task opened again by its id."""
    from bloqade.core.device.future import ApiFetchOptions, Future
    from qlam_core.plugins.compilations.api import CompilationsClient
    from qlam_core.plugins.definitions.api import DefinitionsClient, TaskDefinitionRequest
    from qlam_core.plugins.task_profiles.api import TaskProfilesClient
    from qlam_core.plugins.tasks import TasksClient
    from qlam_core.plugins.tasks.api import TaskCreationRequest

    app = entered(context)
    subtasks = [{"program_index": 0, "num_shots": 20}]
    asked = {"program_language": "squin.v0.1.0", "programs": [{"content": content}], "subtasks": subtasks}
    known, compilations = DefinitionsClient(app), CompilationsClient(app)
    source = known.create(body=TaskDefinitionRequest.model_validate(asked))
    made = compiled(compilations, {"definition_id": str(source.id)})
    result = known.get(id=str(made.compiled_definition_id))
    profile = TaskProfilesClient(app).create({"name": "sweep", "layers": 3})
    body = {"compilation_id": str(made.id), "profile_id": str(profile.id)}
    task = TasksClient(app).create(body=TaskCreationRequest.model_validate(body))
    often = ApiFetchOptions(poll_interval_initial=0.05)
    future = Future.from_task_id(task_id=task.id, context_name=context, fetch_options=often)
    return {
        "status": made.status.value,
        "same": source == known.get(id=str(source.id)) and source.id == made.input_definition_id,
        "language": result.program_language,
        "ops": sorted({node["op"] for node in json.loads(result.programs[0].content)["program"]["nodes"]}),
        "listed": [str(source.id) in {str(row.id) for row in known.list_all()}, len(compilations.list_page().items)],
        "shots": [rows.astype(int).tolist() for rows in future.result(timeout=60).shot_results()],
        "future": [
            str(future.get_compilation().id) == str(made.id),
            str(future.get_task().profile_id) == str(profile.id),
        ],
        "profiles": [row.content.name for row in TaskProfilesClient(app).list_page(tenant=True).items],
    }


def broken() -> list[Any]:
    """What the client says of a compilation that failed."""
    from qlam_core.plugins.compilations.api import CompilationsClient

    subtasks = [{"program_index": 0, "num_shots": 1}]
    asked = {"program_language": "squin.v0.1.0", "programs": [{"content": "{}"}], "subtasks": subtasks}
    found = compiled(CompilationsClient(entered("here")), asked)
    return [found.status.value, found.program_failures[0].error_type, found.compiled_definition_id]


def refusals() -> list[str]:
    """What is not there, and what is done elsewhere, as the client tells it."""
    from uuid import UUID

    from qlam_core.errors import APIError
    from qlam_core.plugins.definitions.api import DefinitionsClient
    from qlam_core.plugins.groups import GroupsClient

    app = entered("here")
    told: list[str] = []
    for call in (
        lambda: DefinitionsClient(app).get(id=str(UUID(int=1))),
        lambda: GroupsClient(app).create({"name": "more", "description": "more", "is_shared": True}),
    ):
        try:
            call()
        except APIError as error:
            told.append(f"{error.status_code} {error}")
    return told


def main() -> None:
    url, token, kernel = sys.argv[1:]
    configure(url, token)
    content = Path(kernel).read_text()
    found = {context: definitions(context, content) for context in ("here", "zoned")}
    json.dump({**found, "broken": broken(), "refused": refusals()}, sys.stdout)


if __name__ == "__main__":
    main()
