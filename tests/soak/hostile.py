"""Documents that nobody in his right mind would write: mutations of the corpus by number, and some made by hand.

The same number is always the same document, so one that a test names can be looked at alone.
"""

import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, Final

import yaml

from nmstate_controller.api.conditions import MESSAGE_LIMIT
from tests.corpus import DOCUMENTS

Json = Any
Place = tuple[Any, Any]
"""A list or map, and an index or a key of it."""

_ORIGINALS: Final = list(DOCUMENTS.values())
_ODD_TEXTS: Final = (
    "", " ", ".", "..", "lo", "a/b", "../../etc/passwd", "%n", "{{ capture.x }}", "`x`", "' desire 'x', current 'y'",
    "\0", "a\0b", "\n", "\x1b[2J", "\x7f", "\u202e", "\u200b", "\ufeff", "\u00e9", "e\u0301", "名前", "🧨", "İ",
    "٣", "0", "-0", "+1", "1e3", "0x", "0xff", "0b1", "1_000", "NaN", "null", "true", "on", "~",
    "9" * 40, "x" * 16, "x" * 300, "::", "::/0", "0.0.0.0/0", "192.0.2.1/33", "fe80::1%", "fe80::1%lo", "sriov:lo:0",
    "ff:ff:ff:ff:ff:ff", "<_password_hid_by_nmstate>",
)  # fmt: skip
_ODD_NUMBERS: Final = (
    -1, 0, 1, 15, 63, 64, 255, 256, 4095, 4096, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, -(2**63),
    0.0, -0.0, 0.5, 1500.0, 1e300, -1e-300,
)  # fmt: skip
_NOT_FROM_AN_APISERVER: Final = ("\ud800", "a\udfffb", float("nan"), float("inf"), 2**64, 10**400)
"""JSON as Go reads it has none of these; a file that is read by Python may."""

_DEFECTS: Final = ("Traceback", 'File "', "could not be compared", "panicked", " { ")


