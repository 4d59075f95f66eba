"""What of a status is written: all of it, as much as fits, or the least that has to be said. Pure functions."""

from datetime import datetime
from typing import Any, Final

from nmstate_controller.api import conditions
from nmstate_controller.api.models import NodeNetworkState, Status
from nmstate_controller.node.truncate import size

OBJECT_LIMIT: Final = 1_258_291
"""Bytes of the whole object, 1.2 MiB: etcd refuses requests above 1.5 MiB, and what it stores is not quite our JSON."""

_OVERHEAD: Final = 16 * 1024  # names, managedFields, and what other controllers may add to metadata


def room_for_status(target: NodeNetworkState) -> int:
    """Bytes that are left for the status beside the rest of the object."""
    return OBJECT_LIMIT - _OVERHEAD - target.spec_bytes - size(target.metadata.annotations)


def dumped(status: Status) -> dict[str, Any]:
    """A status as JSON, without currentState, which is JSON already, and large."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"current_state"})


def observed(status: Status) -> int | None:
    """The generation that a condition may claim to be about; -1 is none."""
    generation = status.observed_generation
    return generation if generation is not None and generation >= 0 else None


def rejected(status: Status, why: str, now: datetime) -> Status:
    """A status that says that the apiserver refuses the report, and leaves out what it may refuse."""
    last = status.last_apply
    message = f"the apiserver refuses the report: {why}"
    found = conditions.reporting(status.conditions, "False", "ApiRejected", message, observed(status), now)
    without = last.model_copy(update={"residual": None}) if last is not None else None
    return status.model_copy(update={"last_apply": without, "conditions": found})


def truncated(status: Status, missing: list[str], now: datetime) -> Status:
    """A status whose condition Reporting says what is left out of the report; unless it has worse to say."""
    found = conditions.find(status.conditions, "Reporting")
    if found is None or found.status != "True":
        return status
    message = f"currentState is too large for its object and leaves out: {', '.join(missing)}"
    told = conditions.reporting(status.conditions, "True", "Truncated", message, found.observed_generation, now)
    return status.model_copy(update={"conditions": told})
