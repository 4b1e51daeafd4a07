"""What shells complete: asked of bash itself where that is there, of the protocol of its script for the others."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.commands import Commands

Qmk = Callable[..., subprocess.CompletedProcess[str]]
Ask = Callable[[str], list[str]]


@pytest.fixture
def ask(folder: Path, environment: dict[str, str], qmk: Qmk, forked: Commands) -> Ask:
    """Reads the script in a bash that is not interactive, and returns what it completes the last word of a line to."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    (folder / "qmk").write_text(f'#!/bin/sh\nexec {forked.program()} "$@"\n')
    (folder / "qmk").chmod(0o755)
    script = folder / "completion.bash"
    script.write_text(qmk("completion", "bash").stdout)

    def complete(line: str) -> list[str]:
        words = line.split(" ")
        code = (
            f"source {shlex.quote(str(script))}\n"
            "compopt() { printf '<%s>\\n' \"$*\"; }\n"  # outside an interactive completion there is nothing to set
            "function=$(complete -p qmk | sed -n 's/.* -F \\([^ ]*\\).*/\\1/p')\n"
            f"COMP_WORDS=({' '.join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}\n"
            '"$function" qmk "${COMP_WORDS[COMP_CWORD]}"\n'
            "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        )
        path = f"{folder}{os.pathsep}{environment['PATH']}"
        done = subprocess.run(
            [bash, "--norc", "--noprofile", "-c", code],
            cwd=folder,
            env={**environment, "PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not done.stderr
        return done.stdout.split()

    return complete


def test_commands_options_and_values_in_bash(ask: Ask) -> None:
    assert ask("qmk conv") == ["convert"]
    assert ask("qmk checkpoint") == ["checkpoint", "checkpoints"]
    assert ask("qmk run --sho") == ["--shots"]
    assert ask("qmk run examples/bell.qasm --engine stab") == ["stabilizer"]
    assert {"qasm3", "stim"} <= set(ask("qmk run -f "))
    assert ask("qmk run --device aq") == ["aquila"]
    assert ask("qmk convert --to qas") == ["qasm2", "qasm3"]
    assert ask("qmk tenant ad") == ["add"]
    assert ask("qmk completion ") == ["bash", "zsh", "fish"]


def test_files_are_left_to_bash(ask: Ask) -> None:
    assert ask("qmk run examples/be") == ["<-o", "default>"]


def test_states_of_jobs(ask: Ask) -> None:
    assert ask("qmk jobs --state c") == ["completed", "cancelled"]


def test_jobs_and_contexts(ask: Ask, qmk: Qmk, daemon: object) -> None:
    job = qmk("submit", "examples/bell.qasm", "--name", "pair", "--tag", "night").stdout.strip()
    assert ask("qmk status job_") == [job]
    assert ask("qmk cancel --tag ni") == ["night"]
    assert ask("qmk jobs --name ") == ["pair"]
    assert qmk("context", "add", "lab", "https://lab.example").returncode == 0
    assert ask("qmk context use l") == ["lab"]
    assert ask("qmk status --server ") == ["lab"]


def test_without_a_daemon_there_are_no_jobs(ask: Ask) -> None:
    assert ask("qmk status job_") == []


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", "data/bash-completion/completions/qmk"),
        ("zsh", "data/zsh/site-functions/_qmk"),
        ("fish", "conf/fish/completions/qmk.fish"),
    ],
)
def test_a_script_is_installed(qmk: Qmk, environment: dict[str, str], folder: Path, shell: str, place: str) -> None:
    environment |= {"XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "conf")}
    done = qmk("completion", shell, "--install")
    assert f"wrote {folder / place}; " in done.stdout
    assert (folder / place).read_text() == qmk("completion", shell).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_asks_qmk(qmk: Qmk, shell: str) -> None:
    script = qmk("completion", shell)
    assert script.returncode == 0
    assert f"_QMK_COMPLETE={shell}_complete" in script.stdout


def test_methods_of_an_engine_behind_a_colon(qmk: Qmk, environment: dict[str, str]) -> None:
    environment |= {"_QMK_COMPLETE": "zsh_complete", "COMP_WORDS": "qmk run --engine native:fr", "COMP_CWORD": "3"}
    done = subprocess.run([sys.executable, "-m", "qmk"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[:2] == ["plain", "native:frame"]


def test_an_unknown_shell_is_refused(qmk: Qmk) -> None:
    refused = qmk("completion", "csh")
    assert refused.returncode == 2
    assert "'bash', 'zsh', 'fish'" in refused.stderr
