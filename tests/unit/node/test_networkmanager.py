"""What NetworkManager had is kept as JSON with its types, and two moments of it are told apart."""

import json
from typing import Any

from dbus_fast import Variant

from nmstate_controller.node.networkmanager.snapshot import Device, ManagerSnapshot, Profile, decode, encode

UNSAVED, GENERATED, EXTERNAL = 1, 2, 8


def profile(uuid: str, interface: str, *, flags: int = 0, **settings: Any) -> Profile:
    return Profile(
        uuid=uuid, path=f"/{uuid}", interface=interface, filename="", flags=flags, settings={"ipv4": encode(settings)}
    )


def snapshot(*profiles: Profile, **active: str) -> ManagerSnapshot:
    devices = {
        name: Device(path=f"/{name}", state=100, active=f"/{uuid}", profile=uuid) for name, uuid in active.items()
    }
    return ManagerSnapshot(owner=":1.5", profiles={one.uuid: one for one in profiles}, devices=devices)


def test_encode_settings_come_back_as_they_were_through_json() -> None:
    settings = {
        "connection": {"id": Variant("s", "eth0"), "autoconnect-priority": Variant("i", -3)},
        "ipv4": {
            "address-data": Variant("aa{sv}", [{"address": Variant("s", "192.0.2.1"), "prefix": Variant("u", 24)}]),
            "addresses": Variant("aau", [[1, 2, 3]]),
        },
        "ipv6": {"addresses": Variant("a(ayuay)", [[b"\x20\x01", 64, b""]])},
        "802-1x": {"ca-cert": Variant("ay", b"\x00\xff"), "phase2-ca-cert": Variant("ay", b"")},
    }

    assert decode(json.loads(json.dumps(encode(settings)))) == settings


def test_differences_nothing_happened_is_none() -> None:
    before = snapshot(profile("u0", "eth0"), profile("u1", "eth1", flags=UNSAVED), eth0="u0")

    assert before.differences(before) == []


def test_differences_each_kind_is_told() -> None:
    before = snapshot(profile("u0", "eth0"), profile("u1", "eth1"), profile("u2", "eth2"), eth0="u0", eth1="u1")
    after = snapshot(
        profile("u0", "eth0", flags=UNSAVED), profile("u2", "eth2", method="auto"), profile("u3", "br0"), eth0="u0"
    )

    assert before.differences(after) == [
        "eth1 is not active",
        "profile of br0 is still there",
        "profile of eth0 is no longer on disk",
        "profile of eth1 is gone",
        "profile of eth2 has other settings",
    ]


def test_differences_what_networkmanager_notes_of_others_does_not_count() -> None:
    before = snapshot(profile("u3", "eth3", flags=UNSAVED | GENERATED | EXTERNAL), eth3="u3")
    after = snapshot(profile("u4", "eth3", flags=UNSAVED | GENERATED | EXTERNAL), eth3="u4")

    assert before.differences(after) == []


def test_not_saved_is_what_a_boot_would_not_find() -> None:
    found = snapshot(
        profile("u0", "eth0"),
        profile("u1", "eth1", flags=UNSAVED),
        profile("u3", "eth3", flags=UNSAVED | GENERATED | EXTERNAL),
        profile("u4", ""),
        profile("u5", "eth5"),
        eth0="u0",
        eth1="u1",
        eth2="",
        eth3="u3",
        eth4="u4",
    )

    assert found.not_saved({f"eth{number}" for number in range(6)}) == ["eth1", "eth2", "eth3"]


def test_not_saved_a_name_that_is_no_device_says_nothing() -> None:
    assert snapshot(profile("u0", "eth0"), eth0="u0").not_saved({"sriov:eth0:1", "alias0"}) == []


def test_reactivated_is_what_has_another_activation() -> None:
    before = snapshot(profile("u0", "eth0"), profile("u1", "eth1"), eth0="u0", eth1="u1")
    after = snapshot(profile("u0", "eth0"), profile("u1", "eth1"), eth0="u0")

    assert before.reactivated(after) == {"eth1"}