@contextmanager
def deep_json() -> Iterator[None]:
    """Let Python read and write JSON of any depth that is here."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def unreadable(message: str) -> str | None:
    """What is wrong with what a user is told about a document; None for nothing."""
    if not message.strip():
        return "says nothing"
    if len(message) > MESSAGE_LIMIT or message.endswith("…"):
        return "goes on and on"
    if not message.isprintable():
        return "plays tricks on a terminal"
    found = next((sign for sign in _DEFECTS if sign in message), None)
    return f"has {found!r} in it, as a defect or a dump has" if found else None


def document(number: int, *, portable: bool = False) -> Json:
    """Document `number`: one of the corpus with a few mutations. `portable`: all of it can come from an apiserver."""
    random = Random(number)
    whole: Json = {"document": copy.deepcopy(random.choice(_ORIGINALS))}
    if random.random() < 0.3:
        whole["document"] |= copy.deepcopy(random.choice(_ORIGINALS))
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        random.choice(_MUTATIONS)(random, whole)
        whole.setdefault("document", {})
    if not portable and random.random() < 0.05:
        _put(random, whole, random.choice(_NOT_FROM_AN_APISERVER))
    found = whole["document"]
    return found if isinstance(found, dict) else {"interfaces": found}


def _places(value: Json) -> list[Place]:
    """All places in `value`, those of its parts included."""
    found: list[Place] = []
    pending = [value]
    while pending:
        item = pending.pop()
        keys: Sequence[Any] = (
            list(item) if isinstance(item, dict) else range(len(item) if isinstance(item, list) else 0)
        )
        found += [(item, key) for key in keys]
        pending += [item[key] for key in keys]
    return found


def _place(random: Random, whole: Json) -> Place:
    # The document itself is the first.
    return random.choice(_places(whole)[1:] or [(whole, "document")])


def _put(random: Random, whole: Json, value: Json) -> None:
    holder, key = _place(random, whole)
    holder[key] = value


def _drop(random: Random, whole: Json) -> None:
    holder, key = _place(random, whole)
    del holder[key]


def _repeat(random: Random, whole: Json) -> None:
    """The same again: beside itself in a list, under another key in a map."""
    holder, key = _place(random, whole)
    if isinstance(holder, list):
        holder[key:key] = [copy.deepcopy(holder[key])] * random.choice((1, 1, 2, 50))
    else:
        holder[_key(random)] = copy.deepcopy(holder[key])


def _rename(random: Random, whole: Json) -> None:
    holder, key = _place(random, whole)
    if isinstance(holder, dict):
        holder[_key(random)] = holder.pop(key)


def _key(random: Random) -> str:
    """A key that means something elsewhere, or nothing anywhere."""
    _, key = random.choice(_places(random.choice(_ORIGINALS)) or [({}, "x")])
    return key if isinstance(key, str) and random.random() < 0.7 else random.choice(_ODD_TEXTS)


def _swap_type(random: Random, whole: Json) -> None:
    _put(random, whole, _odd(random, 3))


def _odd(random: Random, depth: int) -> Json:
    kind = random.randrange(9 if depth else 6)
    if kind < 2:
        return random.choice(_ODD_TEXTS)
    if kind < 4:
        return random.choice(_ODD_NUMBERS)
    if kind < 6:
        return random.choice((None, True, False))
    if kind < 8:
        return [_odd(random, depth - 1) for _ in range(random.randrange(4))]
    return {_key(random): _odd(random, depth - 1) for _ in range(random.randrange(4))}


def _out_of_range(random: Random, whole: Json) -> None:
    """A number that is none for its field, where there was one."""
    numbers = [(holder, key) for holder, key in _places(whole) if type(holder[key]) is int]
    holder, key = random.choice(numbers or [_place(random, whole)])
    number = random.choice(_ODD_NUMBERS)
    holder[key] = random.choice((number, str(number), hex(number) if isinstance(number, int) else f" {number}"))


def _splice(random: Random, whole: Json) -> None:
    """Something odd in the middle of a text."""
    texts = [(holder, key) for holder, key in _places(whole) if isinstance(holder[key], str)]
    holder, key = random.choice(texts or [_place(random, whole)])
    text = str(holder[key])
    cut = random.randint(0, len(text))
    holder[key] = text[:cut] + random.choice(_ODD_TEXTS) + text[cut:]


def _graft(random: Random, whole: Json) -> None:
    """A part of another document, or of this one."""
    holder, key = _place(random, random.choice((whole, {"document": random.choice(_ORIGINALS)})))
    _put(random, whole, copy.deepcopy(holder[key]))


def _nest(random: Random, whole: Json) -> None:
    """A part within itself, again and again."""
    holder, key = _place(random, whole)
    wrap: Callable[[Json], Json] = random.choice((lambda value: [value], lambda value: {str(key): value}))
    for _ in range(random.choice((1, 2, 10, 55, 60, 70))):
        holder[key] = wrap(holder[key])


_MUTATIONS: Final[tuple[Callable[[Random, Json], None], ...]] = (
    _drop, _repeat, _rename, _swap_type, _swap_type, _out_of_range, _splice, _splice, _graft, _nest,
)  # fmt: skip


def _interface(**properties: Json) -> Json:
    return {"interfaces": [{"name": "v1", "type": "veth", "state": "up", **properties}]}


def _interfaces(count: int, **properties: Json) -> Json:
    return {"interfaces": [{"name": f"d{number}", "type": "dummy", **properties} for number in range(count)]}


def _deep(depth: int, *, lists: bool) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = [value] if lists else {"x": value}
    return value


_LONG: Final = 1_000_000

# What an apiserver may pass on to an agent, or refuses.
HAND_MADE: Final[dict[str, Json]] = {
    "long description": _interface(description="x" * _LONG),
    "long name": {"interfaces": [{"name": "x" * _LONG, "type": "dummy"}]},
    "long name without a type": {"interfaces": [{"name": "x" * _LONG}]},
    "long name of an Open vSwitch bridge": {"interfaces": [{"name": "x" * _LONG, "type": "ovs-bridge"}]},
    "long base": {"interfaces": [{"name": "v", "type": "vlan", "vlan": {"base-iface": "x " * (_LONG // 2), "id": 1}}]},
    "long unknown key": _interface(**{"k" * _LONG: 1}),
    "long type": {"interfaces": [{"name": "d1", "type": "t" * _LONG}]},
    "long number": _interface(mtu="9" * _LONG),
    "long bond mode": {
        "interfaces": [{"name": "b", "type": "bond", "link-aggregation": {"mode": "a `b' " * (_LONG // 6)}}]
    },
    "long address": _interface(ipv4={"enabled": True, "address": [{"ip": "1." * (_LONG // 2), "prefix-length": 24}]}),
    "long destination": {"routes": {"config": [{"destination": "1" * _LONG, "next-hop-interface": "v1"}]}},
    "long words like libnmstate's": _interface(description="x desire 'y' " * (_LONG // 13)),
    "long secret": _interface(**{"802.1x": {"password": "x" * _LONG, "eap-methods": [0]}}),
    "secrets of one character": _interface(
        **{"802.1x": [{"password": character} for character in "<_pasword_hid_by_nmstate>"]}, foo=1
    ),
    "10,000 interfaces": {**_interfaces(10_000), "interfacez": []},
    "10,000 interfaces, absent": _interfaces(10_000, state="absent"),
    "10,000 interfaces, absent, of any type": _interfaces(10_000, state="absent", type=None),
    "10,000 interfaces, down": _interfaces(10_000, state="down"),
    "10,000 interfaces with a mistake in the last": {
        "interfaces": [*_interfaces(10_000)["interfaces"], {"name": "d", "type": "dummy", "mtu": []}]
    },
    "10,000 times one interface": {"interfaces": [{"name": "d1", "type": "dummy"}] * 10_000},
    "10,000 ports": {
        "interfaces": [
            {"name": "br1", "type": "linux-bridge", "bridge": {"port": [{"name": f"p{n}"} for n in range(10_000)]}}
        ]
    },
    "10,000 times one port": {
        "interfaces": [{"name": "br1", "type": "linux-bridge", "bridge": {"port": [{"name": "v1"}] * 10_000}}]
    },
    "10,000 routes": {
        "routes": {
            "config": [{"destination": f"10.{n >> 8}.{n & 255}.0/24", "next-hop-interface": "x"} for n in range(10_000)]
        }
    },
    "10,000 absent routes": {
        "routes": {"config": [{"destination": f"10.{n >> 8}.{n & 255}.0/24", "state": "absent"} for n in range(10_000)]}
    },
    "10,000 absent rules": {"route-rules": {"config": [{"priority": n, "state": "absent"} for n in range(10_000)]}},
    "10,000 addresses": _interface(
        ipv4={
            "enabled": True,
            "address": [{"ip": f"10.0.{n >> 8}.{n & 255}", "prefix-length": 33} for n in range(10_000)],
        }
    ),
    "10,000 unknown keys": _interface(**{f"k{number}": number for number in range(10_000)}),
    "10,000 references to the next": {
        "interfaces": [
            {"name": f"v{n}", "type": "vlan", "vlan": {"base-iface": f"v{n + 1}", "id": 1}} for n in range(10_000)
        ]
    },
    "100 levels of lists": {"interfaces": _deep(100, lists=True)},
    "100 levels of maps": _interface(ipv4=_deep(100, lists=False)),
    "300 levels": _interface(foo=_deep(300, lists=True)),
    "5,000 levels": _interface(foo=_deep(5_000, lists=False)),
    "a path of long keys": _interface(**{"k" * 60: {"l" * 60: {"m" * 60: _deep(50, lists=False)}}}, mtu="\0"),
    "NUL": _interface(description="a\0b"),
    "NUL in a key": _interface(**{"a\0b": 1}),
    "escape sequences": _interface(description="\x1b]0;owned\x07\x1b[2J"),
    "right to left": {"interfaces": [{"name": "\u202etxt.eman", "type": "dummy"}]},
    "a name of combining characters": {"interfaces": [{"name": "e" + "\u0301" * 7, "type": "dummy"}]},
    "a name of emoji": {"interfaces": [{"name": "🧨" * 4, "type": "dummy"}]},
    "a non-character": _interface(description="\ufffe\uffff\ufffd"),
    "numbers as text": _interface(mtu=" 1500", **{"min-mtu": "1.5e3", "max-mtu": "٣"}),
    "huge numbers": _interface(mtu=2**63 - 1, **{"min-mtu": -(2**63), "max-mtu": 1e300}),
    "huge VLAN": {"interfaces": [{"name": "v", "type": "vlan", "vlan": {"base-iface": "v1", "id": 2**32 + 5}}]},
    "empty name": {"interfaces": [{"name": "", "type": "dummy"}]},
    "empty names": {"interfaces": [{"name": "", "type": ""}, {"name": "", "type": ""}]},
    "empty key": {"": {"": ""}},
    "empty interface": {"interfaces": [{}]},
    "duplicate names": {"interfaces": [{"name": "d1", "type": "dummy"}, {"name": "d1", "type": "dummy", "mtu": 1400}]},
    "duplicate names in other types": {"interfaces": [{"name": "d1", "type": "dummy"}, {"name": "d1", "type": "bond"}]},
    "its own port": {"interfaces": [{"name": "br1", "type": "linux-bridge", "bridge": {"port": [{"name": "br1"}]}}]},
    "its own base": {"interfaces": [{"name": "v", "type": "vlan", "vlan": {"base-iface": "v", "id": 1}}]},
    "its own peer": {"interfaces": [{"name": "v", "type": "veth", "veth": {"peer": "v"}}]},
    "ports of each other": {
        "interfaces": [
            {"name": one, "type": "bond", "link-aggregation": {"mode": 1, "port": [other]}}
            for one, other in (("b1", "b2"), ("b2", "b1"))
        ]
    },
    "a list": [1, 2],
    "a text": "interfaces",
    "keys of objects": {"__class__": {"__init__": 1}, "constructor": {"prototype": {}}, "$ref": "#"},
}

# What a file may hold that a person wrote.
_TRAPS: Final = {
    "a MAC address without quotes": "interfaces: [{name: d1, type: dummy, mac-address: 52:54:00:12:34:56}]",
    "a MAC address of digits": "interfaces: [{name: d1, type: dummy, mac-address: 12:34:56:12:34:56}]",
    "a PCI address without quotes": "interfaces: [{name: d1, identifier: pci-address, pci-address: 0000:07:00.1}]",
    "a MAC address with an exponent": "interfaces: [{name: d1, type: dummy, mac-address: 52e54}]",
    "words for booleans": "interfaces: [{name: v1, type: veth, ipv4: {enabled: on, dhcp: no, auto-dns: y}}]",
    "booleans for words": "interfaces: [{name: on, type: dummy, state: yes, description: off}]",
    "an interface called no": "interfaces: [{name: no, type: dummy}]",
    "an interface called null": "interfaces: [{name: null, type: dummy}, {name: ~}]",
    "an interface called 1": "interfaces: [{name: 1, type: dummy}]",
    "an interface called 1.5": "interfaces: [{name: 1.5, type: dummy}]",
    "an interface called 1e3": "interfaces: [{name: 1e3, type: dummy}]",
    "an octal number": "interfaces: [{name: d1, type: dummy, mtu: 0o2734, description: 0777}]",
    "a number with underscores": "interfaces: [{name: d1, type: dummy, mtu: 1_500}]",
    "a date for a name": "interfaces: [{name: '2026-01-01', type: dummy, description: 2026-01-01}]",
    "a VLAN by name": "interfaces: [{name: v1.100, type: vlan, vlan: {base-iface: v1, id: 1:40}}]",
    "keys that are numbers": "{interfaces: [{name: d1, type: dummy, 802.1: {1: 2}}], 3: 4}",
    "keys that are words": "{on: {yes: no}, ~: 1, interfaces: []}",
    "a merge key": "interfaces: [{&a name: d1, <<: {type: dummy}}]",
    "an address without a prefix": "interfaces: [{name: v1, ipv4: {enabled: true, address: [192.0.2.1]}}]",
    "a dotted number": "interfaces: [{name: v1, ipv4: {enabled: true, address: [{ip: 192.0, prefix-length: 24}]}}]",
    "a bond mode by number": "interfaces: [{name: b1, type: bond, link-aggregation: {mode: 4, port: [1, 2]}}]",
}  # fmt: skip
TRAPS: Final[dict[str, Json]] = {name: yaml.safe_load(text) for name, text in _TRAPS.items()}
"""As Python reads them, with keys that are no text among them; an apiserver is sent their JSON."""

NOT_PORTABLE: Final[dict[str, Json]] = {
    "lone surrogate": _interface(description="\ud800"),
    "lone surrogate in a key": _interface(**{"a\udfff": 1}),
    "lone surrogate in a name": {"interfaces": [{"name": "\ud800", "type": "dummy"}]},
    "beyond 64 bits": _interface(mtu=2**64),
    "400 digits": _interface(mtu=10**400),
    "NaN": _interface(mtu=float("nan")),
    "infinity": _interface(mtu=float("-inf")),
}
"""What an apiserver cannot pass on."""
