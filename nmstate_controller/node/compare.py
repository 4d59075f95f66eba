"""Where a node differs from a document: what nmstate's state tells, and what only the kernel does. For any thread."""

from typing import Final

import structlog

from nmstate_controller.api.models import State
from nmstate_controller.errors import ComparisonFailed, InvalidDesiredState, NodeError
from nmstate_controller.node.diff import Difference, differences
from nmstate_controller.node.kernel.system import Kernel
from nmstate_controller.node.validate import check, locate

_LINK_STATE: Final = "link-state"
"""The last part of the path of a difference that is about the kernel's flag of a link."""

log = structlog.get_logger(__name__)


def compare(document: State, shown: State, kernel: Kernel) -> list[Difference]:
    """Where a node with the state `shown` is not what `document` asks. Raises NodeError when it is refused."""
    try:
        check(document, shown)
        refusal = locate(document, shown)
        if refusal is None:
            links = [
                Difference(f"interfaces[{name}].{_LINK_STATE}", "up", "down")
                for name in downed(document, shown, kernel)
            ]
            return [*differences(document, shown), *links]
    except NodeError:
        raise
    except Exception as error:
        # A defect of ours must not end the agent each time it meets this document.
        log.exception("desiredState could not be compared with the node")
        raise ComparisonFailed(f"desiredState could not be compared with the node: {type(error).__name__}") from error
    raise InvalidDesiredState(refusal)


def downed(document: State, shown: State, kernel: Kernel) -> list[str]:
    """The interfaces that the document wants up and libnmstate shows up, although somebody set them down."""
    up = {found.get("name") for found in shown.get("interfaces", []) if found.get("state") == "up"}
    wanted = [found.get("name") for found in document.get("interfaces") or [] if found.get("state", "up") == "up"]
    return [name for name in wanted if isinstance(name, str) and name in up and kernel.is_up(name) is False]
