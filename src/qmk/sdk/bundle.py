"""``qmk bundle``: one file from which QMK is installed where there is no network.

It is a tar archive with one folder: ``wheels``, which are QMK and all that it and its extras require, in the versions
that are installed here, for this system and this Python; ``requirements.txt`` with their digests; the documentation and
the deployment files, as the wheel of QMK holds them; ``images.txt``, the container images that go with it;
``install.sh``; and whatever files were added. ``SHA256SUMS`` lists them all, in the form of ``sha256sum``, and
``SHA256SUMS.sig`` is its Ed25519 signature (RFC 8032). The same files make the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from qmk import __version__
from qmk.base.errors import QmkError
from qmk.rpc import keys
from qmk.sdk import environments
from qmk.sdk.discovery import DISTRIBUTION

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY = "bundle"
"""The name of the key that signs, in the folder of keys."""
SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
REQUIREMENTS = "requirements.txt"
SHARED = ".data/data/share/qmk/"
"""Where the wheel of QMK has its documentation and deployment files."""
_IMAGE = re.compile(r"[a-z0-9][\w./:-]*@sha256:[0-9a-f]{64}", re.ASCII)
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_LONGEST_SUMS = 4 << 20
_CHUNK = 1 << 20
INSTALL = """\
#!/bin/sh
# sh install.sh FOLDER [PUBLIC_KEY] checks the files beside it, then makes FOLDER a Python environment with QMK in it.
# Nothing is fetched. PUBLIC_KEY is the file that whoever made this bundle has given you by another way; without it only
# damage is found, not forgery.
set -eu
say() { printf 'install.sh: %s\\n' "$*" >&2; exit 1; }
[ $# -eq 1 ] || [ $# -eq 2 ] || say "usage: sh install.sh FOLDER [PUBLIC_KEY]"
case $1 in /*) folder=$1 ;; *) folder=$PWD/$1 ;; esac
key=${2:-}
case $key in /* | '') ;; *) key=$PWD/$key ;; esac
cd "$(dirname "$0")"
[ ! -e "$folder" ] || say "$folder is there already; name a folder that is not"
if [ -n "$key" ]; then
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in @SUMS@ -sigfile @SIGNATURE@ >/dev/null ||
        say "@SUMS@ is not signed with $key; do not use this bundle"
fi
sha256sum --check --quiet --strict @SUMS@ || say "a file is damaged or missing; copy the bundle again"
python=${PYTHON:-python@PYTHON@}
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (@VERSION@))' ||
    say "this bundle is for Python @PYTHON@; install it, or name one with PYTHON=PATH"
"$python" -m venv "$folder" || say "install the venv module of that Python (Debian: apt install python3-venv)"
"$folder/bin/python" -m pip --quiet --disable-pip-version-check --no-cache-dir install -r @REQUIREMENTS@ \\
    --no-index --no-deps --require-hashes --find-links wheels || {
    rm -rf "$folder"
    say "pip could not install it: see above"
}
printf 'installed: %s\\n' "$folder/bin/qmk"
"""


class Bundle(msgspec.Struct, frozen=True):
    """What a bundle holds. ``bytes``: the size of its files; ``packages``: requirements as pip writes them."""

    name: str
    files: int
    bytes: int
    packages: list[str]
    images: list[str]


def create(
    target: Path,
    key: Ed25519PrivateKey,
    *,
    extras: Sequence[str] = (),
    wheel: Path | None = None,
    images: Sequence[str] = (),
    added: Sequence[Path] = (),
) -> Bundle:
    """Makes the file ``target``, signed with ``key``. pip fetches the wheels as it is configured here. ``wheel`` is
    that of QMK, where it is in no index; ``added`` are files to go along, in the folder ``added``.

    Raises INVALID_PARAMS where ``target`` is there or an argument is wrong, UNSUPPORTED with what pip said.
    """
    if target.exists():
        raise _invalid(f"{target} is there already", "name a file that is not")
    for image in images:
        if _IMAGE.fullmatch(image) is None:
            raise _invalid(f"the image {image[:200]!r} has no digest", "name it as NAME@sha256:DIGEST")
    named = [path.name for path in added]
    if len(set(named)) < len(named) or not all(path.is_file() for path in added):
        raise _invalid("what is added are files of different names", "check the paths of --add")
    with tempfile.TemporaryDirectory(dir=_folder_of(target), prefix=".bundle-") as place:
        draft = Path(place, f"qmk-{__version__}-{sysconfig.get_platform()}-python{_PYTHON}")
        packages = _fetch(draft / "wheels", sorted(set(extras)), wheel)
        (draft / REQUIREMENTS).write_text("".join(f"{line}\n" for line in packages))
        _take_shared(draft)
        (draft / "images.txt").write_text("".join(f"{image}\n" for image in sorted(set(images))))
        (draft / "install.sh").write_text(_install_text())
        for path in added:
            (draft / "added").mkdir(exist_ok=True)
            shutil.copyfile(path, draft / "added" / path.name)
        sums = "".join(f"{_digest(path)}  {path.relative_to(draft)}\n" for path in _files(draft)).encode()
        (draft / SUMS).write_bytes(sums)
        (draft / SIGNATURE).write_bytes(key.sign(sums))
        _write_tar(draft, Path(place, "tar"))
        os.link(Path(place, "tar"), target)
    return verify(target, key.public_key())


def verify(source: Path, key: Ed25519PublicKey) -> Bundle:
    """Reads the whole bundle. Raises INVALID_PARAMS where it is none or not signed with ``key``, INTERNAL_ERROR naming
    a file that is damaged, missing or not listed."""
    found: dict[str, str] = {}
    kept: dict[str, bytes] = {}
    size, roots = 0, set[str]()
    try:
        with tarfile.open(source, "r:") as archive:
            for member in archive:
                root, _, name = member.name.partition("/")
                roots.add(root)
                if not member.isfile() or not name or name in found:
                    raise _damage(source, member.name, "is not a file of a bundle")
                size += member.size
                stream = archive.extractfile(member)
                assert stream is not None, "a file has content"
                if name in (SUMS, SIGNATURE, REQUIREMENTS, "images.txt"):
                    kept[name] = stream.read(_LONGEST_SUMS)
                    found[name] = hashlib.sha256(kept[name]).hexdigest()
                else:
                    found[name] = _digest_of(stream)
    except (OSError, tarfile.TarError) as error:
        raise _invalid(f"cannot read {source}: {error}", "name a file that 'qmk bundle create' has made") from error
    if len(roots) != 1 or SUMS not in kept or SIGNATURE not in kept:
        raise _invalid(f"{source} is not a bundle", "name a file that 'qmk bundle create' has made")
    if not keys.signed_by(key, kept[SIGNATURE], kept[SUMS]):
        raise _invalid(f"{source} is not signed with that key", "ask whoever made it for their public key")
    listed = dict(_read_sums(source, kept[SUMS]))
    for name in sorted(listed.keys() | found.keys() - {SUMS, SIGNATURE}):
        if name not in found:
            raise _damage(source, name, "is missing")
        if listed.get(name) != found[name]:
            raise _damage(source, name, "is damaged" if name in listed else "is not listed")
    packages, images = (kept[name].decode().split("\n")[:-1] for name in (REQUIREMENTS, "images.txt"))
    return Bundle(roots.pop(), len(found), size, [line.partition(" ")[0] for line in packages], images)


def _read_sums(source: Path, sums: bytes) -> Iterator[tuple[str, str]]:
    for line in sums.decode(errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise _damage(source, SUMS, "has a line that is none of sha256sum")
        yield match[2], match[1]


_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def _install_text() -> str:
    known = {"SUMS": SUMS, "SIGNATURE": SIGNATURE, "REQUIREMENTS": REQUIREMENTS, "PYTHON": _PYTHON}
    known["VERSION"] = _PYTHON.replace(".", ", ")
    return re.sub(r"@(\w+)@", lambda match: known[match[1]], INSTALL)


def _fetch(folder: Path, extras: list[str], wheel: Path | None) -> list[str]:
    """Lets pip fetch the wheels, and gives the requirements, each with the digest of its wheel. Versions are those that
    are installed here, where something is."""
    from importlib import metadata

    folder.mkdir(parents=True)
    versions = {each.name: each.version for each in metadata.distributions()}
    fixed = folder.parent / "constraints"
    fixed.write_text("".join(f"{name}=={version}\n" for name, version in versions.items() if name != DISTRIBUTION))
    of_extras = f"[{','.join(extras)}]" if extras else ""
    what = f"{DISTRIBUTION}{of_extras}=={__version__}" if wheel is None else f"{wheel}{of_extras}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--only-binary", ":all:", "--constraint", str(fixed), "--dest", str(folder), what]
    done = environments.run(command)
    if done.returncode:
        fix = "let pip reach an index that has QMK, or name its wheel with --wheel (python -m pip wheel --no-deps)"
        raise QmkError("UNSUPPORTED", f"pip cannot fetch the wheels:\n{environments.last_lines(done)}", help=fix)
    fixed.unlink()
    return [f"{_pin(path.name)} --hash=sha256:{_digest(path)}" for path in _files(folder)]


def _pin(name: str) -> str:
    """``name==version`` of a wheel, by the name of its file (PEP 427)."""
    package, version, _ = name.split("-", 2)
    return f"{package.replace('_', '-')}=={version}"


def _take_shared(draft: Path) -> None:
    """The documentation and the deployment files, out of the wheel of QMK."""
    (wheel,) = (draft / "wheels").glob(f"{DISTRIBUTION.replace('-', '_')}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            _, shared, name = entry.filename.partition(SHARED)
            if shared and not entry.is_dir() and ".." not in Path(name).parts:
                path = draft / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(entry))


def _write_tar(draft: Path, path: Path) -> None:
    """Nothing but names and contents goes in: no times and no owners."""
    with tarfile.open(path, "x:", format=tarfile.PAX_FORMAT) as archive:
        for file in _files(draft):
            member = tarfile.TarInfo(f"{draft.name}/{file.relative_to(draft)}")
            member.size, member.mode = file.stat().st_size, 0o644
            with file.open("rb") as stream:
                archive.addfile(member, stream)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return _digest_of(stream)


def _digest_of(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := stream.read(_CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def _folder_of(target: Path) -> Path:
    folder = target.absolute().parent
    if not folder.is_dir():
        raise _invalid(f"there is no folder {folder}", "make it first")
    return folder


def _invalid(message: str, fix: str) -> QmkError:
    return QmkError("INVALID_PARAMS", message, help=fix)


def _damage(source: Path, name: str, what: str) -> QmkError:
    return QmkError(
        "INTERNAL_ERROR", f"{source}: {name[:200]} {what}", help="copy the bundle again, and do not install it"
    )
