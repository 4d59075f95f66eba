"""What the documentation refers to is there."""

import re

from tests.lab import CHECKOUT


def test_every_test_that_is_named_exists() -> None:
    text = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", text)

    assert named
    for path, name in named:
        found = re.search(rf"^(?:async )?def {name}\(", (CHECKOUT / path).read_text(encoding="utf-8"), re.MULTILINE)
        assert found, f"{path}::{name}"
