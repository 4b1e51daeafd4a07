"""What a level allows as files: they say what the jail itself does, and other tools read them."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from qmk.host.isolation.policies import JAILER, LEVELS, SERVER, calls_of, write
from qmk.worker.jail import seccomp, syscalls

OWN = 1
"""The process number that a policy of a container names, as its first process has it."""
DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "isolation"


def verdict_of_filter(program: bytes, number: int, arguments: tuple[int, ...]) -> int:
    """Runs classic BPF as the kernel does, on one call."""
    data = struct.pack("=iIQ6Q", number, syscalls.AUDIT_ARCH_X86_64, 0, *arguments)
    steps, at, word = list(struct.iter_unpack("HBBI", program)), 0, 0
    while True:
        code, yes, no, value = steps[at]
        if code == 0x06:
            return value
        if code == 0x20:
            word, took = int.from_bytes(data[value : value + 4], "little"), 0
        else:
            met = {0x15: word == value, 0x35: word >= value, 0x45: bool(word & value)}[code]
            took = yes if met else no
        at += 1 + took


def verdict_of_policy(policy: dict[str, Any], number: int, arguments: tuple[int, ...]) -> int:
    """What libseccomp makes of the policy of a container."""
    name = syscalls.NAME_OF.get(number, "")
    for group in policy["syscalls"]:
        tests = group.get("args", [])
        met = all(
            (arguments[test["index"]] & test["value"]) == test["valueTwo"]
            if test["op"] == "SCMP_CMP_MASKED_EQ"
            else arguments[test["index"]] == test["value"]
            for test in tests
        )
        if name in group["names"] and met:
            failed = group["action"] == "SCMP_ACT_ERRNO"
            return seccomp.ERRNO | group["errnoRet"] if failed else seccomp.ALLOW
    return seccomp.ERRNO | policy["defaultErrnoRet"]


def test_the_policy_of_a_worker_says_what_its_filter_does() -> None:
    policy = json.loads(write("jail", "seccomp", worker=True))
    program = seccomp.program(OWN, seccomp.REFUSE)
    tried = (0, OWN, 2, 15, 0x5401, 0x00010000, 0x00010000 | 17, 0x10000000)
    for number in range(480):
        for value in tried:
            for arguments in ((value, 0, 0, 0, 0, 0), (3, value, 0, 0, 0, 0)):
                found = verdict_of_policy(policy, number, arguments), verdict_of_filter(program, number, arguments)
                assert found[0] == found[1], (syscalls.name_of(number), arguments)


def test_a_container_lets_through_what_its_level_needs_and_no_more() -> None:
    for level in LEVELS:
        policy = json.loads(write(level, "seccomp"))
        assert set(policy["syscalls"][0]["names"]) == calls_of(level)
        assert policy["defaultAction"] == "SCMP_ACT_ERRNO"
    assert calls_of("jail") - calls_of("process") == JAILER
    dangerous = {"ptrace", "bpf", "init_module", "kexec_load", "reboot", "keyctl", "io_uring_setup", "setns"}
    assert not calls_of("jail") & dangerous


def test_every_call_has_one_name_and_one_number() -> None:
    names = [*syscalls.ALLOWED, *SERVER, *JAILER]
    assert set(names) <= set(syscalls.NUMBERS)
    assert not (SERVER | JAILER) & set(syscalls.ALLOWED)
    assert len(set(syscalls.NUMBERS.values())) == len(syscalls.NUMBERS)


def test_profiles_of_apparmor_are_read_and_a_wrong_word_is_not(tmp_path: Path) -> None:
    parser = shutil.which("apparmor_parser", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    if parser is None:
        pytest.skip("there is no apparmor_parser here; apt-get install apparmor has it")
    for level in LEVELS:
        text = write(level, "apparmor")
        for name, profile, status in (("good", text, 0), ("bad", text.replace("signal", "signl"), 1)):
            (tmp_path / name).write_text(profile)
            done = subprocess.run([parser, "-Q", "-K", "-T", str(tmp_path / name)], capture_output=True, text=True)
            assert done.returncode == status, done.stderr


FIELDS_OF_FALCO = {
    "macro": {"macro", "condition"},
    "list": {"list", "items"},
    "rule": {"rule", "desc", "condition", "output", "priority", "tags"},
}
WORDS_OF_FALCO = {"and", "or", "not", "in", "contains", "startswith", "ipv4", "ipv6"}
VALUES_OF_FALCO = {"evt.type", "fd.name", "fd.type", "proc.cmdline", "proc.pcmdline", "proc.exepath", "user.name"}


@pytest.mark.parametrize("level", LEVELS)
def test_rules_of_falco_have_its_form_and_name_what_is_defined(level: Any) -> None:
    items: list[dict[str, Any]] = yaml.safe_load(write(level, "falco"))
    defined = {item[kind] for item in items for kind in ("macro", "list") if kind in item}
    for item in items:
        kind = next(iter(item))
        assert set(item) == FIELDS_OF_FALCO[kind]
        without_text = re.sub(r'"[^"]*"', "", item.get("condition", ""))
        words = set(re.findall(r"[a-z_.0-9]+", without_text)) - WORDS_OF_FALCO - VALUES_OF_FALCO - defined
        assert words <= set(syscalls.NUMBERS) | {"openat2"}
        assert set(re.findall(r"%([a-z.]+)", item.get("output", ""))) <= VALUES_OF_FALCO
        assert item.get("priority", "CRITICAL") in {"EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING"}


START = """
import os, sys
from qmk.host.isolation.policies import calls_of
from qmk.worker.jail import seccomp, syscalls
numbers = [syscalls.NUMBERS[name] for name in calls_of(sys.argv[1])]
seccomp.install(seccomp.program(os.getpid(), seccomp.REFUSE, numbers, ()), False)
os.execv(sys.executable, [sys.executable, "-m", "qmk", "serve", "--isolation", sys.argv[1], *sys.argv[2:]])
"""


@pytest.mark.conformance
@pytest.mark.parametrize("level", LEVELS)
def test_a_daemon_and_its_gateway_run_under_the_calls_of_their_level(level: str, tmp_path: Path) -> None:
    from qmk.client.sync import Client
    from qmk.host.isolation.probe import probe
    from qmk.sdk.kit.builder import Builder

    if level == "jail" and not probe()["jail"].available:
        pytest.skip(probe()["jail"].reason)
    wanted = [level, "--data-dir", str(tmp_path / "d"), "--socket", str(tmp_path / "s"), "--http", "127.0.0.1:0"]
    with subprocess.Popen([sys.executable, "-c", START, *wanted], stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        try:
            lines = [started.stderr.readline() for _ in range(2)]
            assert "listening on http" in lines[1], lines
            with Client(tmp_path / "s") as client:
                graph = Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()
                assert client.run(graph, shots=10).provenance.isolation == level
        finally:
            started.terminate()
            started.communicate(timeout=20)
