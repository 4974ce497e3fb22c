"""What is wrong with a setting, in one line: where it stands, what it is, and what was probably meant."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from botcore.errors import SettingsError
from botcore.settings.tables import CORE

__all__ = ["PREFIX", "origin_of", "refuse_unknown", "validate"]

M = TypeVar("M", bound=BaseModel)
PREFIX = "BOTCORE_"
"""Of the environment's variables."""


def validate(model: type[M], values: Any, section: str, origins: Mapping[str, str]) -> M:
    """``values`` as ``model``; `SettingsError` names origin, key, value and the nearest key there is."""
    if not isinstance(values, Mapping):
        raise SettingsError(f"{origin_of(section, origins)}: [{section}] must be a table, not {values!r}")
    refuse_unknown(values, list(model.model_fields), section, origins)
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise SettingsError(_first_problem(error, section, origins)) from None


def refuse_unknown(values: Mapping[str, Any], names: Sequence[str], section: str, origins: Mapping[str, str]) -> None:
    """Raise `SettingsError` for the first key that is none of ``names``; ``section`` "" is about tables."""
    for name in values:
        if name in names:
            continue
        dotted = f"{section}.{name}" if section else name
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(names)}" if names else "it takes none"
        what = f'[{section}] has no key "{name}"' if section else f"there is no table [{name}]"
        table = next((table for table, model in CORE.items() if name in model.model_fields), "")
        if table and not section and not isinstance(values[name], Mapping):
            what, hint = f'"{name}" stands in no table', f"write [{table}] above it"
        raise SettingsError(f"{origin_of(dotted, origins)}: {what}; {hint}")


def origin_of(dotted: str, origins: Mapping[str, str]) -> str:
    """Where this key, or anything below it, was given."""
    if dotted in origins:
        return origins[dotted]
    below = (origin for key, origin in origins.items() if key.startswith(f"{dotted}."))
    return next(below, "configuration")


def _first_problem(error: ValidationError, section: str, origins: Mapping[str, str]) -> str:
    problem = error.errors(include_url=False)[0]
    dotted = ".".join([section, *(str(part) for part in problem["loc"])])
    where = origin_of(dotted, origins)
    if problem["type"] == "missing":
        variable = PREFIX + "__".join(dotted.split(".")).upper()
        return f"{origin_of(section, origins)}: {dotted} is missing; set it there or in the variable {variable}"
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no key {dotted}"
    if problem["type"] in ("tuple_type", "list_type"):
        return f'{where}: {dotted} is a list; write ["…"], also for one'
    if problem["type"] == "too_long":
        bound = problem.get("ctx", {})
        return f"{where}: {dotted} takes at most {bound['max_length']} entries, not {bound['actual_length']}"
    # A whole table, which a rule about several keys is given, may hold secrets.
    secret = isinstance(problem["input"], Mapping) or re.search(r"key|token|secret|password", dotted)
    given = "" if secret else f", not {problem['input']!r}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {dotted}: {message[:1].lower()}{message[1:]}{given}"
