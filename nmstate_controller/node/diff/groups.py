"""Long lists by what their entries have in common, so that not every entry has to be compared with every other."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from nmstate_controller.node.diff.difference import JSON
from nmstate_controller.node.diff.values import network

Entry = Mapping[str, JSON]
Key = Callable[[Entry], Hashable]
"""What two entries have to share to be about the same thing; None for an entry that may be about any."""


def by_destination(route: Entry) -> Hashable:
    """The network that a route or a pattern of routes is about."""
    destination = network(route.get("destination"))
    return destination if isinstance(destination, str) and destination else None


class Groups:
    """Entries, in order, of which those are found that another one may be about."""

    def __init__(self, key: Key, entries: Iterable[Entry] = ()) -> None:
        self._key = key
        self._all: list[Entry] = []
        self._groups: dict[Hashable, list[Entry]] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Put one more at the end."""
        self._all.append(entry)
        self._groups.setdefault(self._key(entry), []).append(entry)

    def near(self, entry: Entry) -> Sequence[Entry]:
        """Those that share its key, and those that have none; all, if it has none itself."""
        key = self._key(entry)
        if key is None:
            return self._all
        return [*self._groups.get(key, ()), *self._groups.get(None, ())]
