"""An error of libnmstate's parser gets the path that libnmstate leaves out, and loses the values that it quotes."""

from typing import Any

import pytest

from nmstate_controller.node.validate import locate

State = dict[str, Any]

NODE: State = {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "up"}]}


def ethernet(**more: Any) -> State:
    return {"interfaces": [{"name": "eth0", "type": "ethernet"}, {"name": "eth1", "type": "ethernet", **more}]}


def interface(type_: str, section: str, value: Any) -> State:
    return {"interfaces": [{"name": "x0", "type": type_, section: value}]}


ADDRESS = {"ip": "192.0.2.1", "prefix-length": 24}

PLACES: list[tuple[State, str]] = [
    (ethernet(mtu="abc"), "interfaces[eth1].mtu: must be a whole number"),
    (ethernet(ipv4={"enabled": "maybe"}), "interfaces[eth1].ipv4.enabled: must be true or false"),
    (ethernet(ipv4={"hunter": 2}), "interfaces[eth1].ipv4.hunter: unknown field `hunter`, expected one of "),
    (
        ethernet(ipv4={"address": [ADDRESS, {**ADDRESS, "ip": "192.0.2.999"}]}),
        "interfaces[eth1].ipv4.address[#1].ip: invalid IP",
    ),
    (
        ethernet(ipv4={"address": [{**ADDRESS, "hunter": 2}]}),
        "interfaces[eth1].ipv4.address[192.0.2.1/24].hunter: unknown field",
    ),
    (ethernet(**{"alt-names": [{"state": "absent"}]}), "interfaces[eth1].alt-names[#0]: `name` is missing"),
    (
        ethernet(ethernet={"sr-iov": {"total-vfs": "many"}}),
        "interfaces[eth1].ethernet.sr-iov.total-vfs: must be a whole number",
    ),
    (
        ethernet(**{f"{'k' * 10_000}\u202e": 1}),
        f"interfaces[eth1].{'k' * 62}…: unknown field `{'k' * 63}…`",
    ),
    (ethernet(state="hunter2"), "interfaces[eth1].state: unknown variant, expected one of `up`"),
    ({True: 1} | ethernet(), "True: a key is a str, not bool"),  # type: ignore[list-item]
    (ethernet() | {"hunter": 2}, "hunter: unknown field `hunter`, expected one of "),
    ({"interfaces": [{"name": "eth1", "type": 5}]}, "interfaces[eth1].type: data did not match"),
    ({"interfaces": [{"name": "eth1", "mtu": "abc"}]}, "interfaces[eth1].mtu: must be a whole number"),
    (interface("bond", "bond", {"mode": "hunter2"}), "interfaces[x0].bond.mode: unknown variant, expected one of `0`"),
    (
        interface("bond", "bond", {"mode": 1, "port": ["eth1", 5]}),
        "interfaces[x0].bond.port[#1]: must be a string",
    ),
    (interface("macsec", "macsec", {"encrypt": True}), "interfaces[x0].macsec: `base-iface` is missing"),
    (
        interface("vlan", "vlan", {"base-iface": "eth1", "id": "hunter2"}),
        "interfaces[x0].vlan.id: must be a whole number",
    ),
    (
        interface("linux-bridge", "bridge", {"port": ["hunter2"]}),
        "interfaces[x0].bridge.port[#0]: must be a map",
    ),
    (
        interface("vrf", "vrf", {"port": [], "ports": [], "route-table-id": 5}),
        "interfaces[x0].vrf.ports: duplicate field",
    ),
    (
        {"routes": {"config": [{"destination": "198.51.100.0/24", "metric": "z"}]}},
        "routes.config[198.51.100.0/24].metric: must be a whole number",
    ),
    ({"routes": {"config": ["hunter2"]}}, "routes.config[#0]: must be a map"),
    ({"route-rules": {"config": [{"priority": "hunter2"}]}}, "route-rules.config[#0].priority: must be a whole number"),
    (
        {"dns-resolver": {"config": {"server": 5}}},
        "dns-resolver.config.server: must be a list",
    ),
    (ethernet(**{"802.1x": {"password": 5}}), "interfaces[eth1].802.1x.password: libnmstate cannot read the value"),
    (
        ethernet(**{"802.1x": {"eap-methods": "hunter2"}}),
        "interfaces[eth1].802.1x.eap-methods: must be a list",
    ),
    (
        interface("macsec", "macsec", {"mka-cak": ["hunter2"]}),
        "interfaces[x0].macsec.mka-cak: libnmstate cannot read the value",
    ),
]


@pytest.mark.parametrize(("desired", "sentence"), PLACES, ids=[sentence.partition(": ")[0] for _, sentence in PLACES])
def test_the_place_is_told_and_the_value_is_not(desired: State, sentence: str) -> None:
    found = locate(desired, NODE)

    assert found is not None
    assert found.startswith(sentence)
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "desired", [{}, ethernet(), ethernet(mtu="0x5dc"), {"interfaces": [{"name": "new", "mtu": "?"}]}]
)
def test_what_parses_has_no_place(desired: State) -> None:
    assert locate(desired, NODE) is None


def test_one_of_a_thousand_is_found() -> None:
    good = [{"name": f"du{number}", "type": "dummy", "mtu": 1400} for number in range(1000)]
    desired: State = {"interfaces": [*good[:700], {"name": "bad", "type": "dummy", "mtu": "abc"}, *good[700:]]}

    assert locate(desired, NODE) == "interfaces[bad].mtu: must be a whole number"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"route": {}}, "route: unknown field `route`, did you mean `routes`?"),
        (
            {"interfaces": [{"name": "eth1", "state": "Absent"}]},
            "interfaces[eth1].state: unknown value, did you mean `absent`?",
        ),
        (
            {"interfaces": [{"name": "b", "type": "bond", "link-aggregation": {"mode": "active-bakup", "port": []}}]},
            "interfaces[b].link-aggregation.mode: unknown value, did you mean `active-backup`?",
        ),
    ],
)
def test_a_word_that_is_close_to_another_is_answered_with_that(document: State, said: str) -> None:
    assert locate(document, {"interfaces": []}) == said


def test_a_word_that_is_close_to_none_is_answered_with_all() -> None:
    said = locate({"interfaces": [{"name": "eth1", "state": "somewhere"}]}, {"interfaces": []})
    assert said is not None
    assert "expected one of `up`, `down`" in said
    assert "somewhere" not in said
