"""What of libnmstate's error messages may be shown: no secret, and no state dump. Pure functions.

libnmstate verifies with the secrets in, and quotes what it wanted and what it found. It may quote much, and of what
somebody made up to be slow: everything here takes time in proportion to the message.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from nmstate_controller.errors import printable
from nmstate_controller.node.diff.difference import HIDDEN, SECRETS

_QUOTE_LIMIT: Final = 120
_LIMIT: Final = 800
"""Characters of a message, which leaves room in a condition for what the node runs now."""

# `Verification failure: eth1.interface.mtu desire '1400', current '1500'`, and the like
_DESIRE: Final = re.compile(r"(?<!\S)(\S*) (desired?) '")
_CURRENT: Final = "', current '"
_DUMP: Final = re.compile(r":? \b[A-Z][A-Za-z]{0,40} \{ [a-z_0-9]{1,40}: ")


def presentable(message: str, document: Any = None) -> str:
    """`message` on one line, without the secrets of `document`, with only short quotations in it, and not endless."""
    message = printable(_without_dump(_shortened(_without_secrets(message, document))))
    return message if len(message) <= _LIMIT else f"{message[: _LIMIT - 1]}…"


def _without_secrets(message: str, document: Any) -> str:
    parts = [message]
    # Longest first, and never looked for in what stands for another one.
    for secret in sorted({one for one in _secrets(document) if one in message}, key=len, reverse=True):
        parts = [piece for part in parts for piece in part.split(secret)]
    return HIDDEN.join(parts)


def _shortened(message: str) -> str:
    """Without what libnmstate wanted and what it found, where that is more than a short value."""
    start = _DESIRE.search(message)
    if start is None:
        return message
    wanted, current, rest = message[start.end() :].partition(_CURRENT)
    found, quote, end = rest.rpartition("'")
    if not current or not quote:
        return message
    hidden = not SECRETS.isdisjoint(start[1].split("."))
    wanted, found = (HIDDEN if hidden else _quote(value) for value in (wanted, found))
    return f"{message[: start.end()]}{wanted}{_CURRENT}{found}'{end}"


def _without_dump(message: str) -> str:
    """Without what Rust prints of a value of its own: `: RouteEntry { state: None, … }`."""
    start = _DUMP.search(message)
    if start is None:
        return message
    return message[: start.start()] + message[start.end() :].rpartition("}")[2]


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
