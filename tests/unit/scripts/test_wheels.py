"""Wheels are read and unpacked without running anything of theirs, and refused by name for whatever is wrong."""

from __future__ import annotations

import io
import os
import stat
import sys
import zipfile
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.request.scripts import ScriptOptions, level_of, script_program
from qmk.request.wheels import pack, read
from qmk.request.wheels import unpack as unpack_text
from qmk.scripts.wheels import UNPACKED_FILES, install, unpack

NAME = "mine-1-py3-none-any.whl"
ABOUT = {
    "mine-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1\n",
    "mine-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "mine-1.dist-info/RECORD": "",
}
CODE = "def twice(x):\n    return 2 * x\n"
OWN = f"cp{sys.version_info[0]}{sys.version_info[1]}"
MACHINE = os.uname().machine


def wheel(files: dict[str, str] | None = None, *, about: dict[str, str] = ABOUT, mode: int = 0o100644) -> bytes:
    """A wheel with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in ({"mine.py": CODE} if files is None else files).items():
            member = zipfile.ZipInfo(name)
            member.external_attr, member.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            made.writestr(member, text)
        for name, text in about.items():
            made.writestr(name, text)
    return out.getvalue()


def test_packages_are_unpacked_and_nothing_else_is(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    evil = f"open({str(marker)!r}, 'w')\n"
    files = {"mine.py": CODE, "setup.py": evil, "mine.pth": f"import os; {evil}", "mine-1.data/scripts/tool": evil,
             "mine-1.data/purelib/pure.py": "", "mine-1.data/data/etc/x": ""}  # fmt: skip
    unpack({NAME: wheel(files)}, tmp_path / "to")
    found = {str(path.relative_to(tmp_path / "to")) for path in (tmp_path / "to").rglob("*") if path.is_file()}
    assert found == {"mine.py", "setup.py", "mine.pth", "pure.py", *ABOUT}
    assert not marker.exists()
    assert not any(stat.S_IMODE((tmp_path / "to" / name).stat().st_mode) & 0o222 for name in found)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        (NAME, b"no zip", "is not a wheel"),
        (NAME, wheel()[:-60], "is not a wheel"),
        (NAME, wheel(about={}), "has not one"),
        (NAME, wheel(about=ABOUT | {"other-1.dist-info/WHEEL": ""}), "has not one"),
        (NAME, wheel(about=ABOUT | {"mine-1.dist-info/WHEEL": "Wheel-Version: 2.0\n"}), "version 1 of the format"),
        (NAME, wheel(about={k: v for k, v in ABOUT.items() if "RECORD" not in k}), "has no RECORD"),
        (NAME, wheel(about=ABOUT | {"mine-1.dist-info/RECORD": "mine.py,sha256=AAAA,9\n"}), "than its RECORD says"),
        (NAME, wheel({"../out.py": ""}), "a file outside of it"),
        (NAME, wheel({"/out.py": ""}), "a file outside of it"),
        (NAME, wheel({"a\\..\\out.py": ""}), "a file outside of it"),
        (NAME, wheel({"mine-1.data/purelib/../../out.py": ""}), "a file outside of it"),
        (NAME, wheel({"to": "/etc"}, mode=stat.S_IFLNK | 0o777), "holds a link"),
        ("mine-1-py2-none-any.whl", wheel(), "is not for Python"),
        ("mine-1-cp27-cp27mu-linux_x86_64.whl", wheel(), "is not for Python"),
        (f"mine-1-{OWN}-{OWN}-win_amd64.whl", wheel(), "is not for Python"),
        (f"mine-1-{OWN}-{OWN}-manylinux_2_17_sparc.whl", wheel(), "is not for Python"),
        ("mine.whl", wheel(), "is not named as a wheel is"),
    ],
)
def test_what_is_not_a_wheel_is_refused_and_writes_nothing_outside(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(QmkError, match=words) as told:
        unpack({name: data}, tmp_path / "in" / "to")
    assert told.value.kind.name == "INVALID_PARAMS"
    assert name in told.value.message
    assert {path.name for path in tmp_path.iterdir()} == {"in"}
    assert not Path("/out.py").exists()


@pytest.mark.parametrize(
    "name",
    [
        NAME,
        "mine-1-py2.py3-none-any.whl",
        f"mine-1-1-{OWN}-none-any.whl",
        f"mine-1-cp38-abi3-manylinux_2_17_{MACHINE}.whl",
        f"mine-1-{OWN}-{OWN}-manylinux_2_17_{MACHINE}.manylinux2014_{MACHINE}.whl",
    ],
)
def test_wheels_for_this_python_are_taken(tmp_path: Path, name: str) -> None:
    unpack({name: wheel()}, tmp_path / "to")
    assert (tmp_path / "to" / "mine.py").read_text() == CODE


def test_a_small_wheel_that_unpacks_to_much_is_refused_before_it_does(tmp_path: Path) -> None:
    bomb = wheel({f"{number}.py": "\0" * (1 << 24) for number in range(4)})
    assert len(bomb) < 1 << 20
    with pytest.raises(QmkError, match="more than 50331648 bytes"):
        unpack({NAME: bomb}, tmp_path / "to")
    assert [*(tmp_path / "to").iterdir()] == []
    many = wheel({f"{number}.py": "" for number in range(UNPACKED_FILES)})
    with pytest.raises(QmkError, match="more than 3000 files"):
        unpack({NAME: many}, tmp_path / "more")


def test_two_wheels_may_not_hold_another_file_of_one_name(tmp_path: Path) -> None:
    other = "yours-1-py3-none-any.whl"
    about = {name.replace("mine", "yours"): text for name, text in ABOUT.items()}
    unpack({NAME: wheel(), other: wheel(about=about)}, tmp_path / "same")
    with pytest.raises(QmkError, match=r"holds another mine\.py than a wheel before it"):
        unpack({NAME: wheel(), other: wheel({"mine.py": ""}, about=about)}, tmp_path / "two")


def test_a_program_carries_wheels_by_their_digests(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(wheel())
    text = pack(tmp_path)
    (packed,) = unpack_text(text)
    assert read([tmp_path / NAME]) == {packed.name: packed.data} == {NAME: wheel()}
    args = script_program("import mine", ScriptOptions(wheels=tmp_path)).nodes[0].args
    assert "".join(args["wheels"]) == text
    assert "wheels" not in script_program("result = 1").nodes[0].args
    with pytest.raises(QmkError, match=r"hold mine-1-py3-none-any\.whl with another digest than they say"):
        unpack_text(text.replace(packed.sha256, "0" * 64))
    with pytest.raises(QmkError, match="are not what submit_script writes"):
        unpack_text(text.replace("mine-1", "../mine-1"))


def test_places_without_wheels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "large-1-py3-none-any.whl").write_bytes(b"")
    os.truncate(tmp_path / "large-1-py3-none-any.whl", LIMITS.script_wheels_bytes + 1)
    with pytest.raises(QmkError, match="script_wheels_bytes"):
        pack(tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(QmkError, match=r"no \*\.whl files"):
        read(tmp_path / "none")
    with pytest.raises(QmkError, match=r"must be \*\.whl files; got setup\.py"):
        read(["setup.py"])
    with pytest.raises(QmkError, match="No such file"):
        read(tmp_path / NAME)
    with pytest.raises(QmkError, match="'wasm'"):
        level_of("", ScriptOptions(wheels=tmp_path))


def test_a_folder_is_made_once_for_the_same_wheels(tmp_path: Path) -> None:
    first = install({NAME: wheel()}, tmp_path)
    assert first == install({NAME: wheel()}, tmp_path) != install({NAME: wheel({})}, tmp_path)
    assert len([*tmp_path.iterdir()]) == 2
