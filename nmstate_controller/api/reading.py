"""From an object as the API has it to a NodeNetworkState, as leniently as is safe. Pure functions.

Another version of the agent, or another program, may have written what this one does not know. What cannot be read of
the status is as if it were not there, for the agent writes it anew anyway. A spec that cannot be read is never taken
for an empty one: it comes with what is wrong with it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import structlog
from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from nmstate_controller.api.models import Condition, Metadata, NodeNetworkState, Spec, Status
from nmstate_controller.errors import printable

_METADATA: Final = TypeAdapter(Metadata)
_LIMIT: Final = 300

log = structlog.get_logger(__name__)


def read_object(body: Mapping[str, Any], *, with_status: bool = True) -> NodeNetworkState:
    """The object in an answer or an event; without its status, a large part of it, on request.

    Raises ValidationError when it is not known which object it is.
    """
    metadata = read_metadata(body)
    spec, problem = _spec(body.get("spec"))
    status = read_status(body.get("status")) if with_status else Status()
    size = len(to_json(body.get("spec")))
    return NodeNetworkState(metadata=metadata, spec=spec, status=status, spec_problem=problem, spec_bytes=size)


def read_metadata(body: Mapping[str, Any]) -> Metadata:
    """The metadata of an object, or of a PartialObjectMetadata. Raises ValidationError when it names none."""
    return _METADATA.validate_python(body.get("metadata"))


def read_status(raw: Any) -> Status:
    """As much of a status as can be read: each field, and each condition, by itself."""
    if not isinstance(raw, dict):
        return Status()
    try:
        return Status.model_validate(raw)
    except ValidationError:
        fields = dict(_fields(raw))
    lost = [to_camel(name) for name in Status.model_fields if not _is_whole(name, fields, raw)]
    log.warning("a part of the status cannot be read and is ignored", fields=lost)
    return Status(**fields)


def _fields(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in Status.model_fields:
        alias = to_camel(name)
        if alias not in raw:
            continue
        value = raw[alias]
        if name == "conditions":
            value = list(_conditions(value))
        try:
            found = Status.model_validate({alias: value})
        except ValidationError:
            continue
        yield name, getattr(found, name)


def _is_whole(name: str, fields: Mapping[str, Any], raw: Mapping[str, Any]) -> bool:
    """Whether nothing was left out of that field."""
    alias = to_camel(name)
    if alias not in raw:
        return True
    if name == "conditions":
        return isinstance(raw[alias], list) and len(fields[name]) == len(raw[alias])
    return name in fields


def _conditions(raw: Any) -> Iterator[Condition]:
    """One condition of each type, the first that can be read."""
    seen = set()
    for one in raw if isinstance(raw, list) else []:
        try:
            condition = Condition.model_validate(one)
        except ValidationError:
            continue
        if condition.type not in seen:
            seen.add(condition.type)
            yield condition


def _spec(raw: Any) -> tuple[Spec, str | None]:
    """The spec; one that asks for nothing, and what is wrong, when it cannot be read."""
    try:
        return Spec.model_validate({} if raw is None else raw), None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        problem = printable(f"spec{path}: {first['msg']}")
        return Spec(), f"this version of the agent cannot read {problem[:_LIMIT]}"
