"""``qmk qec speed``: how long this machine takes to decode a detection event."""

from __future__ import annotations

import click

from qmk.cli import options, output


@click.command(short_help="measure the CPU time of a detection event")
@click.argument("code")
@click.option("--noise", default="circuit=1e-3", metavar="MODEL", help="circuit=1e-3 if not given; as for qmk run.")
@click.option("--decoder", metavar="NAME", help="What suits the code if not given.")
@click.option("--shots", "-n", type=click.IntRange(1, 10**7), default=10_000, metavar="N", help="10000 if not given.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, metavar="N", help="Of the shots; 0.")
@options.json_option
def speed(code: str, noise: str, decoder: str | None, shots: int, seed: int, as_json: bool) -> None:
    """Measure the CPU time of a detection event of CODE, such as "surface(d=5)", as qmk serve --decoder takes it."""
    from qmk.models.qec import codes, speed

    found = speed.measure_speed(codes.parse(code), noise, shots=shots, seed=seed, decoder=decoder)
    output.show(as_json, {"event_s": found.event_s}, f"event={found.event_s:.3g}")
