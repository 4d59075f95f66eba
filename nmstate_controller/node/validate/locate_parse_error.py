"""The place of an error that libnmstate reports without one: `invalid digit found in string`.

libnmstate's parser stops at the first thing that it cannot read and tells what is wrong with it, not where it is.
Parsed again with less and less in it, the document gives the place away: the error stays the same as long as its cause
is in.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import libnmstate
from libnmstate.error import NmstateError

from nmstate_controller.api.models import State
from nmstate_controller.errors import printable
from nmstate_controller.node.diff.difference import JSON, SECRETS
from nmstate_controller.node.diff.names import namespace
from nmstate_controller.node.diff.values import address, integer, mappings
from nmstate_controller.node.validate.problem import Problem, is_network, shown

Parse = Callable[[State], Exception | None]
"""The error with which libnmstate refuses to parse a document, or None."""

TRIES: Final = 200
"""How often a document is parsed at most; once takes 20 ms for 1,000 interfaces, and most tries are far smaller."""

_CONTEXT: Final = ("name", "type", "state")
"""Keys that decide how the others beside them are read."""

# libnmstate parses the new state before the old one, so this error says that it could read the new one.
_UNREADABLE: Final[State] = {"unreadable-by-intention": True}

_TOKEN: Final = r"(?:`.*`|\".*\")"  # noqa: S105 (a quoted value in a message)
_SHOWS_VALUE: Final = (
    (re.compile(rf"^(invalid (?:type|value): [a-z ]+?) {_TOKEN}, (expected .*)$", re.DOTALL), r"\1, \2"),
    (re.compile(r"^(unknown variant) `.*?`, (expected .*)$", re.DOTALL), r"\1, \2"),
)
"""serde's messages that quote the value, and what is left of them without it."""

_ABOUT_KEYS: Final = ("missing field", "unknown field", "duplicate field")
"""Beginnings of serde's messages that quote keys only."""

_QUOTED_KEY: Final = re.compile(r"`([^`]*)`")

_UNTOLD: Final = "libnmstate cannot read the value"


def parser(current: Mapping[str, Any]) -> Parse:
    """A Parse by libnmstate, which touches no network for it. A type that is left out is taken from `current`."""
    shown = sorted(mappings(current.get("interfaces")), key=lambda one: not namespace(one))
    # Of several of a name the kernel's is meant, so it comes last.
    types = {str(one.get("name")): one.get("type") for one in shown}
    readable = str(_refusal({}))

    def parse(document: State) -> Exception | None:
        error = _refusal(_typed(document, types))
        return None if str(error) == readable else error

    return parse


def _refusal(document: State) -> Exception | None:
    try:
        libnmstate.generate_differences(document, _UNREADABLE)
    except NmstateError as error:
        return error
    return None


def _typed(document: State, types: Mapping[str, JSON]) -> State:
    interfaces = document.get("interfaces")
    if not isinstance(interfaces, list | tuple):
        return document
    return {**document, "interfaces": [_with_type(entry, types) for entry in interfaces]}


def _with_type(entry: Any, types: Mapping[str, JSON]) -> Any:
    if not isinstance(entry, Mapping) or entry.get("type") not in (None, "unknown"):
        return entry
    known = types.get(str(entry.get("name")))
    return entry if known is None else {**entry, "type": known}


def locate(desired: State, parse: Parse, tries: int = TRIES) -> str | None:
    """`path: what libnmstate says` of the smallest part of `desired` that it refuses to parse; None if it parses.

    Shows no value: libnmstate's words are kept as far as they quote none. After `tries` calls of `parse` the path is
    as exact as it has got.
    """
    error = parse(desired)
    if error is None:
        return None
    message = printable(str(error))
    search = _Search(parse, str(error), tries - 1)
    search.descend(desired)
    return str(Problem(search.path or "desiredState", _reason(message, search.path, search.value)))


