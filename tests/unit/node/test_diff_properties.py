"""What must hold of every document: one taken from a report matches it, and nothing it names may change unseen.

How a document is cut and spelled is decided by a seeded `Random`: hypothesis draws only the seed and the entries, which
keeps the file fast.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmstate_controller.node.diff import HIDDEN, differences

Document = dict[str, Any]
Path_ = tuple[Any, ...]

REPORT: Final[Document] = json.loads((Path(__file__).parent / "data" / "report.json").read_text())
MANAGED: Final = {
    position: one for position, one in enumerate(REPORT["interfaces"]) if one["state"] != "ignore"
}  # by its place in the report

ALIASES: Final = {
    "dpdk-lsc-interrupt": "lsc-interrupt",
    "accept-all-mac": "promiscuous",
    "gro": "rx-gro",
    "n_rxq": "rx-queue",
    "ports": "port",
    "rxvlan": "rx-vlan-hw-parse",
    "suppress_prefixlength": "suppress-prefix-length",
    "tso": "tx-tcp-segmentation",
}
OTHER_NAMES: Final = {proper: alias for alias, proper in ALIASES.items()}
NUMBERS_OF: Final = {"active-backup": 1, "layer2+3": "2", "dropped": 0, "always": "0", "auto": 1, "0x8001": 32769}
IN_ANY_ORDER: Final = {
    "address",
    "address-flags",
    "ingress-qos-map",
    "ip6tun-flags",
    "port",
    "ports-config",
    "trunk-tags",
}
IDENTIFY: Final = {"name", "id", "min", "max", "from", "to", "localnet"}


def spelled(random: Random, key: str, value: Any) -> Any:
    """`value` in one of the spellings that nmstate reads as the same."""
    ways: list[Any] = [value]
    if isinstance(value, bool):
        ways += [str(value), *(["yes", "On", 1, "1"] if value else ["no", "N", 0, "0"])]
    elif isinstance(value, int):
        ways += [str(value), *([hex(value)] if value >= 0 else [])]
    elif value in NUMBERS_OF and key != "name":
        ways += [NUMBERS_OF[value]]
    elif key in ("mac-address", "group-addr"):
        ways += [value.lower()]
    elif key in ("fwmark", "fwmask"):
        ways += [int(value, 16), str(int(value, 16))]
    elif key in ("ip", "destination", "next-hop-address", "ip-to", "local", "remote", "server") and "%" not in value:
        ways += [value.upper(), value if value.startswith("::") else value.replace("::", ":0::", 1)]
    return random.choice(ways)


def part(random: Random, key: str, value: Any, *, whole: bool = False) -> Any:
    """Some of what `value` holds, spelled differently. Lists stay complete, and what is kept is never empty."""
    if isinstance(value, list):
        whole = whole or key in ("address", "bridge-mappings")
        items = [part(random, key, item, whole=whole) for item in value]
        return random.sample(items, len(items)) if key in IN_ANY_ORDER else items
    if not isinstance(value, dict):
        return spelled(random, key, value)
    kept = [one for one in value if whole or one in IDENTIFY or random.random() < 0.5] or list(value)
    result: Document = {}
    for one in kept:
        # hsr, macsec and libreswan have keys of the same name that are no aliases
        other = OTHER_NAMES.get(one, one) if one != "port" or isinstance(value[one], list) else one
        result[random.choice([one, other])] = part(random, one, value[one], whole=whole)
    return result


def interface(random: Random, shown: Document) -> Document:
    taken: Document = part(random, "", shown)
    if shown["state"] != "up":
        taken["state"] = shown["state"]
    if taken.get("identifier") == "mac-address":
        taken["mac-address"] = shown["mac-address"]
    if shown["type"] in ("ovs-bridge", "ipsec"):
        taken["type"] = shown["type"]
    return {**taken, "ethtool": random.choice([None, shown.get("ethtool")])}


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document that says some of what the report says."""
    random = Random(draw(st.integers(0, 2**32)))
    positions = draw(st.sets(st.sampled_from(sorted(MANAGED)), max_size=6))
    document: Document = {"interfaces": [interface(random, MANAGED[position]) for position in positions]}
    for key in draw(st.sets(st.sampled_from(["dns-resolver", "hostname", "ovs-db", "ovn"]))):
        document[key] = part(random, key, REPORT[key])
    for key, optional in (("routes", ["metric", "mtu", "weight", "source"]), ("route-rules", ["priority"])):
        chosen = draw(st.lists(st.sampled_from(REPORT[key]["config"]), max_size=3))
        entries = [part(random, key, one, whole=True) for one in chosen]
        for entry in entries:
            entry.pop(random.choice(optional), None)
        document[key] = {"config": entries}
    return {**document, "description": "as it is"}


