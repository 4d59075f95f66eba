"""How a sentence lists what it is about: a few names, and how many more there are. Pure functions."""

from collections.abc import Sequence
from typing import Final

from nmstate_controller.api.models import Difference, State

NAMED: Final = 5
"""Names in a sentence."""


def paths(differences: Sequence[Difference]) -> str:
    """Where the node differs."""
    return _listed([difference.path for difference in differences])


def subjects(document: State) -> str:
    """What a document is about: its interfaces, or else its sections."""
    interfaces = document.get("interfaces")
    if isinstance(interfaces, list) and interfaces:
        return _listed([str(found.get("name")) for found in interfaces if isinstance(found, dict)])
    return _listed(sorted(document))


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
