"""How a sentence lists what it is about."""

from typing import Any

import pytest

from nmstate_controller.controller.wording import subjects

UP = [{"name": "eth1"}, {"name": "br7", "state": "up"}]
GONE = {"name": "br1", "state": "absent"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"interfaces": UP}, "eth1, br7"),
        ({"interfaces": [*UP, GONE]}, "eth1, br7; removed: br1"),
        ({"interfaces": [GONE]}, "removed: br1"),
        ({"routes": {"config": []}, "route-rules": {}, "dns-resolver": {}}, "DNS, route rules, routes"),
        ({"interfaces": [*UP, GONE], "dns-resolver": {}}, "eth1, br7; removed: br1; DNS"),
        ({"interfaces": None, "hostname": {"config": "n"}, "description": "mine"}, "host name"),
        ({"interfaces": [{"name": f"eth{n}"} for n in range(7)]}, "eth0, eth1, eth2, eth3, eth4 and 2 more"),
        ({"interfaces": []}, "nothing"),
    ],
)
def test_subjects_names_interfaces_removals_and_sections(document: dict[str, Any], said: str) -> None:
    assert subjects(document) == said
