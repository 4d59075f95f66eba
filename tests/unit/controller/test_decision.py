"""Whether the node may be changed, for every combination of what the decision is made from."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple

import pytest

from nmstate_controller.api.models import Condition, Difference, Metadata, NodeNetworkState, Spec, State
from nmstate_controller.controller.actions import (
    Action,
    Apply,
    CheckSaved,
    CompareReport,
    ConfirmInSync,
    Fail,
    MarkInSync,
    Observe,
    Recover,
    ReleaseFinalizer,
    ReportDrift,
    ReportUnmanaged,
    SettleIdle,
    UpdateRetained,
    Wait,
)
from nmstate_controller.controller.decision import Findings, World, decide
from nmstate_controller.controller.goal import Goal
from nmstate_controller.controller.progress import (
    Attempts,
    Backoff,
    Exhausted,
    Pending,
    Progress,
    Settled,
    Stalled,
    WaitingForDevice,
    WaitingForNode,
    Work,
)
from nmstate_controller.errors import ConnectivityLost, DriftFought, UnreadableSpec
from nmstate_controller.node.journal import ChangeRecord, Phase
from nmstate_controller.node.kernel.snapshot import KernelSnapshot
from nmstate_controller.node.networkmanager.snapshot import ManagerSnapshot

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
MTU: Final[State] = {"interfaces": [{"name": "eth1", "mtu": 1400}]}
ORIGINALS: Final[State] = {"interfaces": [{"name": "eth2", "mtu": 1500}]}
SHOWN: Final[State] = {"interfaces": [{"name": "eth1", "mtu": 1500}]}
LEFT: Final = Difference(path="interfaces[eth1].description", desired="a", current="b")
FOUND: Final = Difference(path="interfaces[eth1].mtu", desired=1400, current=1500)

UID, GENERATION, RETRY_AT = "uid-1", 3, "now"
BOOLEANS: Final = (False, True)


def goal(desired: State, document: State, *, deleting: bool = False) -> Goal:
    return Goal(desired, document, "fingerprint", document != desired, deleting)


GOALS: Final = (
    goal({}, {}),
    goal(MTU, MTU),
    goal({}, ORIGINALS),
    goal({}, {}, deleting=True),
    goal({}, ORIGINALS, deleting=True),
)


def subject(*, managed: bool, policy: str, problem: str | None, deleting: bool) -> NodeNetworkState:
    return NodeNetworkState(
        metadata=Metadata(
            name="node01",
            uid=UID,
            generation=GENERATION,
            annotations={"nmstate.io/retry-at": RETRY_AT},
            deletion_timestamp=NOW if deleting else None,
        ),
        spec=Spec.model_validate({"managed": managed, "driftPolicy": policy}),
        spec_problem=problem,
    )


SUBJECTS: Final = {
    deleting: [
        subject(managed=managed, policy=policy, problem=problem, deleting=deleting)
        for managed, policy, problem in itertools.product(BOOLEANS, ("Correct", "Report"), (None, "spec.vlans"))
    ]
    for deleting in BOOLEANS
}


def record(phase: Phase, *, generation: int = GENERATION, retry_at: str | None = RETRY_AT) -> ChangeRecord:
    return ChangeRecord(
        uid=UID,
        generation=generation,
        retry_at=retry_at,
        phase=phase,
        document=MTU,
        before=SHOWN,
        manager=ManagerSnapshot(owner=""),
        kernel=KernelSnapshot(),
        since=0,
        timeout=60,
        message="gateway: no answer",
    )


CUT_OFF: Final = record(Phase.ROLLED_BACK)
UNFINISHED: Final = (record(Phase.TRIAL), record(Phase.COMMITTED))
JOURNALS: Final = (
    None,
    *UNFINISHED,
    CUT_OFF,
    record(Phase.ROLLED_BACK, retry_at="earlier"),
    record(Phase.ROLLED_BACK, generation=GENERATION - 1),
)


def condition(status: str, reason: str) -> Condition:
    return Condition.model_validate(
        {"type": "Ready", "status": status, "reason": reason, "message": "", "lastTransitionTime": NOW}
    )


READY: Final = (
    None,
    condition("True", "Configured"),
    condition("True", "Unmanaged"),
    condition("False", "Drifted"),
    condition("False", "ApplyFailed"),
)

REPORT: Final = Findings(shown=SHOWN)
FRESH: Final = Findings(shown=SHOWN, fresh=True)
REPORTS: Final = (
    Findings(),
    REPORT,
    replace(REPORT, differences=[LEFT]),
    replace(REPORT, differences=[LEFT, FOUND]),
)
"""What is known of the node by a report from before this reconcile."""
SEEN: Final = (
    replace(FRESH, differences=[LEFT]),
    replace(FRESH, differences=[LEFT], saved=False),
    replace(FRESH, differences=[LEFT], saved=True),
    replace(FRESH, differences=[LEFT, FOUND]),
    replace(FRESH, differences=[LEFT, FOUND], applied=True),
)
"""What is known by what the node showed in it."""
HISTORIES: Final = ((False, False), (False, True), (True, True))
"""Whether the node was configured to this document, and whether that was the last one."""


class Case(NamedTuple):
    world: World
    progress: Progress
    action: Action


def pending(*, retry: bool = False) -> Pending:
    return Pending(attempts(retry=retry))


def attempts(*, retry: bool = False) -> Attempts:
    return Attempts(Work(UID, GENERATION, False, Spec(), None, RETRY_AT), retry_requested=retry)


PENDING: Final = (pending(), pending(retry=True))
SETTLED: Final = Settled(attempts())


def subjects_and_goals() -> Iterator[tuple[NodeNetworkState, Goal]]:
    for asked in GOALS:
        for found in SUBJECTS[asked.deleting]:
            yield found, asked


def found_so_far(stages: tuple[Findings, ...]) -> list[Findings]:
    return [replace(stage, recovered=recovered) for stage in stages for recovered in BOOLEANS]


def world(**facts: Any) -> World:
    """A node that was configured, has drifted, and of which nothing is known yet in this reconcile."""
    usual: dict[str, Any] = {
        "subject": SUBJECTS[False][4],
        "goal": GOALS[1],
        "found": REPORT,
        "new_report": True,
        "journal": None,
        "ready": READY[1],
        "stalled": False,
        "stopping": False,
        "corrections_left": True,
        "in_sync": False,
        "was_configured": True,
        "ran_last": True,
        "residual": [LEFT],
    }
    return World(**{**usual, **facts})


def due(every: int = 1) -> Iterator[Case]:
    """All combinations while an attempt is due, or one in so many."""
    combinations = itertools.product(
        list(subjects_and_goals()),
        JOURNALS,
        found_so_far(REPORTS + SEEN),
        BOOLEANS,
        BOOLEANS,
        BOOLEANS,
        HISTORIES,
    )
    for combination in itertools.islice(combinations, 0, None, every):
        (newest, asked), journal, found, stopping, left, in_sync, (configured, last) = combination
        facts = World(
            newest, asked, found, True, journal, None, False, stopping, left, in_sync, configured, last, [LEFT]
        )
        for progress in PENDING:
            yield Case(facts, progress, decide(facts, progress))


def over(every: int = 1) -> Iterator[Case]:
    """All combinations once the attempts have ended and there is a new report, or one in so many."""
    stages = (*REPORTS[1:], SEEN[0], SEEN[3])
    found_by_now = [replace(found, retained_updated=updated) for found in found_so_far(stages) for updated in BOOLEANS]
    combinations = itertools.product(
        list(subjects_and_goals()), JOURNALS, found_by_now, READY, BOOLEANS, BOOLEANS, BOOLEANS
    )
    for combination in itertools.islice(combinations, 0, None, every):
        (newest, asked), journal, found, ready, stalled, stopping, left = combination
        facts = World(newest, asked, found, True, journal, ready, stalled, stopping, left, False, True, True, [LEFT])
        yield Case(facts, SETTLED, decide(facts, SETTLED))


def is_same(one: Action, other: Action) -> bool:
    """Two errors are never equal, but may say the same."""
    return repr(one) == repr(other)


@cache
def changes() -> list[Case]:
    """All in which the node is changed."""
    return [case for case in itertools.chain(due(), over()) if isinstance(case.action, Apply)]


# Safety: when the node is never changed.


def test_the_node_is_changed_in_some_combinations_in_each_way() -> None:
    """Else the rules below would say nothing."""
    kinds = {(type(case.progress), case.action) for case in changes()}
    assert kinds == {(Pending, Apply(False)), (Pending, Apply(True)), (Settled, Apply(True))}


def test_a_node_that_is_not_managed_is_never_changed() -> None:
    assert not [case for case in changes() if not case.world.subject.spec.managed]


def test_an_agent_that_is_stopping_never_changes_the_node() -> None:
    assert not [case for case in changes() if case.world.stopping]


def test_a_deleted_object_changes_the_node_only_to_revert() -> None:
    deleted = [case.world.goal for case in changes() if case.world.goal.deleting]
    assert deleted
    assert all(asked.document == ORIGINALS for asked in deleted)


def test_an_object_that_asks_nothing_never_changes_the_node() -> None:
    assert not [case for case in changes() if not case.world.goal.document]


def test_a_report_from_before_this_reconcile_never_changes_the_node() -> None:
    assert not [case for case in changes() if not case.world.found.fresh or case.world.found.differences is None]


def test_an_attempt_that_cut_the_node_off_is_never_made_again() -> None:
    assert not [case for case in changes() if case.world.journal is CUT_OFF]


def test_another_attempt_may_be_made_after_one_that_cut_the_node_off() -> None:
    other = JOURNALS[4:]
    assert {id(case.world.journal) for case in changes()} >= {id(journal) for journal in other}


def test_an_unfinished_change_is_recovered_before_the_node_is_changed() -> None:
    unfinished = [case for case in changes() if case.world.journal in UNFINISHED]
    assert unfinished
    assert all(case.world.found.recovered for case in unfinished)


def test_an_unfinished_change_is_recovered_before_the_node_is_even_read_for_an_attempt() -> None:
    for world, _, action in due():
        if world.journal in UNFINISHED and not world.found.recovered and not world.found.applied:
            assert action == Recover()


def test_an_unfinished_change_is_recovered_before_drift_is_looked_for() -> None:
    for world, _, action in over():
        if world.journal in UNFINISHED and not world.found.recovered and not world.stalled:
            assert action == Recover()


def test_a_spec_that_cannot_be_read_never_changes_the_node() -> None:
    assert not [case for case in changes() if case.world.subject.spec_problem is not None]


def test_drift_is_never_corrected_when_the_policy_is_to_report_it() -> None:
    reported = [case for case in changes() if case.world.subject.spec.drift_policy == "Report"]
    assert not [case for case in reported if case.action == Apply(True)]
    # What remains is a document that has not had its turn, is asked for again, or is on no disk.
    assert all(
        not case.world.was_configured or case.progress == PENDING[1] or not case.world.differs for case in reported
    )


def test_drift_is_never_corrected_once_it_is_a_fight() -> None:
    assert not [case for case in changes() if case.action == Apply(True) and not case.world.corrections_left]


def test_drift_is_never_corrected_before_a_generation_was_configured() -> None:
    corrections = [case for case in changes() if isinstance(case.progress, Settled)]
    assert all(case.world.ready is READY[1] for case in corrections)


def test_drift_is_never_corrected_once_the_revert_of_a_deleted_object_has_ended() -> None:
    assert not [case for case in changes() if isinstance(case.progress, Settled) and case.world.goal.deleting]


def test_what_a_verified_apply_left_different_is_no_drift() -> None:
    assert not [case for case in changes() if case.action == Apply(True) and case.world.found.differences == [LEFT]]


def test_the_last_check_before_a_change_holds_these_rules_without_the_rows_before_it() -> None:
    for world, *_ in due():
        found, newest, asked = world.found, world.subject, world.goal
        forbidden = (
            not newest.spec.managed
            or world.stopping
            or not asked.document
            or not found.fresh
            or newest.spec_problem is not None
            or world.journal is CUT_OFF
            or (world.journal in UNFINISHED and not found.recovered)
        )
        assert world.may_change is not forbidden


@pytest.mark.parametrize(
    "progress",
    [
        Backoff(attempts(), 1.0),
        Exhausted(attempts(), 1.0),
        WaitingForNode(attempts(), 1.0, None),
        WaitingForDevice(attempts(), 1.0, frozenset()),
    ],
)
def test_while_something_is_waited_for_nothing_is_done(progress: Progress) -> None:
    for case in due(every=7):
        assert decide(case.world, progress) == Wait()


def test_without_a_new_report_there_is_no_drift() -> None:
    for case in over(every=7):
        assert decide(replace(case.world, new_report=False), SETTLED) == Wait()


def test_a_stalled_generation_is_watched_like_a_settled_one() -> None:
    for case in over(every=7):
        assert is_same(decide(case.world, Stalled(attempts())), case.action)


def test_inputs_that_are_left_out_above_make_no_difference() -> None:
    """What an attempt does not ask for is in the other table, and the other way round."""
    chosen = random.Random(1)
    for world, progress, action in due(every=97):
        other = replace(world, new_report=chosen.random() < 0.5, ready=chosen.choice(READY), stalled=True)
        assert is_same(decide(other, progress), action)
    for world, progress, action in over(every=97):
        other = replace(world, in_sync=chosen.random() < 0.5, was_configured=False, ran_last=chosen.random() < 0.5)
        assert is_same(decide(other, progress), action)


# A question is asked once: with its answer the turn goes on.


def answered(action: Action, found: Findings) -> Findings | None:
    match action:
        case Recover():
            return replace(found, recovered=True)
        case UpdateRetained():
            return replace(found, retained_updated=True)
        case CompareReport():
            return replace(found, differences=[FOUND])
        case Observe():
            return replace(found, shown=SHOWN, fresh=True, differences=[LEFT])
        case CheckSaved():
            return replace(found, saved=False)
        case Apply(correction=False):
            return replace(found, applied=True)
        case _:
            return None


def test_no_question_is_asked_twice() -> None:
    for world, progress, action in itertools.chain(due(every=5), over(every=5)):
        found = answered(action, world.found)
        if found is not None:
            assert type(decide(replace(world, found=found), progress)) is not type(action)


def turn(start: World, progress: Progress, *answers: Findings) -> list[Action]:
    """The actions of a turn in which these are the findings one after another."""
    return [decide(replace(start, found=found), progress) for found in answers]


RECOVERED: Final = Findings(recovered=True)
SAME: Final = Findings(shown=SHOWN, fresh=True, differences=[LEFT], recovered=True)
DIFFERENT: Final = Findings(shown=SHOWN, fresh=True, differences=[FOUND], recovered=True)


def test_a_new_document_is_applied_to_a_node_that_was_read_just_now() -> None:
    new = world(was_configured=False, ran_last=False)
    applied = replace(DIFFERENT, applied=True)
    assert turn(new, pending(), Findings(), RECOVERED, DIFFERENT, applied) == [
        Recover(),
        Observe(),
        Apply(correction=False),
        ReleaseFinalizer(),
    ]


def test_a_document_that_the_node_runs_but_never_was_configured_to_is_applied() -> None:
    assert decide(world(found=SAME, was_configured=False, ran_last=False), pending()) == Apply(correction=False)


def test_a_node_that_runs_what_is_asked_from_disk_is_left() -> None:
    assert turn(world(), pending(), SAME, replace(SAME, saved=True)) == [CheckSaved(), MarkInSync(known=False)]


def test_a_node_that_runs_what_is_asked_from_memory_only_is_changed() -> None:
    assert decide(world(found=replace(SAME, saved=False)), pending()) == Apply(correction=False)


def test_a_node_that_is_known_to_run_what_is_asked_is_not_even_read() -> None:
    assert decide(world(found=RECOVERED, in_sync=True), pending()) == MarkInSync(known=True)


def test_drift_is_corrected_once_the_node_shows_it_as_well() -> None:
    updated = replace(REPORT, retained_updated=True)
    drifted = replace(updated, differences=[FOUND])
    fresh = replace(drifted, fresh=True)
    assert turn(world(), SETTLED, REPORT, updated, drifted, fresh) == [
        UpdateRetained(),
        CompareReport(),
        Observe(),
        Apply(correction=True),
    ]


def test_drift_that_is_gone_when_the_node_is_read_is_left() -> None:
    found = replace(FRESH, differences=[LEFT], retained_updated=True)
    assert decide(world(found=found), SETTLED) == Wait()


def test_a_report_without_drift_confirms_the_node() -> None:
    found = replace(REPORT, differences=[LEFT], retained_updated=True)
    assert decide(world(found=found), SETTLED) == ConfirmInSync()


def test_drift_is_reported_when_the_policy_says_so() -> None:
    newest = subject(managed=True, policy="Report", problem=None, deleting=False)
    assert decide(world(subject=newest, found=DIFFERENT), pending()) == ReportDrift()


def test_drift_is_corrected_at_the_retry_whatever_the_policy() -> None:
    newest = subject(managed=True, policy="Report", problem=None, deleting=False)
    assert decide(world(subject=newest, found=DIFFERENT), pending(retry=True)) == Apply(correction=False)


def test_a_node_that_is_not_managed_is_compared_and_reported() -> None:
    newest = subject(managed=False, policy="Correct", problem=None, deleting=False)
    assert turn(world(subject=newest), pending(), RECOVERED, DIFFERENT) == [Observe(), ReportUnmanaged()]


def test_a_node_that_is_not_managed_is_compared_with_each_report() -> None:
    newest = subject(managed=False, policy="Correct", problem=None, deleting=False)
    updated = replace(REPORT, retained_updated=True)
    for differences in ([], [FOUND]):
        compared = replace(updated, differences=differences)
        assert turn(world(subject=newest, ready=READY[2]), SETTLED, updated, compared) == [
            CompareReport(),
            ReportUnmanaged(),
        ]


def test_a_generation_that_failed_is_not_watched() -> None:
    assert decide(world(ready=READY[4]), SETTLED) == Wait()


def test_a_document_that_another_has_replaced_since_is_applied_whatever_the_policy() -> None:
    newest = subject(managed=True, policy="Report", problem=None, deleting=False)
    assert decide(world(subject=newest, found=DIFFERENT, was_configured=False), pending()) == Apply(correction=False)


def test_an_object_that_asks_nothing_is_settled() -> None:
    assert decide(world(goal=GOALS[0], found=RECOVERED), pending()) == SettleIdle()


def test_what_cannot_be_done_fails_with_its_reason() -> None:
    unreadable = subject(managed=True, policy="Correct", problem="spec.vlans", deleting=False)
    failures = [
        decide(world(found=RECOVERED, journal=CUT_OFF), pending()),
        decide(world(found=RECOVERED, subject=unreadable), pending()),
        decide(world(found=DIFFERENT, corrections_left=False), pending()),
    ]
    errors = [action.error for action in failures if isinstance(action, Fail)]
    assert [type(error) for error in errors] == [ConnectivityLost, UnreadableSpec, DriftFought]
    assert str(errors[0]) == "gateway: no answer"
    assert str(errors[2]).endswith("; differs at interfaces[eth1].mtu")
