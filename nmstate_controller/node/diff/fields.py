"""How one field of a document is compared: small functions that the tables of the other modules are made of.

A Field gets what the document says (never None) and what the node has (None: nothing), and yields what differs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from nmstate_controller.node.diff.difference import JSON, Difference, difference
from nmstate_controller.node.diff.names import Names
from nmstate_controller.node.diff.values import Reader, boolean, mapping, same, text


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a comparison is: the path so far, the names on this node, and the interface on both sides."""

    path: str
    names: Names
    desired: Mapping[str, JSON] = field(default_factory=dict)
    current: Mapping[str, JSON] = field(default_factory=dict)

    def at(self, key: object) -> "Scope":
        return replace(self, path=f"{self.path}.{key}")

    def item(self, key: object) -> "Scope":
        return replace(self, path=f"{self.path}[{key}]")

    def differ(self, desired: JSON, current: JSON) -> Iterator[Difference]:
        yield difference(self.path, desired, current)


class Field(Protocol):
    """Compares one field."""

    def __call__(self, scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]: ...


def skip(_scope: Scope, _desired: JSON, _current: JSON, /) -> Iterator[Difference]:
    """Query-only, or about the apply itself: nothing to compare."""
    yield from ()


def leaf(read: Reader | None = None, default: JSON = None) -> Field:
    """One value, read by `read` on both sides. `default` is what the node has when nothing is shown."""

    def compare(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
        actual = default if current is None else current
        equal = same(read(desired), read(actual)) if read else same(desired, actual)
        if not equal:
            yield from scope.differ(desired, current)

    return compare


EXACT: Final = leaf()


def section(fields: Mapping[str, Field], aliases: Mapping[str, str] | None = None) -> Field:
    """A map: only the keys that the document names are compared. Keys not in `fields` are compared as they are."""
    names = aliases or {}

    def compare(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
        if not isinstance(desired, Mapping):
            yield from scope.differ(desired, current)
            return
        actual = renamed(mapping(current), names)
        for key, value in renamed(mapping(desired), names).items():
            there = actual.get(key)
            unknown = _PLAIN if isinstance(value, Mapping) and isinstance(there, Mapping) else EXACT
            yield from fields.get(key, unknown)(scope.at(key), value, there)

    return compare


_PLAIN: Final = section({})


def renamed(values: Mapping[str, JSON], aliases: Mapping[str, str]) -> dict[str, JSON]:
    """`values` under their proper keys (serde's `alias`). A proper key wins over its alias."""
    return {aliases.get(key, key): value for key, value in values.items() if aliases.get(key) not in values}


def unless_on(switch: str, void: frozenset[str], inner: Field) -> Field:
    """A section in which `void` keys mean nothing while the document has `switch` on."""

    def compare(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
        if boolean(mapping(desired).get(switch)) is True:
            desired = {key: value for key, value in mapping(desired).items() if key not in void}
        yield from inner(scope, desired, current)

    return compare


def ordered(read: Reader | None = None, default: Sequence[JSON] = ()) -> Field:
    """A list in which order counts."""
    return leaf(lambda value: _read_all(value, read), list(default))


def unordered(read: Reader | None = None, without: frozenset[str] = frozenset()) -> Field:
    """A list in which neither order nor repetition counts; items in `without` are not compared."""

    def arrange(value: JSON) -> JSON:
        everything = _read_all(value, read)
        if not isinstance(everything, list):
            return everything
        return sorted({repr(item) for item in everything if not isinstance(item, str) or item not in without})

    return leaf(arrange, [])


def _read_all(value: JSON, read: Reader | None) -> JSON:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return [read(item) if read else item for item in value]


def keyed(
    key: Callable[[Scope, JSON], str | None],
    item: Field = skip,
    extra: Callable[[Scope, JSON], bool] = lambda _scope, _item: True,
) -> Field:
    """A list whose items are found by `key` (None: it has none) and compared by `item`.

    `extra` tells whether an item that the document does not list is a difference.
    """

    def compare(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
        if isinstance(desired, str) or not isinstance(desired, Sequence):
            yield from scope.differ(desired, current)
            return
        wanted = _by_key(scope, desired, key)
        actual = _by_key(scope, current, key)
        for name, value in wanted.items():
            if name in actual and not name.startswith("#"):
                yield from item(scope.item(name), value, actual[name])
            else:
                yield from scope.item(name).differ(value, None)
        for name, value in actual.items():
            if name not in wanted and extra(scope, value):
                yield from scope.item(name).differ(None, value)

    return compare


def _by_key(scope: Scope, values: JSON, key: Callable[[Scope, JSON], str | None]) -> dict[str, JSON]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        return {}
    found = ((key(scope, value), position, value) for position, value in enumerate(values))
    return {f"#{position}" if name is None else name: value for name, position, value in found}


def interface_name(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """A reference to an interface, also by an alternative or profile name (`resolve_parent_name_ref`)."""
    name = scope.names.kernel_name(desired) if isinstance(desired, str) else desired
    if not same(name, current or ""):
        yield from scope.differ(desired, current)


def string_map(scope: Scope, desired: JSON, current: JSON, /) -> Iterator[Difference]:
    """OVSDB's external_ids and other_config: values are strings, null removes a key, an empty map removes all.

    NetworkManager's own marks (`NM.…`) stay. Source: `ovs::OvsDbIfaceConfig`, `ovsdb::global_conf`.
    """
    if not isinstance(desired, Mapping):
        yield from scope.differ(desired, current)
        return
    actual = mapping(current)
    if not desired:
        left = {key: value for key, value in actual.items() if not key.startswith("NM.")}
        if left:
            yield from scope.differ({}, left)
    for key, value in desired.items():
        if (None if value is None else text(value)) != actual.get(key):
            yield from scope.at(key).differ(value, actual.get(key))
