"""From objects of the Quantum Development Kit to the text of QIR that they stand for."""

from __future__ import annotations

# the kit has types in part
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportAttributeAccessIssue=false, reportUnknownArgumentType=false
from types import FunctionType
from typing import Any

from qdk import qsharp

from qmk.models.arguments import show
from qmk.sdk.adapter import cannot


def read(program: object, params: Any) -> bytes:
    """The QIR of ``qsharp.compile(...)``, or of a callable of ``qdk.code``, compiled for the profile that the user's
    ``qsharp.init`` has chosen. Raises UNSUPPORTED for another object, a callable with arguments, and with the
    compiler's words for what the profile has not."""
    if hasattr(type(program), "_repr_qir_"):  # the kit's protocol for what is compiled
        return str(program).encode()
    if not isinstance(program, FunctionType):
        fix = "give qsharp.compile(...), or a callable of qdk.code"
        raise cannot("qdk", f"a {type(program).__name__} is not a program", show(program, 40), fix)
    name = program.__name__
    try:
        return str(qsharp.compile(program)).encode()
    except qsharp.QSharpError as error:
        why = str(error)
    except Exception as error:  # what the kit raises for a call without its arguments is not documented
        why = f"{type(error).__name__}: {error}"
    fix = (
        "give qsharp.compile(operation, arguments...) where it takes some, after"
        " qsharp.init(target_profile=qsharp.TargetProfile.Adaptive_RIF)"
    )
    raise cannot("qdk", f"the kit does not compile it: {why[:1000]}", f"operation '{name}'", fix)
