"""tools/rust.sh finds a toolchain that is new enough, or gets one from apt; with stand-ins for apt and cargo."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("bash", "dirname", "sed", "sort", "head", "tr", "id", "env", "cat", "chmod")
TOOL = '#!{bash}\necho "{name} {version} (stand-in)"\n'
APT = """#!{bash}
echo "apt-get $*" >>{log}
[[ $1 != install && $2 != install && " $* " != *" install "* ]] && exit 0
for name in cargo rustc; do
  printf '#!{bash}\\necho "%s {version}"\\n' "$name" >{bin}/$name
  chmod +x {bin}/$name
done
"""


class Machine:
    """A machine with nothing on its path but what a test puts there."""

    def __init__(self, root: Path) -> None:
        self.bin, self.log, self.project = root / "bin", root / "log", root / "project"
        self.bin.mkdir()
        for name in NEEDED:
            (self.bin / name).symlink_to(shutil.which(name) or name)
        (self.project / "tools").mkdir(parents=True)
        (self.project / "native").mkdir()
        shutil.copy(ROOT / "tools" / "rust.sh", self.project / "tools")
        shutil.copy(ROOT / "native" / "Cargo.toml", self.project / "native")
        (self.bin / "sudo").write_text(f'#!{self.bin}/bash\nexec "$@"\n')
        (self.bin / "sudo").chmod(0o755)

    def add(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def add_rust(self, version: str) -> None:
        for name in ("cargo", "rustc"):
            self.add(name, TOOL.format(bash=self.bin / "bash", name=name, version=version))

    def add_apt(self, version: str, *, with_web: bool) -> None:
        """An apt that installs a toolchain of ``version``."""
        self.add("apt-get", APT.format(bash=self.bin / "bash", log=self.log, bin=self.bin, version=version))
        self.add("apt-cache", f"#!{self.bin}/bash\n" + ("echo Package: $2\n" if with_web else ""))

    def run(self) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / "bash"), "tools/rust.sh"]
        env = {"PATH": str(self.bin), "HOME": str(self.project)}
        return subprocess.run(
            command, cwd=self.project, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    def calls(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize("version", ["1.85.0", "1.96.0", "1.100.1"])
def test_a_toolchain_new_enough_is_used_as_it_is(machine, version):
    machine.add_rust(version)
    machine.add_apt("1.96.0", with_web=True)
    done = machine.run()
    assert (done.returncode, done.stdout.strip()) == (0, str(machine.bin))
    assert not machine.calls()


@pytest.mark.parametrize(("with_web", "packages"), [(True, "cargo-web rustc-web"), (False, "cargo rustc")])
def test_an_old_one_is_replaced_from_apt(machine, with_web, packages):
    machine.add_rust("1.63.0")
    machine.add_apt("1.96.0", with_web=with_web)
    done = machine.run()
    assert (done.returncode, done.stdout.strip()) == (0, str(machine.bin))
    assert f"--no-install-recommends {packages} gcc libc6-dev" in machine.calls()


def test_where_apt_has_only_an_older_one_the_error_says_what_to_do(machine):
    machine.add_apt("1.75.0", with_web=False)
    done = machine.run()
    assert done.returncode == 1
    assert "this system's packages are older" in done.stderr
    assert "rustup.rs" in done.stderr


def test_without_apt_the_error_says_what_to_do(machine):
    done = machine.run()
    assert done.returncode == 1
    assert "no apt-get" in done.stderr
    assert "1.85 or newer" in done.stderr
