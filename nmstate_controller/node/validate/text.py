"""Characters that have no place in a document: NUL above all, which libnmstate may not survive.

Sources: D-Bus carries neither NUL nor a lone surrogate; the nmstate crate unwraps where it should ask
(`CString::new`). Other control characters have no use outside free text, and are a trap in a terminal.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from nmstate_controller.node.diff.difference import JSON, SECRETS
from nmstate_controller.node.validate.problem import Problem, described, shown

_DEPTH: Final = 64
"""Levels of nesting, the document's own included. One has about ten; libnmstate takes no more than this."""

_FREE: Final = SECRETS | {
    "description", "post-activation", "post-deactivation", "neighbors", "external_ids", "other_config", "other-config",
}  # fmt: skip
"""Keys below which text may have lines and tabs: it is a person's, a script's or another program's."""

_NEVER: Final = re.compile("[\0\ud800-\udfff]")
_CONTROL: Final = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_SUSPECT: Final = re.compile(r"\\u00|\\[bfnrt]|[\x7f-\x9f\ud800-\udfff]")
"""What `json.dumps` makes of them; a backslash before an n looks alike, so this only tells where to look closely."""


def text(desired: Mapping[str, Any]) -> Iterator[Problem]:
    """Strings and keys with characters that cannot be there, and nesting without an end."""
    if not isinstance(desired, Mapping):
        yield Problem("desiredState", f"must be a map, not {described(desired)}")
    elif too_deep := _too_deep(desired):
        yield Problem(too_deep, f"is nested more than {_DEPTH} levels deep")
    elif _suspicious(desired):
        yield from _walk(desired)


def _too_deep(desired: Mapping[str, Any]) -> str | None:
    """The top-level key of what is nested too deep, if anything is."""
    for key, value in desired.items():
        level = [value] if isinstance(value, (dict, list, tuple)) else []
        for _ in range(_DEPTH - 1):
            level = [
                item
                for one in level
                for item in (one.values() if isinstance(one, dict) else one)
                if isinstance(item, (dict, list, tuple))
            ]
            if not level:
                break
        else:
            return shown(str(key))
    return None


def _suspicious(desired: Mapping[str, Any]) -> bool:
    """Whether the slow walk is worth it: one pass in C finds nothing in nearly every document."""
    try:
        dump = json.dumps(desired, ensure_ascii=False)
    except (TypeError, ValueError):
        return True
    return _SUSPECT.search(dump) is not None


def _walk(desired: Mapping[str, Any]) -> Iterator[Problem]:
    pending: list[tuple[str, JSON, bool]] = [("", desired, False)]
    while pending:
        path, value, free = pending.pop()
        if isinstance(value, str):
            found = (_NEVER if free else _CONTROL).search(value)
            if found:
                yield Problem(path, f"must not have the {_named(found[0])}")
        elif isinstance(value, Mapping):
            for key, item in value.items():
                found = _CONTROL.search(str(key))
                if found:
                    yield Problem(path or "desiredState", f"a key must not have the {_named(found[0])}")
                below = f"{path}.{shown(str(key))}" if path else shown(str(key))
                pending.append((below, item, free or key in _FREE))
        elif isinstance(value, list | tuple):
            pending.extend((_item(path, position, item), item, free) for position, item in enumerate(value))


def _item(path: str, position: int, item: JSON) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return f"{path}[{name}]" if isinstance(name, str) and shown(name) == name else f"{path}[#{position}]"


def _named(character: str) -> str:
    kind = "lone surrogate" if "\ud800" <= character <= "\udfff" else "control character"
    return f"{kind} U+{ord(character):04X}"
