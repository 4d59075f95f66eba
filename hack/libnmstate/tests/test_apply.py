"""`apply(kernel_only=True)` changes the kernel's network, seen with `show`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libnmstate
import pytest
from libnmstate.error import NmstateValueError, NmstateVerificationError

pytestmark = pytest.mark.usefixtures("netns")

Interfaces = Callable[[], dict[str, dict[str, Any]]]

BRIDGE = {
    "name": "br0",
    "type": "linux-bridge",
    "state": "up",
    "bridge": {"port": [{"name": "eth1"}]},
}


def apply(*wanted: dict[str, Any], **arguments: Any) -> None:
    libnmstate.apply({"interfaces": list(wanted)}, kernel_only=True, **arguments)


def test_creates_and_removes_a_bridge_with_its_port(interfaces: Interfaces) -> None:
    apply(BRIDGE)
    assert interfaces()["br0"]["bridge"]["port"][0]["name"] == "eth1"
    assert interfaces()["eth1"]["controller"] == "br0"
    apply({"name": "br0", "type": "linux-bridge", "state": "absent"})
    assert "br0" not in interfaces()
    assert "eth1" in interfaces()


def test_creates_a_veth_pair(interfaces: Interfaces) -> None:
    apply({"name": "veth1", "type": "veth", "state": "up", "veth": {"peer": "veth2"}})
    assert {"veth1", "veth2"} <= set(interfaces())


def test_an_empty_state_changes_nothing(interfaces: Interfaces) -> None:
    before = interfaces()
    libnmstate.apply({}, kernel_only=True)
    assert set(interfaces()) == set(before)


def test_accepts_a_tuple_for_a_list(interfaces: Interfaces) -> None:
    libnmstate.apply({"interfaces": (BRIDGE,)}, kernel_only=True)
    assert "br0" in interfaces()


def test_takes_every_switch_and_returns_nothing(interfaces: Interfaces) -> None:
    switches: dict[str, Any] = {
        "verify_change": False,
        "save_to_disk": False,
        "commit": False,
        "rollback_timeout": 1,
        "override_iface": True,
    }
    # Called through a variable for mypy's sake, which knows that there is nothing to use.
    call: Any = libnmstate.apply
    assert call({"interfaces": [BRIDGE]}, kernel_only=True, **switches) is None
    assert "br0" in interfaces()


def test_verification_finds_what_the_kernel_only_mode_left_out(interfaces: Interfaces) -> None:
    smaller = {"name": "eth1", "type": "veth", "state": "up", "veth": {"peer": "peer1"}, "mtu": 1400}
    apply(smaller, verify_change=False)
    assert interfaces()["eth1"]["mtu"] == 1500
    with pytest.raises(NmstateVerificationError, match=r"eth1\.interface\.mtu desire '1400', current '1500'"):
        apply(smaller)


@pytest.mark.parametrize("value", [-1, 2**32, 1.5, "60", None, True])
def test_refuses_a_rollback_timeout_out_of_range(value: Any) -> None:
    with pytest.raises(NmstateValueError, match="rollback_timeout is"):
        libnmstate.apply({}, kernel_only=True, rollback_timeout=value)


@pytest.mark.parametrize("name", ["kernel_only", "verify_change", "save_to_disk", "commit", "override_iface"])
def test_refuses_a_flag_that_is_no_bool(name: str) -> None:
    arguments: dict[str, Any] = {name: 1}
    with pytest.raises(NmstateValueError, match=f"{name} is a bool, not int"):
        libnmstate.apply({}, **arguments)


@pytest.mark.parametrize("value", ["", "name", "/a\0b", "/a\nb", b"/a", 1])
@pytest.mark.parametrize("call", [libnmstate.commit, libnmstate.rollback])
def test_refuses_a_checkpoint_that_is_no_path(call: Any, value: Any) -> None:
    with pytest.raises(NmstateValueError, match="checkpoint is a"):
        call(checkpoint=value)


def test_dns_of_the_kernel_only_way_stays_inside_the_test() -> None:
    hosts = Path(f"/proc/{os.getppid()}/root/etc/resolv.conf")
    before = hosts.read_bytes()

    libnmstate.apply({"dns-resolver": {"config": {"server": ["198.51.100.1"]}}}, kernel_only=True, verify_change=False)

    assert "198.51.100.1" in Path("/etc/resolv.conf").read_text()
    assert hosts.read_bytes() == before