class _Search:
    """Narrows the document down to one value. `_around` puts a value back where it belongs, with little else there."""

    def __init__(self, parse: Parse, message: str, tries: int) -> None:
        self._parse = parse
        self._message = message
        self._tries = tries
        self._around: Callable[[Any], State] = lambda value: value
        self._missing = message.startswith("missing field")
        self.path = ""
        self.value: JSON = None

    def descend(self, desired: State) -> None:
        """Leave the place in `path` and what is there in `value`."""
        self.value = desired
        while self._step():
            pass

    def _fails(self, value: JSON) -> bool:
        """Whether the error is still the same with `value` in place of the whole. False when all tries are used up."""
        if self._tries <= 0:
            return False
        self._tries -= 1
        error = self._parse(self._around(value))
        return error is not None and str(error) == self._message

    def _step(self) -> bool:
        """Go one level deeper; False where the error is about the value itself."""
        if isinstance(self.value, Mapping):
            return self._into_map(self.value)
        if isinstance(self.value, list | tuple):
            return self._into_list(self.value)
        return False

    def _into_map(self, whole: Mapping[str, JSON]) -> bool:
        context = [key for key in _CONTEXT if key in whole]
        keys = [*context, *(key for key in whole if key not in context)]
        start = len(context)
        if self._fails(_part(whole, keys[:start])):
            if not context or self._fails({}):
                return False
            keys, start = context, 0
        position = self._first(lambda count: self._fails(_part(whole, keys[:count])), start, len(keys))
        key = keys[position] if position is not None else ""
        if position is None or (self._missing and not isinstance(whole[key], Mapping | list | tuple)):
            return False
        around, kept = self._around, _part(whole, keys[:position])
        lean = {name: value for name, value in kept.items() if name in _CONTEXT}
        ways: tuple[Callable[[Any], State], ...] = (
            lambda value: around({**lean, key: value}),
            lambda value: around({**kept, key: value}),
        )
        return self._enter(f".{key}" if self.path else str(key), whole[key], ways) and key not in SECRETS

    def _into_list(self, whole: Sequence[JSON]) -> bool:
        if self._fails([]):
            return False
        position = self._first(lambda count: self._fails(list(whole[:count])), 0, len(whole))
        if position is None or (self._missing and not isinstance(whole[position], Mapping | list | tuple)):
            return False
        around, kept = self._around, list(whole[:position])
        ways: tuple[Callable[[Any], State], ...] = (
            lambda value: around([value]),
            lambda value: around([*kept, value]),
        )
        return self._enter(f"[{_label(whole[position], position)}]", whole[position], ways)

    def _enter(self, step: str, value: JSON, ways: Iterable[Callable[[Any], State]]) -> bool:
        """Go into `value` by the first of `ways` to put it back that keeps the error; False if none does."""
        before = self._around
        for self._around in ways:
            if self._fails(value):
                self.path += shown(step)
                self.value = value
                return True
        self._around = before
        return False

    def _first(self, fails: Callable[[int], bool], low: int, high: int) -> int | None:
        """The position of the item with which the error comes: `low` items do not have it, `high` do."""
        if low >= high:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if fails(middle):
                high = middle
            else:
                low = middle
        return None if self._tries <= 0 else high - 1


def _part(whole: Mapping[str, JSON], keys: Sequence[str]) -> dict[str, JSON]:
    return {key: whole[key] for key in keys}


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


def _reason(message: str, path: str, value: JSON) -> str:
    """`message` without the value that it is about."""
    if re.split(r"[.\[]", path)[-1] in SECRETS or not SECRETS.isdisjoint(re.findall(r"[^.\[\]]+", path)):
        return _UNTOLD
    for pattern, rest in _SHOWS_VALUE:
        message = pattern.sub(rest, message)
    if message.startswith(_ABOUT_KEYS):
        return _QUOTED_KEY.sub(lambda key: f"`{shown(key[1])}`", message)
    return _UNTOLD if any(_mentions(message, scalar) for scalar in _scalars(value)) else message


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
