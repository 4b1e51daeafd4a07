"""``qmk bundle``: one file from which QMK is installed where there is no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qmk.cli import options, output

if TYPE_CHECKING:
    from qmk.sdk.bundle import Bundle


@click.group(name="bundle")
def command() -> None:
    """Make and verify a bundle: one signed file from which QMK is installed where there is no network."""


@command.command(short_help="make a bundle for this system and this Python")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--extra", "extras", multiple=True, metavar="NAME", help="Take along an extra of QMK, such as server.")
@click.option(
    "--wheel",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The wheel of QMK, where it is in no package index that pip knows.",
)
@click.option("--image", "images", multiple=True, metavar="NAME@sha256:DIGEST", help="List a container image.")
@click.option(
    "--add",
    "added",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Take along a file, such as a saved image.",
)
@options.local_data_option("The data folder whose key signs, if not the default one.")
@options.json_option
def create(
    target: Path,
    extras: tuple[str, ...],
    wheel: Path | None,
    images: tuple[str, ...],
    added: tuple[Path, ...],
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Make the file TARGET, a tar archive: wheels, documentation, deployment files, digests and their signature.

    pip fetches the wheels, as it is configured here. Give the public key to those who install it by another way
    than the bundle: sh install.sh FOLDER PUBLIC_KEY.
    """
    from qmk.rpc import keys
    from qmk.rpc.places import KEYS_NAME, state_dir
    from qmk.sdk import bundle

    folder = (data_dir or state_dir()) / KEYS_NAME
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = keys.signing_key(folder, bundle.KEY)
    found = bundle.create(target, key, extras=extras, wheel=wheel, images=images, added=added)
    public = folder / f"{bundle.KEY}.pub"
    fields = {**_fields(found, target), "public_key": str(public)}
    output.show(as_json, fields, [*_lines(f"made {target}", found), f"public key: {public}"])


@command.command(short_help="compare every file of a bundle with its digest, and these with their signature")
@click.argument("source", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--public-key",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="The key that it must be signed with.",
)
@options.json_option
def verify(source: Path, public_key: Path, as_json: bool) -> None:
    """Read the bundle SOURCE, and compare every file with its digest and the digests with their signature."""
    from qmk.rpc import keys
    from qmk.sdk import bundle

    found = bundle.verify(source, keys.public_key(public_key))
    output.show(as_json, _fields(found, source), _lines(f"{source} is whole and signed", found))


def _fields(found: Bundle, path: Path) -> dict[str, object]:
    named = {"path": str(path), "name": found.name, "files": found.files, "bytes": found.bytes}
    return {**named, "packages": found.packages, "images": found.images}


def _lines(done: str, found: Bundle) -> list[str]:
    from qmk.base.units import bytes_text

    return [f"{done}: {len(found.packages)} packages, {bytes_text(found.bytes)} in {found.files:,} files"]
