"""What Bloqade's device does, run as it is against the URL of the first argument, with the token of the second: a task
definition of two kernels, whose Kirin JSON is in the files of the other arguments. JSON out."""

from __future__ import annotations

# runs in the clients' own environment
# pyright: reportMissingImports=false
import json
import os
import sys
import tempfile
from pathlib import Path


def main() -> None:
    url, token, *kernels = sys.argv[1:]
    config = {
        "current_context": "here",
        "contexts": [
            {
                "name": "here",
                "qpu": "qmk",
                "defaults": {"api_base_url": f"{url}/qlam", "qpu_mode": "squin-256q", "auth_provider": "b"},
                "auth_providers": [{"name": "b", "provider": "basic", "username": "alice", "password": token}],
            }
        ],
    }
    folder = Path(tempfile.mkdtemp())
    (folder / "config.json").write_text(json.dumps(config))
    os.environ["QSH_CONFIG_DIR"] = str(folder)

    from bloqade.core.device import Device
    from qlam_core.plugins.tasks.api.tasks_models import Program, Subtask, TaskDefinition

    programs = [Program(content=Path(name).read_text()) for name in kernels]
    subtasks = [
        Subtask(program_index=0, num_shots=130),
        Subtask(program_index=1, num_shots=7, arguments={"n": 5}),
    ]
    definition = TaskDefinition(program_language="squin.v0.1.0", programs=programs, subtasks=subtasks)
    future = Device(context_name="here").submit_task_definition(task_definition=definition)
    shots = future.result(timeout=60).shot_results()
    json.dump({"status": future.status().value, "shots": [rows.astype(int).tolist() for rows in shots]}, sys.stdout)


if __name__ == "__main__":
    main()