@settings(max_examples=100, deadline=None)
@given(document=documents())
def test_a_document_taken_from_a_report_matches_it(document: Document) -> None:
    assert differences(document, REPORT) == []


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    if isinstance(value, dict | list):
        for step in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[step], (*path, step))
    else:
        yield path


def at(document: Any, path: Path_) -> Any:
    for step in path:
        document = document[step]
    return document


QUERY_ONLY: Final = {
    "driver", "gc-timer", "group-forward-mask", "hello-timer", "iface-name", "max-mtu", "max-vfs", "min-mtu",
    "neighbors", "permanent-mac-address", "preferred-life-time", "protocol", "running", "supervision-address",
    "valid-life-time",
}  # fmt: skip


def void(path: Path_, value: Any) -> bool:
    """Whether nmstate gives no meaning to this value where it stands."""
    if set(path) & (QUERY_ONLY - {"protocol"}) or (path[-1] == "protocol" and "address" in path):
        return path[:2] != ("hostname", "running")
    if value in (-1, HIDDEN) or path[-1] in ("cap-xmit", "cap-rcv"):
        return True
    if path[0] != "interfaces":
        return False
    shown = REPORT["interfaces"][path[1]]
    if shown["state"] == "down":
        return bool(path[2] != "state")
    if "address" in path and len(path) == 6:
        item = at(REPORT, path[:-1])
        return "valid-life-time" in item or item["ip"].startswith("fe80")
    return bool(
        shown["state"] == "ignore"
        or value in ("cap-xmit", "cap-rcv")
        or (path[-1] in ("speed", "duplex") and shown["ethernet"]["auto-negotiation"])
        or (path[-1] == "mac-address" and shown["type"] == "vrf")
        or (path[-1] == "type" and len(path) == 3 and shown["type"] not in ("ovs-bridge", "ipsec"))
    )


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 7 if isinstance(value, int) else f"{value}x"


@pytest.mark.parametrize("top", sorted(REPORT))
def test_no_single_change_of_the_node_goes_unseen(top: str) -> None:
    unseen = []
    for path in leaves({top: REPORT[top]}):
        if void(path, at(REPORT, path)):
            continue
        document = {top: [at(REPORT, path[:2])] if top == "interfaces" else REPORT[top]}
        node = {**REPORT, top: copy.deepcopy(REPORT[top])}
        parent = at(node, path[:-1])
        parent[path[-1]] = changed(parent[path[-1]])
        if not differences(document, node):
            unseen.append(path)
    assert unseen == []


ODD: Final[list[Any]] = [
    None,
    True,
    -1,
    1.5,
    "",
    "x",
    [],
    {},
    [None],
    [[1]],
    [{}],
    ["x"],
    {"x": []},
    {"name": []},
    {"state": {}},
]
PLACES: Final = sorted(leaves(REPORT), key=repr)


@settings(max_examples=100, deadline=None)
@given(place=st.sampled_from(PLACES), depth=st.integers(1, 6), value=st.sampled_from(ODD))
def test_values_of_any_shape_are_compared_without_an_exception(place: Path_, depth: int, value: Any) -> None:
    where = place[:depth]
    odd = {place[0]: copy.deepcopy(REPORT[place[0]])}
    at(odd, where[:-1])[where[-1]] = value
    before = copy.deepcopy(odd)
    differences(odd, REPORT)
    differences({place[0]: REPORT[place[0]]}, odd)
    assert odd == before
