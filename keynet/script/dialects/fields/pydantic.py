"""pydantic: models whose fields a script turns into arguments."""

from typing import Final

from keynet.script.dialects.fields.field import Field, class_fields, field_with_default
from keynet.script.interpreter.definitions import Class, EnumMember, Instance
from keynet.script.interpreter.machine import Dialect, Machine, Native, NativeClass
from keynet.script.interpreter.values import MISSING, UNKNOWN, Arguments, External, Generic, Value

__all__ = ["MODEL", "PYDANTIC", "model_fields"]

_DEEPEST: Final = 4
_UNDEFINED: Final = External("pydantic_core.PydanticUndefined")
_JSON_TYPES: Final = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


class ModelField(Instance):
    """What ``Model.model_fields["name"]`` returns."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field

    def native(self, name: str) -> Value:
        """Return an attribute of pydantic's ``FieldInfo``."""
        given = self.field.info.keywords
        known: dict[str, Value] = {
            "annotation": _bare(self.field.annotation),
            "default": _UNDEFINED if self.field.default is MISSING else self.field.default,
            "default_factory": given.get("default_factory"),
            "description": given.get("description"),
            "title": given.get("title"),
            "alias": given.get("alias"),
        }
        if name == "is_required":
            return Native(name, lambda _run, _given: self.field.default is MISSING)
        return known.get(name, MISSING)


def model_fields(run: Machine, cls: Class) -> list[Field]:
    """Return the fields of a model, without private names and its configuration."""
    found = []
    for field in class_fields(run, cls):
        private = field.name.startswith("_") or field.name == "model_config"
        if not private:
            found.append(field)
    return found


def _attribute(run: Machine, cls: Class, name: str) -> Value:
    if name in ("model_fields", "__fields__"):
        return run.fresh({field.name: ModelField(field) for field in model_fields(run, cls)})
    if name in ("model_json_schema", "schema"):
        return Native(name, lambda run, _given: _schema(run, cls))
    return MISSING


def _schema(run: Machine, cls: Class) -> Value:
    properties: dict[Value, Value] = {}
    required: list[Value] = []
    for field in model_fields(run, cls):
        run.limits.spend(4)
        given = field.info.keywords
        of_type = _type_schema(run, field.annotation, 0)
        if of_type is None:
            properties[field.name] = UNKNOWN
            continue
        schema: dict[Value, Value] = {
            "title": given.get("title", field.name.title().replace("_", " ").strip()),
            **of_type,
        }
        if field.default is MISSING:
            required.append(field.name)
        else:
            default = field.default
            schema["default"] = default.value if isinstance(default, EnumMember) else default
        if "description" in given:
            schema["description"] = given["description"]
        properties[field.name] = run.fresh(schema)
    run.fresh(properties)
    return run.fresh(
        {
            "title": cls.name,
            "type": "object",
            "properties": properties,
            "required": run.fresh(required),
        }
    )


def _bare(annotation: Value) -> Value:
    """Return a type without the metadata of ``Annotated``."""
    if isinstance(annotation, Generic) and annotation.name.endswith(".Annotated"):
        return annotation.arguments[0] if annotation.arguments else UNKNOWN
    return annotation


def _type_schema(run: Machine, annotation: Value, depth: int) -> dict[Value, Value] | None:  # noqa: PLR0911
    """Return the JSON Schema of a type, None when it is unknown."""
    annotation = _bare(annotation)
    if annotation is None or annotation == External("builtins.NoneType"):
        return {"type": "null"}
    if depth > _DEEPEST:
        return None
    if isinstance(annotation, External):
        last = annotation.name.rpartition(".")[2]
        if last in _JSON_TYPES:
            return {"type": _JSON_TYPES[last]}
        if last in ("list", "List"):
            return {"items": {}, "type": "array"}
        return {"type": "object"} if last in ("dict", "Dict") else {} if last == "Any" else None
    if not isinstance(annotation, Generic):
        return None
    last = annotation.name.rpartition(".")[2]
    if last in ("Optional", "Union", "UnionType"):
        members = (*annotation.arguments, *((None,) if last == "Optional" else ()))
        parts = [_type_schema(run, member, depth + 1) for member in members]
        known = [part for part in parts if part is not None]
        return {"anyOf": run.fresh([*known])} if len(known) == len(parts) else None
    if last in ("list", "List"):
        item = _type_schema(run, annotation.arguments[0], depth + 1)
        return None if item is None else {"items": item, "type": "array"}
    return {"type": "object"} if last in ("dict", "Dict") else None


def _bare_model(cls: Class | None) -> Instance:
    return Instance(cls)


MODEL: Final = NativeClass(_bare_model, _attribute)


def _field(run: Machine, given: Arguments) -> Value:
    """Read ``Field(default, title=…)``; an Ellipsis means that there is no default."""
    info = field_with_default(run, given)
    if isinstance(info, Instance) and info.native("default") == External("builtins.Ellipsis"):
        keywords = {k: v for k, v in given.keywords.items() if k != "default"}
        return field_with_default(run, Arguments((), keywords, given.open, given.line, given.file))
    return info


# Declares no command line itself: scripts iterate over the fields of a model.
PYDANTIC: Final = Dialect(
    {
        # The first name is the one that command lines show.
        "pydantic.AliasChoices": lambda _run, given: given.get("first_choice", 0, UNKNOWN),
        "pydantic.Field": _field,
        "pydantic.fields.Field": _field,
    },
    {"pydantic.BaseModel": MODEL, "pydantic.main.BaseModel": MODEL},
)
