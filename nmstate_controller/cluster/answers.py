"""JSON to and from the apiserver, which nests objects as deep as their authors like. Pure functions.

Python's own reader and writer fail somewhere near a thousand levels, depending on who calls them; an agent that cannot
read its object cannot say what is wrong with it either. So what is that deep is cut where no document has any meaning.
"""

import json
import re
from typing import Any, Final

from pydantic_core import PydanticSerializationError, from_json, to_json

from nmstate_controller.errors import ApiUnavailable

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


def read_answer(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer. Raises ApiUnavailable when it is none."""
    try:
        parsed = read(body)
    except ValueError as error:
        raise ApiUnavailable(
            "the answer is not JSON; a proxy between the agent and the apiserver may have sent it"
        ) from error
    if not isinstance(parsed, dict):
        raise ApiUnavailable("the answer is JSON, but not an object")
    return parsed


def retry_after(header: str | None) -> float | None:
    """Seconds of a Retry-After header, 5 minutes at most; a date (an apiserver sends none) or nonsense is None."""
    try:
        return float(min(max(int(header), 0), 300)) if header is not None else None
    except ValueError:
        return None


def write(document: Any) -> bytes:
    """`document` as JSON without white space, in UTF-8."""
    try:
        return to_json(document)
    except PydanticSerializationError:
        # Half of a surrogate pair, which UTF-8 has no bytes for and JSON has an escape for.
        return json.dumps(document, separators=(",", ":")).encode()


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
