"""Messages of libnmstate are shown without secrets and state dumps."""

import pytest

from nmstate_controller.node.diff import HIDDEN
from nmstate_controller.node.redact import presentable


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("plain\n  words", "plain words"),
        (
            "Verification failure: eth1.interface.mtu desire '1400', current '1500'",
            "Verification failure: eth1.interface.mtu desire '1400', current '1500'",
        ),
        (
            "Verification failure: br1.interface.bridge desire '{\"port\":[]}', current 'null'",
            "Verification failure: br1.interface.bridge desire '…', current 'null'",
        ),
        (
            "Verification failure: e.interface.ipsec.psk desire 'a', current 'b'",
            f"Verification failure: e.interface.ipsec.psk desire '{HIDDEN}', current '{HIDDEN}'",
        ),
        (
            'Route with empty next hop interface: RouteEntry { state: None, destination: Some("::/0") }',
            "Route with empty next hop interface",
        ),
        (f"x.y desire '{'v' * 500}', current ''", f"x.y desire '{'v' * 120}…', current ''"),
    ],
)
def test_messages(message: str, shown: str) -> None:
    assert presentable(message) == shown


def test_secrets_of_the_document_are_taken_out_wherever_they_are() -> None:
    document = {
        "interfaces": [{"name": "w", "802.1x": {"password": "hunter2", "identity": "me"}, "x": {"psk": 12345678}}]
    }

    assert presentable("failed: hunter2 for me, 12345678", document) == (f"failed: {HIDDEN} for me, {HIDDEN}")


def test_what_stands_for_a_secret_is_not_searched_for_other_secrets() -> None:
    document = [{"password": letter} for letter in sorted(set(HIDDEN))]

    assert len(presentable("x.y, not a secret", document)) < 800


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "words", ["x", "x desire 'y ", "', current '", " desire 'x', current ", "'", "\0", "…", ": A { b: "]
)
def test_a_message_made_to_be_slow_is_not(words: str) -> None:
    shown = presentable(f"InvalidArgument: {words * (1_000_000 // len(words))}", {"psk": "x"})

    assert shown.startswith("InvalidArgument: ")
    assert shown.isprintable()
    assert len(shown) <= 800
