"""The place of an error that libnmstate reports without one: `invalid digit found in string`.

The wheel finds the place (`libnmstate.locate_error`). Here it becomes a path as users write it, and the reason loses
the values that it quotes.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, cast

import libnmstate

from nmstate_controller.api.models import State
from nmstate_controller.errors import printable
from nmstate_controller.node.diff.difference import JSON, SECRETS
from nmstate_controller.node.diff.names import namespace
from nmstate_controller.node.diff.values import address, integer, mappings
from nmstate_controller.node.validate.problem import Problem, is_network, shown

_TOKEN: Final = r"(?:`.*`|\".*\")"  # noqa: S105 (a quoted value in a message)
_SHOWS_VALUE: Final = (
    (re.compile(rf"^(invalid (?:type|value): [a-z ]+?) {_TOKEN}, (expected .*)$", re.DOTALL), r"\1, \2"),
    (re.compile(r"^(unknown variant) `.*?`, (expected .*)$", re.DOTALL), r"\1, \2"),
)
"""serde's messages that quote the value, and what is left of them without it."""

_PLAIN: Final = (
    (re.compile(r"^invalid digit found in string$"), "must be a whole number"),
    (re.compile(r"^number too large to fit in target type$"), "the number is too large"),
    (re.compile(r"^number too small to fit in target type$"), "the number is too small"),
    (
        re.compile(r"^[Nn]eed to be boolean: .*$|^invalid type: .*, expected a boolean$", re.DOTALL),
        "must be true or false",
    ),
    (re.compile(r"^invalid (?:type|value): .*, expected [ui]\d+$"), "must be a whole number"),
    (re.compile(r"^invalid type: .*, expected a sequence$"), "must be a list"),
    (re.compile(r"^invalid type: .*, expected (?:a map|struct \w+)$"), "must be a map"),
    (re.compile(r"^invalid type: .*, expected a string$"), "must be a string"),
    (re.compile(r"^missing field (`.*`)$", re.DOTALL), r"\1 is missing"),
)
"""Words of Rust, and what they say to an administrator."""

_ABOUT_KEYS: Final = ("`", "unknown field", "duplicate field")
"""Beginnings of serde's messages that quote keys only."""

_QUOTED_KEY: Final = re.compile(r"`([^`]*)`")

_UNTOLD: Final = "libnmstate cannot read the value"


def locate(desired: State, current: Mapping[str, Any]) -> str | None:
    """`path: what libnmstate says` of the first value in `desired` that it refuses to parse; None if it parses.

    A type that is left out is taken from `current`, the node's report. Shows no value: libnmstate's words are kept as
    far as they quote none. Raises NmstateError for a defect of libnmstate.
    """
    found = libnmstate.locate_error(_typed(desired, current))
    if found is None:
        return None
    steps, message = found
    path, value = _follow(desired, steps)
    reason = _UNTOLD if not SECRETS.isdisjoint(steps) else _reason(printable(message), value)
    return str(Problem(path or "desiredState", reason))


def _typed(document: State, current: Mapping[str, Any]) -> State:
    interfaces = document.get("interfaces")
    if not isinstance(interfaces, list | tuple):
        return document
    # Of several of a name the kernel's is meant, so it comes last.
    found = sorted(mappings(current.get("interfaces")), key=lambda one: not namespace(one))
    types = {str(one.get("name")): one.get("type") for one in found}
    return {**document, "interfaces": [_with_type(entry, types) for entry in interfaces]}


def _with_type(entry: Any, types: Mapping[str, JSON]) -> Any:
    if not isinstance(entry, Mapping) or entry.get("type") not in (None, "unknown"):
        return entry
    known = types.get(str(entry.get("name")))
    return entry if known is None else {**entry, "type": known}


def _follow(desired: State, steps: Sequence[str | int]) -> tuple[str, JSON]:
    """The path to read, which ends at a secret, and the value there."""
    path, value = "", cast(JSON, desired)
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
            path += shown(f".{step}" if path else step)
        else:
            value = value[step] if isinstance(value, list | tuple) else None
            path += shown(f"[{_label(value, step)}]")
        if step in SECRETS:
            break
    return path, value


def _label(item: JSON, position: int) -> str:
    """What a reader knows an item of a list by."""
    if isinstance(item, Mapping):
        name, ip, destination = (item.get(key) for key in ("name", "ip", "destination"))
        if isinstance(name, str) and name:
            return name
        length = integer(item.get("prefix-length"))
        if is_network(ip) and length is not None:
            return f"{address(ip)}/{length}"
        if is_network(destination):
            return str(destination)
    return f"#{position}"


def _reason(message: str, value: JSON) -> str:
    """`message` without the value that it is about, and with the word that was probably meant."""
    if (meant := _meant(message, value)) is not None:
        return meant
    for pattern, rest in (*_SHOWS_VALUE, *_PLAIN):
        message = pattern.sub(rest, message)
    if message.startswith(_ABOUT_KEYS):
        return _QUOTED_KEY.sub(lambda key: f"`{shown(key[1])}`", message)
    return _UNTOLD if any(_mentions(message, scalar) for scalar in _scalars(value)) else message


def _meant(message: str, value: JSON) -> str | None:
    """A suggestion instead of a list of all words there are; None if none of them is close."""
    what, _, expected = message.partition(", expected one of ")
    words = _QUOTED_KEY.findall(expected)
    if what.startswith("unknown field"):
        key = what.removeprefix("unknown field `").removesuffix("`")
        close = get_close_matches(key, words, 1)
        return f"unknown field `{shown(key)}`, did you mean `{close[0]}`?" if close else None
    if what.startswith("unknown variant") and isinstance(value, str):
        close = get_close_matches(value.lower(), words, 1)
        return f"unknown value, did you mean `{close[0]}`?" if close else None
    return None


def _scalars(value: JSON) -> list[str]:
    pending, found = [value], []
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            pending.extend(item.values())
        elif isinstance(item, list | tuple):
            pending.extend(item)
        elif isinstance(item, str | int | float) and not isinstance(item, bool):
            found.append(str(item))
    return found


def _mentions(message: str, scalar: str) -> bool:
    return bool(scalar) and scalar in message and re.search(rf"(?<!\w){re.escape(scalar)}(?!\w)", message) is not None
