"""Results as objects of other frameworks: a module of ``qmk.adapters.results`` each, found by its name."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from qmk.base.errors import QmkError
from qmk.models.arguments import show

if TYPE_CHECKING:
    from qmk.client.result import Result

HOME = "qmk.adapters.results"


def frameworks() -> list[str]:
    """The frameworks that results are converted for."""
    return sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(HOME).__path__))


def convert(result: Result, framework: str, form: str = "") -> Any:
    """The result as an object of ``framework``; see ``Result.to``."""
    names = frameworks()
    if not isinstance(cast("object", framework), str) or framework not in names:
        raise _missing(f"no result of {show(framework, 40)} is made", framework, names)
    try:
        forms: Mapping[str, Callable[[Result], Any]] = importlib.import_module(f"{HOME}.{framework}").FORMS
    except ImportError as error:
        fix = f"pip install 'quantum-microkernel[{framework}]'"
        raise QmkError("UNSUPPORTED", f"a result of {framework} needs {error.name}", help=fix) from error
    if not isinstance(cast("object", form), str) or (form and form not in forms):
        raise _missing(f"{framework} has no form {show(form, 40)} of a result", form, list(forms))
    return forms[form or next(iter(forms))](result)


def _missing(message: str, given: object, names: list[str]) -> QmkError:
    near = difflib.get_close_matches(show(given, 40).strip("'"), names, 1)
    fix = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names)}"
    return QmkError("UNSUPPORTED", message, field="framework", help=fix)
