"""When a document asks that there be no DNS server."""

from typing import Any

import pytest

from nmstate_controller.node.resolver import may_get_name_servers, removes_name_servers

Json = dict[str, Any]

STATIC = {"name": "eth0", "type": "ethernet", "state": "up", "ipv4": {"enabled": True, "dhcp": False}}
DHCP = {**STATIC, "ipv4": {"enabled": True, "dhcp": True, "auto-dns": True}}


def removes(config: Any) -> bool:
    return removes_name_servers({"dns-resolver": {"config": config}})


@pytest.mark.parametrize("config", [{}, {"server": []}, {"server": [], "search": ["example.org"]}, {"server": None}])
def test_an_empty_config_and_an_empty_list_of_servers_ask_for_none(config: Json) -> None:
    assert removes(config)


@pytest.mark.parametrize("config", [None, {"server": ["192.0.2.53"]}, {"search": []}, {"search": ["example.org"]}])
def test_what_leaves_servers_alone_or_names_some_does_not(config: Json | None) -> None:
    assert not removes(config)


@pytest.mark.parametrize("document", [{}, {"dns-resolver": {}}, {"dns-resolver": None}])
def test_a_document_without_a_word_on_dns_does_not(document: Json) -> None:
    assert not removes_name_servers(document)


@pytest.mark.parametrize(
    ("node", "wanted", "may"),
    [
        (STATIC, [], False),
        (DHCP, [], True),
        (STATIC, [DHCP], True),
        (DHCP, [STATIC], False),
        (DHCP, [{"name": "eth0", "state": "absent"}], False),
        (DHCP, [{"name": "eth0", "ipv4": {"auto-dns": "no"}}], False),
        (DHCP, [{"name": "eth0", "ipv4": {"enabled": False}}], False),
        ({**STATIC, "ipv6": {"enabled": True, "autoconf": True}}, [], True),
        ({**DHCP, "state": "down"}, [], False),
    ],
)
def test_dhcp_and_router_advertisements_may_bring_servers(node: Json, wanted: list[Json], may: bool) -> None:
    assert may_get_name_servers({"interfaces": wanted}, {"interfaces": [node]}) is may
