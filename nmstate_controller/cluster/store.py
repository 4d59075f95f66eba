"""The newest version of this node's object that the watch has told of. Loop only."""

import asyncio

from nmstate_controller.api.models import NodeNetworkState


class Store:
    """Holds one object, or None when it does not exist, and wakes whoever cares.

    Only the reflector writes it, so it never goes back in time the way it would if the answers to our own writes, which
    overtake the watch, were mixed in.
    """

    def __init__(self) -> None:
        self.object: NodeNetworkState | None = None
        self.synced = False
        self._subscribers: list[asyncio.Event] = []

    def subscribe(self) -> asyncio.Event:
        """An event that is set at every change.

        It carries nothing: look at `object` when it is set, after clearing it.
        """
        event = asyncio.Event()
        self._subscribers.append(event)
        return event

    def replace(self, newest: NodeNetworkState | None) -> None:
        """What the apiserver said last: the object, or that there is none."""
        self.object = newest
        self.synced = True
        for event in self._subscribers:
            event.set()
