"""A structural schema as the apiserver holds it against an object.

Only what the apiserver does, as found by trying: `nullable` lets a null past `pattern` but not past `enum`; a node
without a type takes a null; a bound is for numbers, a pattern for text, each passing over the rest. A keyword that is
not known here is an error, so that the schema cannot outgrow this.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any]

_KNOWN: Final = {
    "additionalProperties",
    "description",
    "enum",
    "items",
    "maxItems",
    "maxProperties",
    "maximum",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "required",
    "type",
    "x-kubernetes-int-or-string",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
}


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every node of a schema with its path; entries of a list and of a map with free keys are [] and *."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}.*")


def violations(schema: Schema, value: Any, path: str = "") -> list[str]:
    """What the apiserver has against the value, each with the path of the field; none if it takes it."""
    return list(_violations(schema, value, path))


def _violations(schema: Schema, value: Any, path: str) -> Iterator[str]:
    assert schema.keys() <= _KNOWN, schema.keys() - _KNOWN
    types = ["integer", "string"] if schema.get("x-kubernetes-int-or-string") else [schema.get("type")]
    if value is None:
        if types != [None] and not schema.get("nullable"):
            yield f"{path}: is null"
        elif "enum" in schema:
            yield f"{path}: is null, which no enum has"
        return
    if types != [None] and not any(_is(kind, value) for kind in types):
        yield f"{path}: {value!r} is none of {types}"
        return
    if "enum" in schema and not any(value == choice and type(value) is type(choice) for choice in schema["enum"]):
        yield f"{path}: {value!r} is none of {schema['enum']}"
    match value:
        case bool():
            pass
        case int() | float():
            if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                yield f"{path}: {value} is out of bounds"
        case str():
            # Go's $ is the end of the text, Python's may have a newline after it; Go's \d is ASCII.
            if not re.search(schema.get("pattern", "").replace("$", r"\Z"), value, re.ASCII):
                yield f"{path}: {value!r} does not match {schema['pattern']}"
        case list():
            if len(value) > schema.get("maxItems", len(value)):
                yield f"{path}: too many items"
            for index, item in enumerate(value if "items" in schema else []):
                yield from _violations(schema["items"], item, f"{path}[{index}]")
        case dict():
            yield from _of_map(schema, value, path)


def _of_map(schema: Schema, value: dict[str, Any], path: str) -> Iterator[str]:
    if len(value) > schema.get("maxProperties", len(value)):
        yield f"{path}: too many properties"
    for name in schema.get("required", []):
        if name not in value:
            yield f"{path}.{name}: is missing".lstrip(".")
    for name, child in value.items():
        below = f"{path}.{name}".lstrip(".")
        if (known := schema.get("properties", {}).get(name)) is not None:
            yield from _violations(known, child, below)
        elif "additionalProperties" in schema:
            yield from _violations(schema["additionalProperties"], child, below)
        elif not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield f"{below}: would be dropped"


def _is(kind: str | None, value: Any) -> bool:
    match kind:
        case "integer":
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case _:
            raise AssertionError(f"type {kind} is not known here")
