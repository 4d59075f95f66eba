"""The conditions of a NodeNetworkState, after kstatus: Ready, Reconciling, Stalled, Reporting.

Pure functions from the conditions there are to the conditions there shall be. Reconciling and Stalled are present only
while they are True. The reason of what failed is that of its error: see the table in `errors`. Where a combination has
a meaning to a program:

| | Ready | Reconciling | Stalled | kstatus |
|---|---|---|---|---|
| `settled` | True | - | - | Current |
| `applying` | Unknown | True | - | InProgress |
| `retrying` | False | True | - | InProgress |
| `stalled` | False | - | True | Failed |
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

from nmstate_controller.api.models import Condition
from nmstate_controller.errors import printable

MESSAGE_LIMIT: Final = 1024
"""Characters of a message; what is longer is cut with an ellipsis, for nobody reads a wall of text in a table."""

_ORDER: Final = ("Ready", "Reconciling", "Stalled", "Reporting")

Conditions = Sequence[Condition]
ConditionStatus = Literal["True", "False", "Unknown"]


def find(conditions: Conditions, kind: str) -> Condition | None:
    """The condition of that type, if there is one."""
    return next((condition for condition in conditions if condition.type == kind), None)


def is_true(conditions: Conditions, kind: str) -> bool:
    """Whether the condition of that type is there and True."""
    found = find(conditions, kind)
    return found is not None and found.status == "True"


def brief(message: str) -> str:
    """`message` as `printable` makes it, at most MESSAGE_LIMIT characters."""
    line = printable(message)
    return line if len(line) <= MESSAGE_LIMIT else line[: MESSAGE_LIMIT - 1] + "…"


def settled(conditions: Conditions, generation: int, reason: str, message: str, now: datetime) -> list[Condition]:
    """The node runs what the spec asks: Configured, NothingDesired or Unmanaged."""
    return _with(_without(conditions, "Reconciling", "Stalled"), "Ready", "True", reason, message, generation, now)


def applying(conditions: Conditions, generation: int, now: datetime, *, missing: str | None = None) -> list[Condition]:
    """The node is being changed; whether it will run what the spec asks is not known.

    `missing`: which probes have yet to pass, once the change is in effect.
    """
    reason, message = "Applying", f"applying desiredState of generation {generation}"
    if missing is not None:
        reason = "Probing"
        message = f"generation {generation} applied but not committed; waiting for probes: {missing}"
    result = _without(conditions, "Stalled")
    result = _with(result, "Ready", "Unknown", "Applying", message, generation, now)
    return _with(result, "Reconciling", "True", reason, message, generation, now)


def retrying(conditions: Conditions, generation: int, reason: str, message: str, now: datetime) -> list[Condition]:
    """The node does not run what the spec asks, and another attempt follows."""
    result = _without(conditions, "Stalled")
    result = _with(result, "Ready", "False", reason, message, generation, now)
    return _with(result, "Reconciling", "True", "Retrying", message, generation, now)


def stalled(
    conditions: Conditions, generation: int, reason: str, why: str, message: str, now: datetime
) -> list[Condition]:
    """The node does not run what the spec asks, for `reason`, and no other attempt follows, because of `why`."""
    result = _without(conditions, "Reconciling")
    result = _with(result, "Ready", "False", reason, message, generation, now)
    return _with(result, "Stalled", "True", why, message, generation, now)


def refused(conditions: Conditions, generation: int, reason: str, message: str, now: datetime) -> list[Condition]:
    """The node does not run what the spec asks, and the spec itself says to leave it (managed: false)."""
    return _with(_without(conditions, "Reconciling", "Stalled"), "Ready", "False", reason, message, generation, now)


def reporting(
    conditions: Conditions,
    status: ConditionStatus,
    reason: str,
    message: str,
    generation: int | None,
    now: datetime,
) -> list[Condition]:
    """Whether currentState is fresh."""
    return _with(conditions, "Reporting", status, reason, message, generation, now)


def _position(condition: Condition) -> int:
    # Somebody else's, or a newer agent's, come last.
    return _ORDER.index(condition.type) if condition.type in _ORDER else len(_ORDER)


def _without(conditions: Iterable[Condition], *kinds: str) -> list[Condition]:
    return [condition for condition in conditions if condition.type not in kinds]


def _with(
    conditions: Conditions,
    kind: str,
    status: ConditionStatus,
    reason: str,
    message: str,
    generation: int | None,
    now: datetime,
) -> list[Condition]:
    """`conditions` with one replaced or added, and all of them about `generation`.

    lastTransitionTime moves only when the status does.
    """
    before = find(conditions, kind)
    same = before is not None and before.status == status
    after = Condition(
        type=kind,
        status=status,
        reason=reason,
        message=brief(message),
        last_transition_time=before.last_transition_time if before and same else now.replace(microsecond=0),
        observed_generation=generation,
    )
    others = [
        condition.model_copy(update={"observed_generation": generation})
        for condition in conditions
        if condition.type != kind
    ]
    return sorted([*others, after], key=_position)
