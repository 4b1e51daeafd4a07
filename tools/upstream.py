"""Make the checkouts that ``make conformance`` runs other projects' tests from: ``python tools/upstream.py FOLDER``.

Repositories, commits and their licence are those of ``tests/conformance/upstream/suites.py``. A checkout that is at its
commit is left as it is, one of another commit is moved to it. It needs git alone. A mirror is told to git itself:
``git config --global url.MIRROR.insteadOf https://github.com/Qiskit/qiskit``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.conformance.upstream.suites import LICENCE, SUITES


def git(folder: Path, *words: str, may_fail: bool = False) -> str:
    """Runs git in the folder and gives what it prints. Raises CalledProcessError where it fails and must not."""
    done = subprocess.run(["git", *words], cwd=folder, check=not may_fail, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def check_out(folder: Path, repository: str, commit: str) -> bool:
    """Makes a checkout of this one commit, without what was before it. False where the folder is one already. Raises
    FileExistsError for a folder with anything else in it: a checkout with changes, or no checkout."""
    if not folder.exists():
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet")
    elif not (folder / ".git").is_dir() or git(folder, "status", "--porcelain"):
        raise FileExistsError(f"{folder} has files of another origin, or changes; move it away")
    elif git(folder, "rev-parse", "--quiet", "--verify", "HEAD", may_fail=True) == commit:
        return False
    git(folder, "fetch", "--quiet", "--depth", "1", repository, commit)
    git(folder, "checkout", "--quiet", "FETCH_HEAD")
    return True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Makes the checkouts that QMK_UPSTREAM=FOLDER make conformance uses.")
    parser.add_argument("folder", type=Path, help="where they go, each into a folder of its own")
    root: Path = parser.parse_args(arguments).folder.resolve()
    failed = 0
    for name, suite in {suite.checkout or name: suite for name, suite in SUITES.items()}.items():
        try:
            is_new = check_out(root / name, suite.repository, suite.commit)
        except (subprocess.CalledProcessError, FileExistsError) as error:
            print(f"{name}: no checkout of {suite.repository} at {suite.commit}: {error}", file=sys.stderr)
            failed = 1
            continue
        known = "" if is_new else ", already there"
        print(f"{name}: {suite.repository} at {suite.commit[:12]}, {LICENCE}{known}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
