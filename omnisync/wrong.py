"""What is wrong with a request, in a person's words: where it stands, and what is allowed there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

SAID: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "int_type": "is a whole number such as 5, without quotes",
    "int_from_float": "is a whole number such as 5",
    "int_parsing": "is a whole number such as 5",
    "int_parsing_size": "is a whole number of a size that can be true",
    "finite_number": "is a number such as 5",
    "string_type": "is text in quotes",
    "string_unicode": "is text that can be read as UTF-8",
    "bool_type": "is true or false, without quotes",
    "bool_parsing": "is true or false",
    "list_type": "is a list",
    "dict_type": "is an object, in curly braces",
    "model_type": "is an object, in curly braces",
    "model_attributes_type": "is an object, in curly braces",
    "greater_than": "is more than {gt}",
    "greater_than_equal": "is at least {ge}",
    "less_than": "is less than {lt}",
    "less_than_equal": "is at most {le}",
    "string_too_short": "is too short: its length is at least {min_length}",
    "string_too_long": "is too long: it has at most {max_length} characters",
    "too_short": "is too short: its length is at least {min_length}",
    "too_long": "is too long: it has at most {max_length} entries",
    "string_pattern_mismatch": "does not have the form {pattern}",
    "literal_error": "is one of {expected}",
    "enum": "is one of {expected}",
    "timezone_aware": "says no time zone: write it like 2026-11-21T09:00:00Z",
    "datetime_type": "is a time such as 2026-11-21T09:00:00Z",
    "datetime_parsing": "is a time such as 2026-11-21T09:00:00Z",
    "datetime_from_date_parsing": "is a time such as 2026-11-21T09:00:00Z",
    "datetime_object_invalid": "is a time such as 2026-11-21T09:00:00Z",
    "value_error": "{error}",
}
"""By pydantic's name of the fault. What stands here is meant to be read after the name of the field."""


def told(errors: Sequence[Mapping[str, Any]], body: object) -> list[dict[str, str]]:
    """Each fault with the name of its field and what is allowed there; a broken JSON by line and character."""
    return [_broken(one, body) if one["type"] == "json_invalid" else _of_field(one) for one in errors]


def _of_field(one: Mapping[str, Any]) -> dict[str, str]:
    field = ".".join(str(part) for part in one["loc"][1:]) or "body"
    words = SAID["int_parsing_size"] if _is_enormous(one) else SAID.get(one["type"])
    return {"field": field, "message": words.format_map(one.get("ctx", {})) if words else one["msg"]}


def _is_enormous(one: Mapping[str, Any]) -> bool:
    """A whole number that JSON could only read as another kind of number."""
    given = one.get("input")
    return one["type"] == "int_type" and isinstance(given, float) and abs(given) >= 2**63


def _broken(one: Mapping[str, Any], body: object) -> dict[str, str]:
    why, text = str(one["ctx"]["error"]), str(body)
    if "UTF-8" in why:
        return {"field": "body", "message": "is no JSON: it is not written in UTF-8"}
    fault = json.JSONDecodeError(why, text, int(one["loc"][-1]))
    return {"field": "body", "message": f"is no JSON: line {fault.lineno}, character {fault.colno}: {why}"}
