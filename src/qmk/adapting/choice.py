"""A decision: which variant to go on with, from what each would take. Pure, so that a journal replays it."""

from __future__ import annotations

import msgspec

from qmk.adapting.files import wrong
from qmk.adapting.policy import Policy
from qmk.adapting.profiles import Profile
from qmk.adapting.variants import Variant


class Considered(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A variant and its profile; without one, ``why`` it cannot run."""

    variant: Variant
    profile: Profile | None = None
    why: str = ""


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """``now``: the variant before, None at the start. ``events``: what led to it. ``considered``: all that it rests
    on."""

    at_round: float
    epoch: int
    events: tuple[str, ...]
    now: Variant | None
    considered: tuple[Considered, ...]
    chosen: Variant
    reason: str

    @property
    def line(self) -> str:
        """For people."""
        what = ", ".join(self.events) or "start"
        return f"round {self.at_round:g}, epoch {self.epoch + 1}, {what}: {self.chosen.text}: {self.reason}"


def choose(considered: tuple[Considered, ...], now: Variant | None, policy: Policy) -> tuple[Variant, str]:
    """The variant and why. Raises INVALID_PARAMS where a program cannot start as anything."""
    here = next((each for each in considered if each.variant == now), None)
    able = [each for each in considered if each is here or _fits(each.profile, here, policy)]
    able = [each for each in able if each.profile is not None]
    if not able:
        if now is not None:
            return now, "nothing that is known could run instead"
        reasons = sorted({each.why for each in considered if each.why}) or ["all take more than the policy allows"]
        raise wrong("policy", f"no variant of the program can run: {'; '.join(reasons[:3])}", "allow other variants")
    best = min(able, key=lambda each: _rank(each, policy))
    if here is None or here.profile is None:
        others = f" of {len(considered)} variants" if len(considered) > 1 else ""
        return best.variant, f"best {policy.objective}{others}, {_text(best.profile)}"
    if best is here:
        return here.variant, f"no change is better, {_text(here.profile)}"
    if _misses(best, policy) == _misses(here, policy) and _value(best, policy) > (1 - policy.gain) * _value(
        here, policy
    ):
        return here.variant, f"a change would gain less than {policy.gain:.0%}, {_text(here.profile)}"
    return best.variant, f"{_text(best.profile)}, instead of {_text(here.profile)}"


def replay(decision: Decision, policy: Policy) -> None:
    """Decide again from what the decision rests on. Raises INVALID_PARAMS where something else comes out."""
    chosen, reason = choose(decision.considered, decision.now, policy)
    if (chosen, reason) != (decision.chosen, decision.reason):
        raise wrong(
            "journal",
            f"at round {decision.at_round:g} it has {decision.chosen.text}, and the policy chooses {chosen.text}",
            "it was written under another policy, or changed since",
        )


def _fits(profile: Profile | None, here: Considered | None, policy: Policy) -> bool:
    if profile is None or (policy.most_qubits is not None and profile.qubits > policy.most_qubits):
        return False
    relieves = here is not None and here.profile is not None and profile.load < here.profile.load
    return profile.load <= policy.most_load or relieves


def _misses(each: Considered, policy: Policy) -> bool:
    assert each.profile is not None
    return policy.target_error is not None and 1 - each.profile.success > policy.target_error


def _value(each: Considered, policy: Policy) -> float:
    profile = each.profile
    assert profile is not None
    return {
        "time_per_success": profile.rounds / max(profile.success, 1e-300),
        "time": profile.rounds,
        "qubits": float(profile.qubits),
        "error": 1 - profile.success,
    }[policy.objective]


def _rank(each: Considered, policy: Policy) -> tuple[bool, float, float, int, str]:
    """Within the target first; of two that are as good, the one that errs less, then the smaller one."""
    profile = each.profile
    assert profile is not None
    return _misses(each, policy), _value(each, policy), 1 - profile.success, profile.qubits, each.variant.text


def _text(profile: Profile | None) -> str:
    assert profile is not None
    load = f", decoder loaded with {profile.load:.2f}" if profile.load else ""
    return f"{profile.success:.4g} without error in {profile.rounds:g} rounds on {profile.qubits} qubits{load}"
