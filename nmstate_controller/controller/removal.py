"""Sees to it that interfaces which a document removes are gone. Loop only; `Transaction` calls it after the commit."""

import asyncio
from typing import Final

import structlog

from nmstate_controller.api.models import State
from nmstate_controller.controller.trial_document import absent
from nmstate_controller.errors import VerificationFailed
from nmstate_controller.node.library import Nmstate

_CHECKS: Final = 4
_PAUSE_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


async def ensure_absent(nmstate: Nmstate, document: State) -> None:
    """Return when the interfaces that `document` removes are gone. Raises NodeError.

    NetworkManager removes a device some time after its profile, or leaves it there as one that it does not manage;
    libnmstate takes either for done, and removes what was left when it is asked again.
    """
    gone = absent(document)
    if not gone or await _are_gone(nmstate, gone):
        return
    names = [str(found.get("name")) for found in gone["interfaces"]]
    log.warning("interfaces still present after removal, removing them again", interfaces=names)
    await nmstate.apply(gone)
    if not await _are_gone(nmstate, gone):
        raise VerificationFailed(f"interfaces still present after removal: {', '.join(names)}")


async def _are_gone(nmstate: Nmstate, gone: State) -> bool:
    for _ in range(_CHECKS - 1):
        if not await nmstate.compare(gone, await nmstate.show()):
            return True
        await asyncio.sleep(_PAUSE_SECONDS)
    return not await nmstate.compare(gone, await nmstate.show())
