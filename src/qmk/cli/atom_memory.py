"""``qmk atoms memory``: logical errors of a code on atoms that are lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output

if TYPE_CHECKING:
    from qmk.models.qec.atoms import AtomMemory


@click.command(short_help="measure a code's logical error rate with lost atoms")
@click.argument("code")
@click.option(
    "--noise",
    default="circuit=1e-3,loss=5e-3",
    metavar="MODEL",
    help="circuit=1e-3,loss=5e-3 if not given; loss=P: each atom of each gate.",
)
@click.option("--rounds", type=click.IntRange(1), metavar="N", help="The distance if not given.")
@click.option("--basis", type=click.Choice(("Z", "X")), default="Z", help="What is kept; Z if not given.")
@click.option(
    "--check",
    type=click.Choice(("end", "round")),
    default="end",
    help="When lost data atoms are found: at the end, or after every round, where they are replaced.",
)
@click.option("--shots", "-n", type=click.IntRange(1, 10**7), default=10_000, metavar="N", help="10000 if not given.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, metavar="N", help="0 if not given.")
@options.json_option
def memory(code: str, noise: str, as_json: bool, **given: Any) -> None:
    """Measure the logical error rate of CODE, "repetition(d=5)" or "surface(d=3)", where atoms are lost: with the
    knowledge of which, and without."""
    from qmk.models.qec import atoms, codes

    found = atoms.measure_memory(codes.parse(code), noise, **given)
    output.show(as_json, found.as_dict(), _text(found))


def _text(found: AtomMemory) -> Iterator[str]:
    rounds = f"{found.rounds} round{'s' * (found.rounds != 1)} of {found.basis}"
    yield f"{found.code.spec}: {rounds} under {found.noise} [{found.noise_hash[:12]}], matching decoder"
    where = "at the end" if found.check == "end" else "after every round, where they are replaced"
    yield f"{found.lost_per_shot:.3g} atoms lost per shot, data atoms looked for {where}"
    rows: list[tuple[str, ...]] = []
    for name, rate in (("known", found.aware), ("ignored", found.blind)):
        low, high = rate.interval_per_round(found.rounds)
        per_round = f"{rate.per_round(found.rounds):.3g}"
        rows.append(
            (name, str(rate.shots), str(rate.errors_any), f"{rate.per_shot:.3g}", per_round, f"{low:.3g} to {high:.3g}")
        )
    yield from output.table(("losses", "shots", "errors", "per shot", "per round", "95 %"), rows)
    yield f"knowing the losses is better by {found.sigmas:.1f} standard deviations"
