"""The shape that the other checks, and libnmstate's messages, take for granted."""

from collections.abc import Iterator, Mapping
from typing import Any

from nmstate_controller.node.validate.problem import Problem, described


def shape(desired: Mapping[str, Any]) -> Iterator[Problem]:
    """What is no list, no map or has no name. Unknown keys are for libnmstate to refuse: it names them."""
    if "interfaces" in desired:
        interfaces = desired["interfaces"]
        if not isinstance(interfaces, list | tuple):
            yield Problem("interfaces", f"must be a list, not {described(interfaces)}")
            return
        for position, entry in enumerate(interfaces):
            yield from _interface(position, entry)
    for key in ("routes", "route-rules"):
        # serde takes a list of all fields for a struct; nobody writes that, but it is legal.
        if key in desired and not isinstance(desired[key], Mapping | list | tuple):
            yield Problem(key, f"must be a map, not {described(desired[key])}")


def _interface(position: int, entry: Any) -> Iterator[Problem]:
    path = f"interfaces[#{position}]"
    if not isinstance(entry, Mapping):
        yield Problem(path, f"must be a map, not {described(entry)}")
    elif "name" not in entry:
        yield Problem(f"{path}.name", "is missing")
    elif not isinstance(entry["name"], str):
        yield Problem(f"{path}.name", f"must be a string, not {described(entry['name'])}")
