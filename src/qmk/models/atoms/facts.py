"""A device in words: what it runs and what bounds it."""

from __future__ import annotations

from qmk.models.atoms.motion import move_us
from qmk.models.atoms.profile import Profile


def runs(row: Profile) -> str:
    """Evolutions, gates, or both."""
    return " and ".join([*(["evolutions"] if row.analog else []), *(["gates"] if row.geometry else [])])


def size(row: Profile) -> str:
    """How many atoms it holds."""
    atoms = row.arrangement.sites if row.geometry is None else len(row.geometry.occupied_sites())
    return str(atoms or "any")


def facts(profile: Profile, configuration: str = "") -> dict[str, str]:
    """Its bounds by what they are of, empty where there is nothing to say."""
    found = {"runs": runs(profile), "versions": ", ".join(profile.isa)}
    geometry = profile.geometry
    if geometry is None:
        light = profile.amplitude
        found["atoms"] = size(profile)
        found["evolution"] = f"{profile.duration:g} us" if profile.duration else "any time"
        found["amplitude"] = f"{light.low:g} to {light.high:g} rad/us" if light.high > light.low else "any"
        return found
    found["sites"] = f"{len(geometry.sites)}, {len(geometry.occupied_sites(configuration))} of them with atoms"
    found["zones"] = ", ".join(f"{zone.id} ({zone.role or 'no role'})" for zone in geometry.zones)
    found["configurations"] = ", ".join(row.name for row in geometry.configurations)
    gates = [f"{gate.name} on {gate.arity}, {gate.duration:g} us" for gate in profile.gates]
    found["gates"] = "; ".join(gates) or "every gate"
    found["radius"] = f"{profile.blockade.radius:g} um, light reaches the {profile.blockade.light}"
    found["measurement"] = f"{profile.timing.measurement:g} us, cooldown {profile.timing.cooldown:g} us"
    transport = profile.transport
    found["moves"] = "no" if transport is None else f"10 um in {move_us(transport, 10.0):.4g} us"
    return found
