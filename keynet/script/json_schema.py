"""JSON Schema 2020-12 for what ``keynet params`` prints, and for the values of one script."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["of_output", "of_values"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TYPES: Final = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def of_output() -> dict[str, Any]:
    """Return the schema of the JSON form of hyperparameters, of scripts and of images."""
    argument = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "type": {"enum": list(_TYPES)},
            "default": {"description": "Null when there is none or it is not known."},
            "required": {"type": "boolean"},
            "help": {"type": "string"},
            "choices": {"type": ["array", "null"], "items": {"type": "string"}, "minItems": 1},
        },
        "required": ["name", "type", "default", "required", "help", "choices"],
    }
    note = {
        "type": "object",
        "properties": {
            "line": {"type": "integer", "minimum": 0},
            "message": {"type": "string"},
            "file": {"type": "string"},
        },
        "required": ["line", "message"],
    }
    script = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "digest": {"type": "string"}},
        "required": ["name", "digest"],
    }
    return {
        "$schema": _DIALECT,
        "title": "Hyperparameters of a training script",
        "type": "object",
        "properties": {
            "parser_type": {"type": ["string", "null"]},
            "arguments": {"type": "array", "items": {"$ref": "#/$defs/argument"}},
            "notes": {"type": "array", "items": {"$ref": "#/$defs/note"}},
            "script": {"$ref": "#/$defs/script"},
            "keynet_version": {"type": "string"},
        },
        "required": ["parser_type", "arguments"],
        "$defs": {"argument": argument, "note": note, "script": script},
    }


def of_values(
    title: str, arguments: Sequence[Mapping[str, Any]], *, complete: bool = True
) -> dict[str, Any]:
    """Return the schema of an object that holds one value for each argument.

    Args:
        title: What the arguments belong to.
        arguments: In the JSON form. Without any, nothing is known of what it takes.
        complete: It has no others. What says otherwise are the notes on a script.
    """
    properties = {str(argument["name"]): _value(argument) for argument in arguments}
    schema: dict[str, Any] = {
        "$schema": _DIALECT,
        "title": title,
        "type": "object",
        "properties": properties,
    }
    if properties and complete:
        schema["additionalProperties"] = False
    required = [str(argument["name"]) for argument in arguments if argument.get("required")]
    if required:
        schema["required"] = required
    return schema


def _value(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one value; whether it is a list is only seen in a default."""
    scalar: dict[str, Any] = {"type": _TYPES.get(str(argument.get("type")), "string")}
    choices = argument.get("choices")
    if isinstance(choices, list):
        scalar = {"enum": [_typed(str(choice), scalar["type"]) for choice in choices]}
    many = {"type": "array", "items": scalar}
    default = argument.get("default")
    allowed: list[dict[str, Any]]
    if isinstance(default, list):
        allowed = [many] if _all_fit(default, scalar) else [many, {"const": default}]
    elif default is None:
        allowed = [scalar, many] if argument.get("required") else [scalar, many, {"type": "null"}]
    else:
        allowed = [scalar] if _fits(default, scalar) else [scalar, {"const": default}]
    schema: dict[str, Any] = dict(allowed[0]) if len(allowed) == 1 else {"anyOf": allowed}
    if argument.get("help"):
        schema["description"] = str(argument["help"])
    if default is not None:
        schema["default"] = default
    return schema


def _typed(choice: str, kind: str) -> Any:
    try:
        if kind == "integer":
            return int(choice)
        if kind == "number":
            return float(choice)
    except ValueError:
        return choice
    if kind == "boolean":
        return {"True": True, "False": False}.get(choice, choice)
    return choice


def _all_fit(values: list[Any], scalar: Mapping[str, Any]) -> bool:
    return all(_fits(value, scalar) for value in values)


def _fits(value: Any, scalar: Mapping[str, Any]) -> bool:
    if "enum" in scalar:
        return any(value == one and type(value) is type(one) for one in scalar["enum"])
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return {
        "string": isinstance(value, str),
        "integer": number and whole,
        "number": number,
        "boolean": isinstance(value, bool),
    }[scalar["type"]]
