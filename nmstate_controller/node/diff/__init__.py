"""Whether a node is what an nmstate document asks for, and in what it is not. Pure functions for any thread.

The document is partial and spelled as its author liked; the report is what `libnmstate.show` returned. The meaning of
both is nmstate's (crate nmstate 2.2.62): what its own verification lets pass is no difference here, except where that
verification looks away from something that the document says (extra addresses, bond options, metrics of routes,
selectors of rules). Whatever is not understood is a difference: an apply too many does no harm, one too few does.

    difference   what is found, without secrets
    values       the spellings of one value
    names        which interface is meant
    fields       how one field is compared
    addresses, ports, links, interfaces, routes, rules, services    what is compared
"""

from collections.abc import Iterator, Mapping
from typing import Any

from nmstate_controller.node.diff.difference import HIDDEN, JSON, Difference, difference
from nmstate_controller.node.diff.fields import Scope
from nmstate_controller.node.diff.interfaces import interfaces
from nmstate_controller.node.diff.names import Names
from nmstate_controller.node.diff.routes import routes
from nmstate_controller.node.diff.rules import rules
from nmstate_controller.node.diff.services import SERVICES
from nmstate_controller.node.diff.values import mappings

__all__ = ["HIDDEN", "JSON", "Difference", "differences"]

_NAMED = {"interfaces": interfaces, "routes": routes, "route-rules": rules}


def differences(desired: Mapping[str, Any], current: Mapping[str, Any]) -> list[Difference]:
    """What the node with the report `current` must change to be what `desired` asks, sorted by path.

    Empty: nothing. Never raises for JSON values of any shape, changes neither argument, and shows no secret.
    """
    return sorted(_all(desired, current), key=lambda found: (found.path, repr(found.desired), repr(found.current)))


def _all(desired: Mapping[str, JSON], current: Mapping[str, JSON]) -> Iterator[Difference]:
    names = Names(mappings(desired.get("interfaces")), mappings(current.get("interfaces")))
    for key, value in desired.items():
        if value is None or key == "description":
            continue  # nmstate keeps no description of a document
        if key in _NAMED:
            yield from _NAMED[key](value, current.get(key), names)
        elif key in SERVICES:
            yield from SERVICES[key](Scope(key, names), value, current.get(key))
        else:
            yield difference(key, value, current.get(key))
