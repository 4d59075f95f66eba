"""What of libnmstate's error messages may be shown: no secret, and no state dump. Pure functions.

libnmstate verifies with the secrets in, and quotes what it wanted and what it found.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from nmstate_controller.node.matcher.difference import HIDDEN, SECRETS

_QUOTE_LIMIT: Final = 120
# `Verification failure: eth1.interface.mtu desire '1400', current '1500'`, and the like
_QUOTED: Final = re.compile(
    r"(?P<path>\S*) (?P<desire>desire|desired) '(?P<wanted>.*?)', current '(?P<found>.*)'", re.DOTALL
)


def presentable(message: str, document: Any = None) -> str:
    """`message` on one line, without the secrets of `document`, and with only short quotations in it."""
    for secret in sorted(set(_secrets(document)), key=len, reverse=True):
        message = message.replace(secret, HIDDEN)
    message = _QUOTED.sub(_shorten, message)
    return " ".join(message.split())


def _shorten(match: re.Match[str]) -> str:
    path = match["path"]
    hidden = any(part in SECRETS for part in path.split("."))
    wanted, found = (HIDDEN if hidden else _quote(value) for value in (match["wanted"], match["found"]))
    return f"{path} {match['desire']} '{wanted}', current '{found}'"


def _quote(value: str) -> str:
    """A value as far as it helps a reader: not a section or a list, for those hold what nobody asked to see."""
    if value.startswith(("{", "[")):
        return "…"
    return value if len(value) <= _QUOTE_LIMIT else f"{value[:_QUOTE_LIMIT]}…"


def _secrets(document: Any) -> Iterator[str]:
    """Every secret scalar of a document, as it is and as JSON spells it."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            if key in SECRETS and isinstance(value, str | int) and str(value):
                yield str(value)
                yield json.dumps(str(value))[1:-1]
            else:
                yield from _secrets(value)
    elif isinstance(document, Sequence) and not isinstance(document, str):
        for item in document:
            yield from _secrets(item)
