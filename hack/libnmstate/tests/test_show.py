"""`show` reports what is in the kernel."""

import subprocess
from collections.abc import Callable
from typing import Any

import libnmstate
import pytest

pytestmark = pytest.mark.usefixtures("netns")

Interfaces = Callable[[], dict[str, dict[str, Any]]]


def test_reports_loopback_and_both_ends_of_a_veth_pair(interfaces: Interfaces) -> None:
    found = interfaces()
    assert set(found) == {"lo", "eth1", "peer1"}
    assert found["eth1"]["type"] == "veth"
    assert found["eth1"]["state"] == "up"
    assert found["eth1"]["veth"] == {"peer": "peer1"}


def test_reports_what_ip_configured(interfaces: Interfaces) -> None:
    subprocess.run(["ip", "link", "set", "eth1", "mtu", "1400"], check=True)
    subprocess.run(["ip", "address", "add", "192.0.2.1/24", "dev", "eth1"], check=True)
    eth1 = interfaces()["eth1"]
    assert eth1["mtu"] == 1400
    assert {"ip": "192.0.2.1", "prefix-length": 24} in eth1["ipv4"]["address"]


def test_returns_plain_built_in_types() -> None:
    plain = {dict, list, str, int, float, bool, type(None)}

    def types(value: object) -> set[type]:
        inner: list[object] = []
        if isinstance(value, dict):
            inner = [*value.keys(), *value.values()]
        elif isinstance(value, list):
            inner = value
        return {type(value)}.union(*(types(item) for item in inner))

    assert types(libnmstate.show(kernel_only=True)) <= plain


@pytest.mark.parametrize("name", ["kernel_only", "include_status_data", "include_secrets"])
def test_refuses_a_flag_that_is_no_bool(name: str) -> None:
    arguments: dict[str, Any] = {name: "no"}
    with pytest.raises(libnmstate.error.NmstateValueError, match=f"{name} is a bool, not str"):
        libnmstate.show(**arguments)


def test_the_package_tells_its_version() -> None:
    assert libnmstate.__version__ == "2.2.62"


def test_the_package_tells_what_it_is_built_for() -> None:
    assert libnmstate.BUILT_FOR == "nmstate-controller"
