"""The conditions mean to a program what kstatus says they mean."""

from datetime import UTC, datetime, timedelta

import pytest

from nmstate_controller.api import conditions
from nmstate_controller.api.models import Condition

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def statuses(found: list[Condition]) -> dict[str, tuple[str, str]]:
    return {condition.type: (condition.status, condition.reason) for condition in found}


def test_a_new_generation_is_unknown_and_reconciling_while_it_is_applied() -> None:
    failed = conditions.stalled([], 1, "InvalidDesiredState", "InvalidDesiredState", "no", NOW)

    found = conditions.applying(failed, 2, LATER)

    assert statuses(found) == {"Ready": ("Unknown", "Applying"), "Reconciling": ("True", "Applying")}
    assert {condition.observed_generation for condition in found} == {2}


def test_a_settled_generation_is_ready_and_nothing_else() -> None:
    found = conditions.settled(conditions.applying([], 2, NOW), 2, "Configured", "done", LATER)

    assert statuses(found) == {"Ready": ("True", "Configured")}


def test_a_failure_that_is_tried_again_is_reconciling() -> None:
    found = conditions.retrying(conditions.applying([], 2, NOW), 2, "ApplyFailed", "no", LATER)

    assert statuses(found) == {"Ready": ("False", "ApplyFailed"), "Reconciling": ("True", "Retrying")}


def test_a_failure_that_is_final_is_stalled() -> None:
    found = conditions.stalled(conditions.applying([], 2, NOW), 2, "ApplyFailed", "AttemptsExhausted", "no", LATER)

    assert statuses(found) == {"Ready": ("False", "ApplyFailed"), "Stalled": ("True", "AttemptsExhausted")}


def test_transition_time_moves_with_status_only() -> None:
    first = conditions.settled([], 1, "Configured", "done", NOW)
    same = conditions.settled(first, 2, "NothingDesired", "nothing", LATER)
    other = conditions.applying(same, 3, LATER)

    assert same[0].last_transition_time == NOW
    assert other[0].last_transition_time == LATER


def test_reporting_stays_out_of_the_others_way() -> None:
    reporting = conditions.reporting([], "False", "NetworkManagerUnavailable", "gone", None, NOW)

    found = conditions.settled(reporting, 1, "Configured", "done", NOW)

    assert statuses(found)["Reporting"] == ("False", "NetworkManagerUnavailable")


@pytest.mark.parametrize(("message", "shown"), [("a\n  b\tc", "a b c"), ("x" * 1024, "x" * 1024)])
def test_a_message_is_one_line(message: str, shown: str) -> None:
    assert conditions.brief(message) == shown


def test_a_long_message_is_cut_at_the_limit() -> None:
    cut = conditions.brief("y" * 5000)

    assert len(cut) == conditions.MESSAGE_LIMIT
    assert cut.endswith("…")


def test_a_message_has_no_character_that_plays_tricks_on_a_terminal() -> None:
    assert conditions.brief("interface \u202eeth1\x1b[31m\ndoes not\0exist") == "interface ?eth1?[31m does not?exist"
