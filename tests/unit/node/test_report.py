"""The report leaves out what changes by itself and what is not the node's, and nothing else."""

from typing import Any

from nmstate_controller.node.report import Filter, changed_parts, without_ghosts


def interface(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "ethernet", "state": "up", **more}


def bridge(name: str, *, stp: bool, ageing: int = 300) -> dict[str, Any]:
    options = {
        "gc-timer": 29657,
        "hello-timer": 46,
        "mac-ageing-time": ageing,
        "stp": {"enabled": stp, "priority": 32768},
    }
    return interface(name, type="linux-bridge", bridge={"options": options, "port": []})


def test_interfaces_are_sorted_by_name() -> None:
    state = Filter().reportable({"interfaces": [interface("eth1"), interface("br1"), interface("eth0")]})

    assert [found["name"] for found in state["interfaces"]] == ["br1", "eth0", "eth1"]


def test_pod_ends_go_with_their_routes_and_managed_veths_stay() -> None:
    shown = {
        "interfaces": [
            interface("veth-pod", type="veth", state="ignore"),
            interface("veth-mine", type="veth"),
            interface("tun0", type="tun", state="ignore"),
        ],
        "routes": {
            "running": [
                {"destination": "10.1.0.5/32", "next-hop-interface": "veth-pod"},
                {"destination": "10.2.0.0/24", "next-hop-interface": "veth-mine"},
            ],
            "config": [],
        },
    }

    state = Filter().reportable(shown)

    assert [found["name"] for found in state["interfaces"]] == ["tun0", "veth-mine"]
    assert [route["next-hop-interface"] for route in state["routes"]["running"]] == ["veth-mine"]


def with_features(name: str, **ethtool: Any) -> dict[str, Any]:
    return interface(name, ethtool={"feature": {"rx-gro": True}, **ethtool})


def test_ethtool_features_are_left_out_and_the_rest_of_ethtool_stays() -> None:
    shown = {"interfaces": [with_features("eth0", ring={"rx": 256}), with_features("eth1")]}

    eth0, eth1 = Filter().reportable(shown)["interfaces"]

    assert eth0["ethtool"] == {"ring": {"rx": 256}}
    assert "ethtool" not in eth1
    assert "feature" in shown["interfaces"][0]["ethtool"], "what was shown is not changed"


def test_ethtool_features_are_reported_on_request() -> None:
    shown = {"interfaces": [with_features("eth0")]}

    assert Filter(features=True).reportable(shown) == shown


def test_changed_parts_ethtool_features_count() -> None:
    before = {"interfaces": [with_features("eth0")]}
    after = {"interfaces": [interface("eth0", ethtool={"feature": {"rx-gro": False}})]}

    assert changed_parts(before, after, ["eth0"]) == ["eth0"]


def test_bridge_timers_and_address_lifetimes_do_not_make_a_difference() -> None:
    def shown(timer: int) -> dict[str, Any]:
        found = bridge("br1", stp=False)
        found["bridge"]["options"]["gc-timer"] = timer
        address = {"ip": "2001:db8::1", "prefix-length": 64, "valid-life-time": f"{timer}sec", "mptcp-flags": []}
        return {"interfaces": [{**found, "ipv6": {"enabled": True, "address": [address]}}]}

    assert Filter().reportable(shown(1)) == Filter().reportable(shown(2))
    kept = Filter().reportable(shown(1))["interfaces"][0]["ipv6"]["address"][0]
    assert kept == {"ip": "2001:db8::1", "prefix-length": 64, "mptcp-flags": []}


def test_ageing_time_is_volatile_only_with_a_spanning_tree() -> None:
    def options(**how: Any) -> Any:
        return Filter().reportable({"interfaces": [bridge("br1", **how)]})["interfaces"][0]["bridge"]["options"]

    assert options(stp=True, ageing=30) == options(stp=True, ageing=300)
    assert options(stp=False, ageing=30)["mac-ageing-time"] == 30


def test_unknown_keys_are_kept_and_the_input_is_left_alone() -> None:
    shown: dict[str, Any] = {
        "interfaces": [interface("b"), interface("a", invented={"x": 1})],
        "future-section": [1, 2],
    }

    state = Filter().reportable(shown)

    assert state["future-section"] == [1, 2]
    assert state["interfaces"][0]["invented"] == {"x": 1}
    assert [found["name"] for found in shown["interfaces"]] == ["b", "a"]


def test_a_state_without_sections_is_no_error() -> None:
    assert Filter().reportable({}) == {}


def test_patterns_leave_out_more() -> None:
    shown = {"interfaces": [interface("cali1"), interface("eth0"), interface("lxc7")]}

    state = Filter(["cali*", "lxc?"]).reportable(shown)

    assert [found["name"] for found in state["interfaces"]] == ["eth0"]


def test_pod_ends_stay_left_out_when_only_the_kernel_can_be_asked() -> None:
    keep = Filter()
    keep.reportable({"interfaces": [interface("veth-pod", type="veth", state="ignore"), interface("eth0")]})

    state = keep.reportable({"interfaces": [interface("veth-pod", type="veth"), interface("eth0")]}, kernel_only=True)

    assert [found["name"] for found in state["interfaces"]] == ["eth0"]


def test_changed_parts_are_named() -> None:
    before = {"interfaces": [interface("a"), interface("b", mtu=1), interface("c"), interface("e")]}
    after = {"interfaces": [interface("a"), interface("b", mtu=2), interface("d")], "dns-resolver": {"config": {}}}

    assert changed_parts(before, after, {"a", "b", "c", "d"}) == ["b", "c", "d", "dns-resolver"]


def test_changed_parts_pinned_metric_is_no_change() -> None:
    before = {"interfaces": [interface("eth0", ipv4={"enabled": True})]}
    after = {"interfaces": [interface("eth0", ipv4={"enabled": True, "auto-route-metric": 100})]}

    assert changed_parts(before, after, {"eth0"}) == []


def test_what_networkmanager_alone_remembers_of_the_kernel_is_no_interface() -> None:
    there = [
        interface("eth0", mtu=1500),
        interface("lo", type="loopback", state="ignore", mtu=65536),
        interface("ovs0", type="ovs-bridge"),
        interface("patch0", type="ovs-interface"),
        interface("p2p-dev-wlan0", type="wifi-p2p", state="ignore"),
    ]
    gone = [interface("s1", state="ignore"), interface("t1", state="down"), interface("d1", type="dummy")]

    assert without_ghosts({"interfaces": gone + there, "dns-resolver": {}}) == {"interfaces": there, "dns-resolver": {}}
    assert without_ghosts({}) == {}
