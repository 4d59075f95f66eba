"""JSON from the apiserver, which nests objects as deep as their authors like. Pure functions.

Python's own reader and writer fail somewhere near a thousand levels, depending on who calls them; an agent that cannot
read its object cannot say what is wrong with it either. So what is that deep is cut where no document has any meaning.
"""

import re
from typing import Any, Final

from pydantic_core import from_json

DEPTH: Final = 100
"""Levels that are kept of what has too many: more than a desiredState may have, and less than anything here minds."""

_TOO_DEEP: Final = "recursion limit exceeded"
# A bracket in a string is none.
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def read(body: bytes) -> Any:
    """What `body` holds; if it has more than some 200 levels, without what is below DEPTH.

    Raises ValueError if it is no JSON.
    """
    try:
        return from_json(body)
    except ValueError as error:
        if _TOO_DEEP not in str(error):
            raise
    return from_json(_shallow(body))


def _shallow(body: bytes) -> bytes:
    """`body` with nothing in the lists and maps at level DEPTH."""
    kept, start, depth = bytearray(), 0, 0
    for token in _TOKEN.finditer(body):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth == DEPTH:
                kept += body[start : token.end()]
        elif token[0] in (b"]", b"}"):
            if depth == DEPTH:
                start = token.start()
            depth -= 1
    return bytes(kept) + body[start:]
