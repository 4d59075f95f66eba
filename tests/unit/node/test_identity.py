"""Checks, matcher and originals mean the same interface by the same entry, whatever its type."""

from typing import Any

import pytest

from nmstate_controller.node.diff import differences
from nmstate_controller.node.diff.names import Names, key_of
from nmstate_controller.node.revert.touching import Touched
from nmstate_controller.node.validate.document import Document
from nmstate_controller.node.validate.duplicates import duplicates

KERNEL = (
    "bond", "dummy", "ethernet", "hsr", "infiniband", "ip-tunnel", "ipvlan", "linux-bridge", "loopback", "mac-vlan",
    "mac-vtap", "macsec", "ovs-interface", "tun", "unknown", "veth", "vlan", "vrf", "vxlan", "xfrm", None,
)  # fmt: skip
APART = ("ovs-bridge", "ipsec", "wireguard", "team", "ovs-port", "of-the-future")
"""Types whose names live apart from the kernel's: `InterfaceType::is_userspace` and `is_other`."""


def interface(kind: str | None, **more: Any) -> dict[str, Any]:
    return {"name": "x", "state": "up", **({} if kind is None else {"type": kind}), **more}


@pytest.mark.parametrize("kind", [*KERNEL, *APART])
def test_two_entries_of_a_name_are_one_interface_or_two_to_every_part(kind: str | None) -> None:
    desired = {"interfaces": [interface("dummy"), interface(kind)]}
    number = 2 if kind in APART else 1

    assert len({key_of(one) for one in desired["interfaces"]}) == number
    assert 2 - len(list(duplicates(Document(desired, {})))) == number
    assert len(differences(desired, {"interfaces": []})) == number
    assert len(Touched(desired, []).named) == number


@pytest.mark.parametrize("kind", [*KERNEL, *APART])
@pytest.mark.parametrize("state", ["up", "absent"])
def test_an_entry_means_the_same_interface_of_the_node_to_every_part(kind: str | None, state: str) -> None:
    in_kernel, apart = interface("dummy", mtu=1400), interface(kind if kind in APART else "ovs-bridge", mtu=1500)
    shown = {"interfaces": [in_kernel, apart]}
    entry = {**interface(kind), "state": state}
    meant = apart if kind in APART else in_kernel

    assert Names([entry], shown["interfaces"]).locate(entry).current == meant
    assert Document({"interfaces": [entry]}, shown).entries[0].current == meant
    untyped_and_absent = kind in (None, "unknown") and state == "absent"
    touched = {key_of(one) for one in (shown["interfaces"] if untyped_and_absent else [meant])}
    assert Touched({"interfaces": [entry]}, shown["interfaces"]).named.keys() == touched


def test_an_entry_without_a_type_means_what_lives_apart_when_the_kernel_has_none() -> None:
    shown = {"interfaces": [interface("wireguard")]}
    entry = interface(None)

    assert Names([entry], shown["interfaces"]).locate(entry).current == shown["interfaces"][0]
    assert Document({"interfaces": [entry]}, shown).entries[0].current == shown["interfaces"][0]
    assert differences({"interfaces": [entry]}, shown) == []
