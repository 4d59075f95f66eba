"""When an attempt follows another: the retry policy, and what an earlier agent's word counts."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from nmstate_controller.api.models import LastApply, Spec, State, Status
from nmstate_controller.controller.progress import (
    ATTEMPTS,
    SLOW_RETRY_SECONDS,
    Attempts,
    Backoff,
    Done,
    Exhausted,
    Failed,
    News,
    ObjectHeld,
    Pending,
    Progress,
    Settled,
    Stalled,
    WaitingForDevice,
    WaitingForNode,
    Work,
    acknowledged,
    after,
    begin,
    due_at,
    news,
    wake,
)
from nmstate_controller.errors import (
    ApplyFailed,
    ComparisonFailed,
    ConnectivityLost,
    DriftFought,
    InvalidDesiredState,
    JournalFailed,
    NetworkManagerBusy,
    NetworkManagerUnavailable,
    NmstateFailed,
    NmstateStuck,
    NodeError,
    ObjectNotWritten,
    UnreadableSpec,
    VerificationFailed,
)

NOW: Final = 1000.0
MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
SHOWN: Final[State] = {"interfaces": [{"name": "eth0"}, {"name": "eth1"}]}
WORK: Final = Work("uid-1", 3, False, Spec(), None, None)
FRESH: Final = Attempts(WORK)
TRIED: Final = Attempts(WORK, failures=2, delays=3, retry_requested=True)

RETRYABLE: Final = (ApplyFailed, VerificationFailed, ComparisonFailed, JournalFailed, ObjectNotWritten)
UNAVAILABLE: Final = (NetworkManagerUnavailable, NetworkManagerBusy, NmstateFailed, NmstateStuck)
TERMINAL: Final = (InvalidDesiredState, UnreadableSpec, ConnectivityLost, DriftFought)

EACH_STATE: Final[tuple[Progress, ...]] = (
    Pending(TRIED),
    Backoff(TRIED, NOW + 5),
    Exhausted(TRIED, NOW + 5),
    WaitingForNode(TRIED, NOW + 5, SHOWN),
    WaitingForDevice(TRIED, NOW + 5, frozenset({"eth0", "eth1"})),
    Settled(TRIED),
    Stalled(TRIED),
)


def failed(
    error: NodeError, *, report: State | None = SHOWN, was_configured: bool = False, applied: bool = False
) -> Failed:
    return Failed(error, report, was_configured, applied)


def after_failures(*errors: type[NodeError], jitter: float = 0.5) -> Progress:
    """Progress after that many attempts, each of which was made when it was due."""
    progress: Progress = Pending(FRESH)
    for error in errors:
        progress = after(progress, failed(error("no")), NOW, jitter)
    return progress


# After an attempt.


def test_an_attempt_that_succeeded_settles_and_starts_the_count_over() -> None:
    assert after(Pending(TRIED), Done(), NOW, 0.5) == Settled(FRESH)


@pytest.mark.parametrize("progress", [Settled(TRIED), Stalled(TRIED)])
def test_a_report_without_drift_changes_no_progress(progress: Progress) -> None:
    assert after(progress, Done(), NOW, 0.5) is progress


@pytest.mark.parametrize("error", RETRYABLE)
@pytest.mark.parametrize("progress", EACH_STATE)
def test_a_failure_that_may_pass_is_counted_and_backed_off(error: type[NodeError], progress: Progress) -> None:
    found = after(progress, failed(error("no")), NOW, 0.0)

    assert found == Backoff(replace(TRIED, failures=3, delays=4), NOW + 4)


@pytest.mark.parametrize("error", RETRYABLE)
def test_the_last_attempt_in_quick_succession_is_followed_slowly(error: type[NodeError]) -> None:
    quick = after_failures(*[error] * (ATTEMPTS - 1))
    slow = after_failures(*[error] * ATTEMPTS)

    assert isinstance(quick, Backoff)
    assert isinstance(slow, Exhausted)
    assert (slow.attempts.failures, slow.due_at) == (ATTEMPTS, NOW + SLOW_RETRY_SECONDS)
    again = after(slow, failed(error("no")), NOW, 0.5)
    assert isinstance(again, Exhausted)
    assert again.attempts.failures == ATTEMPTS + 1


def test_slow_attempts_are_spread_by_a_tenth() -> None:
    ends = [due_at(after_failures(*[ApplyFailed] * ATTEMPTS, jitter=jitter)) for jitter in (0.0, 1.0)]

    assert ends == pytest.approx([NOW + SLOW_RETRY_SECONDS * 0.9, NOW + SLOW_RETRY_SECONDS * 1.1])


@pytest.mark.parametrize("error", UNAVAILABLE)
@pytest.mark.parametrize("progress", EACH_STATE)
def test_trouble_of_the_nodes_own_is_waited_for_and_no_failure(error: type[NodeError], progress: Progress) -> None:
    found = after(progress, failed(error("no"), report=None), NOW, 0.0)

    assert found == WaitingForNode(replace(TRIED, delays=4), NOW + 4, None)


def test_trouble_of_the_nodes_own_is_waited_for_without_end() -> None:
    found = after_failures(*[NetworkManagerUnavailable] * 2000, jitter=0.0)

    assert isinstance(found, WaitingForNode)
    assert (found.attempts.failures, found.due_at) == (0, NOW + 30)


@pytest.mark.parametrize("error", TERMINAL)
@pytest.mark.parametrize("progress", EACH_STATE)
def test_what_fails_the_same_way_again_stalls(error: type[NodeError], progress: Progress) -> None:
    assert after(progress, failed(error("no")), NOW, 0.5) == Stalled(TRIED)


@pytest.mark.parametrize("report", [SHOWN, None])
def test_a_document_that_the_node_ran_waits_for_its_device(report: State | None) -> None:
    found = after(Settled(FRESH), failed(InvalidDesiredState("no eth2"), report=report, was_configured=True), NOW, 0.0)

    names = frozenset({"eth0", "eth1"}) if report else frozenset()
    assert found == WaitingForDevice(replace(FRESH, delays=1), NOW + 0.5, names)


@pytest.mark.parametrize("error", [UnreadableSpec, ConnectivityLost, DriftFought])
def test_no_other_terminal_error_is_tried_again_because_the_document_worked_before(error: type[NodeError]) -> None:
    assert after(Pending(TRIED), failed(error("no"), was_configured=True), NOW, 0.5) == Stalled(TRIED)


def test_failures_before_a_change_that_worked_do_not_count() -> None:
    found = after(
        Pending(replace(TRIED, failures=ATTEMPTS - 1)), failed(ObjectNotWritten("no"), applied=True), NOW, 0.5
    )

    assert isinstance(found, Backoff)
    assert found.attempts.failures == 1


@pytest.mark.parametrize("progress", [Stalled(TRIED), Exhausted(replace(TRIED, failures=ATTEMPTS), NOW + 600)])
def test_an_object_that_is_held_is_tried_again_soon(progress: Progress) -> None:
    found = after(progress, ObjectHeld(), NOW, 0.0)

    assert found == Backoff(replace(progress.attempts, delays=4), NOW + 4)


@pytest.mark.parametrize(
    ("jitter", "expected"), [(0.0, [0.5, 1, 2, 4, 8, 16, 30, 30]), (1.0, [1, 2, 4, 8, 16, 32, 60])]
)
def test_delays_double_to_a_minute_in_the_upper_half_of_their_step(jitter: float, expected: list[float]) -> None:
    delays, progress = [], after(Pending(FRESH), failed(NmstateFailed("no")), NOW, jitter)
    for _ in expected:
        delays.append((due_at(progress) or 0) - NOW)
        progress = after(progress, failed(NmstateFailed("no")), NOW, jitter)

    assert delays == expected


# Waking.


@pytest.mark.parametrize("progress", EACH_STATE)
def test_before_its_time_nothing_wakes_by_the_report_there_was(progress: Progress) -> None:
    assert wake(progress, SHOWN, NOW) is progress
    assert wake(progress, None, NOW) is progress


@pytest.mark.parametrize("progress", EACH_STATE[1:5])
def test_what_is_due_wakes(progress: Progress) -> None:
    assert wake(progress, None, NOW + 5) == Pending(TRIED)


@pytest.mark.parametrize("progress", [Settled(TRIED), Stalled(TRIED)])
def test_what_has_ended_wakes_by_no_time(progress: Progress) -> None:
    assert due_at(progress) is None
    assert wake(progress, {"interfaces": []}, NOW + 1e9) is progress


def test_a_newer_report_ends_the_wait_for_the_node() -> None:
    assert wake(EACH_STATE[3], dict(SHOWN), NOW) == Pending(TRIED)
    assert wake(WaitingForNode(TRIED, NOW + 5, None), SHOWN, NOW) == Pending(TRIED)


def test_only_another_device_ends_the_wait_for_one() -> None:
    waiting = EACH_STATE[4]

    assert wake(waiting, {"interfaces": [{"name": "eth1", "mtu": 9000}, {"name": "eth0"}]}, NOW) is waiting
    assert wake(waiting, {"interfaces": [{"name": "eth0"}, {"name": "eth2"}]}, NOW) == Pending(TRIED)


# Another generation, or another attempt.


@pytest.mark.parametrize(
    ("newest", "stalled", "expected"),
    [
        (WORK, False, News.NOTHING),
        (WORK, True, News.NOTHING),
        (replace(WORK, generation=4), False, News.WORK),
        (replace(WORK, uid="uid-2"), False, News.WORK),
        (replace(WORK, deleting=True), False, News.WORK),
        (replace(WORK, spec=Spec(managed=False)), False, News.WORK),
        (replace(WORK, spec_problem="spec.vlans"), False, News.WORK),
        (replace(WORK, retry_at="now"), False, News.RETRY_MOOT),
        (replace(WORK, retry_at="now"), True, News.WORK),
    ],
)
def test_news_are_what_the_object_asks_for(newest: Work, stalled: bool, expected: News) -> None:
    for progress in EACH_STATE:
        assert news(progress, newest, stalled=stalled) is expected


def test_an_annotation_that_goes_asks_for_nothing() -> None:
    known = Stalled(Attempts(replace(WORK, retry_at="now")))

    assert news(known, WORK, stalled=True) is News.NOTHING


def test_an_annotation_that_is_acknowledged_changes_nothing_else() -> None:
    newest = replace(WORK, retry_at="now")
    for progress in EACH_STATE:
        found = acknowledged(progress, newest)
        assert type(found) is type(progress)
        assert found.attempts == replace(TRIED, work=newest)
        assert due_at(found) == due_at(progress)


def status(reason: str | None = None, **fields: Any) -> Status:
    """What an earlier agent said of WORK."""
    stalled = (
        []
        if reason is None
        else [{"type": "Stalled", "status": "True", "reason": reason, "message": "", "lastTransitionTime": MOMENT}]
    )
    return Status.model_validate({"observedGeneration": 3, "conditions": stalled, **fields})


def applied(outcome: str | None, generation: int = 3) -> LastApply:
    return LastApply(generation=generation, desired_hash="", start_time=MOMENT, attempts=4, outcome=outcome)


NOBODY: Final = Pending(Attempts(Work("", 0, False, Spec(), None, None)))


def first_seen(newest: Work, said: Status) -> Progress:
    return begin(NOBODY, newest, said, NOW, 0.5)


def test_a_generation_that_nobody_spoke_of_is_pending() -> None:
    assert first_seen(replace(WORK, generation=4), status("InvalidDesiredState")) == Pending(
        Attempts(replace(WORK, generation=4))
    )


@pytest.mark.parametrize("reason", ["InvalidDesiredState", "ConnectivityLost", "DriftFought", "Drifted"])
def test_what_stalled_with_an_earlier_agent_is_stalled(reason: str) -> None:
    assert first_seen(WORK, status(reason)) == Stalled(FRESH)


def test_what_was_tried_slowly_by_an_earlier_agent_is_tried_slowly() -> None:
    found = first_seen(WORK, status("AttemptsExhausted", lastApply=applied("ApplyFailed")))

    assert found == Exhausted(replace(FRESH, failures=4), NOW + SLOW_RETRY_SECONDS)


def test_a_deleted_object_is_pending_whatever_was_said_of_it() -> None:
    newest = replace(WORK, deleting=True)

    assert first_seen(newest, status("ConnectivityLost")) == Pending(Attempts(newest))


def test_a_spec_that_an_earlier_agent_could_not_read_is_tried_when_this_one_can() -> None:
    unreadable = replace(WORK, spec_problem="spec.vlans")

    assert first_seen(WORK, status("UnreadableSpec")) == Pending(FRESH)
    assert first_seen(unreadable, status("UnreadableSpec")) == Stalled(Attempts(unreadable))


@pytest.mark.parametrize(
    ("last", "failures"),
    [
        (None, 0),
        (applied("Configured"), 0),
        (applied("ApplyFailed", generation=2), 0),
        (applied("ApplyFailed"), 4),
        (applied(None), 4),
        (applied("NetworkManagerUnavailable"), 3),
        (applied("NetworkManagerBusy"), 3),
        (applied("NmstateStuck"), 3),
    ],
)
def test_failures_of_an_earlier_agent_count(last: LastApply | None, failures: int) -> None:
    assert first_seen(WORK, status(lastApply=last)) == Pending(replace(FRESH, failures=failures))


def test_a_retry_that_an_earlier_agent_did_not_get_to_is_made() -> None:
    newest = replace(WORK, retry_at="now")

    asked = first_seen(newest, status("ConnectivityLost", lastHandledRetryAt="before"))
    handled = first_seen(newest, status("ConnectivityLost", lastHandledRetryAt="now"))
    assert asked == Pending(Attempts(newest, retry_requested=True))
    assert handled == Stalled(Attempts(newest))


def test_a_retry_starts_the_count_over() -> None:
    newest = replace(WORK, retry_at="now")

    assert begin(Stalled(TRIED), newest, status("ConnectivityLost"), NOW, 0.5) == Pending(
        Attempts(newest, retry_requested=True)
    )


def test_another_spec_by_the_same_generation_is_tried_whatever_was_said() -> None:
    restored = replace(WORK, spec=Spec(managed=False))

    found = begin(Stalled(TRIED), restored, status("ConnectivityLost"), NOW, 0.5)

    assert found == Pending(Attempts(restored, retry_requested=True))
