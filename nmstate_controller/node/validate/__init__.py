"""What libnmstate would refuse only after minutes, or without naming the field, found beforehand in milliseconds.

Pure functions for any thread. `check` looks at the meaning of a document on a node; `locate` finds the place of an
error that libnmstate reports without one. Neither refuses what libnmstate takes, with two exceptions: what is listed
twice, of which libnmstate would silently keep one, and control characters outside free text. The meaning of names and
sections is nmstate's (crate nmstate 2.2.62), run on NetworkManager 1.42.

    problem      a refusal, and what of a document may be said in it
    document     a document beside the node's report: which interface is which, and which names there will be
    text, shape  characters and shapes that libnmstate cannot bear, or refuses without a place
    duplicates, names, references, addresses, virtual, bridge_vlans, mtu, hardware    what is checked
    locate       the place of an error that libnmstate's parser found
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from nmstate_controller.errors import InvalidDesiredState
from nmstate_controller.node.validate.addresses import addresses
from nmstate_controller.node.validate.bridge_vlans import bridge_vlans
from nmstate_controller.node.validate.document import Document
from nmstate_controller.node.validate.duplicates import duplicates
from nmstate_controller.node.validate.hardware import hardware
from nmstate_controller.node.validate.locate_parse_error import locate
from nmstate_controller.node.validate.mtu import mtu
from nmstate_controller.node.validate.names import names
from nmstate_controller.node.validate.problem import Problem
from nmstate_controller.node.validate.references import references
from nmstate_controller.node.validate.shape import shape
from nmstate_controller.node.validate.text import text
from nmstate_controller.node.validate.virtual import virtual

__all__ = ["check", "locate"]

_CHECKS: Final[tuple[Callable[[Document], Iterator[Problem]], ...]] = (
    duplicates,
    names,
    references,
    addresses,
    virtual,
    bridge_vlans,
    mtu,
    hardware,
)


def check(desired: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Raise InvalidDesiredState if `desired` cannot be applied on the node with the report `current`.

    `current` is what `libnmstate.show()` returned, in full. The message is one sentence that starts with the path of
    the field; of the document's values it has only names of interfaces, addresses and types.
    """
    for problem in _problems(desired, current):
        raise InvalidDesiredState(str(problem))


def _problems(desired: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[Problem]:
    """All problems, those first that the later checks could not bear."""
    yield from text(desired)
    yield from shape(desired)
    document = Document(desired, current)
    for find in _CHECKS:
        yield from find(document)
