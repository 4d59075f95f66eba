"""Whatever happens, in whatever order: a change is whole or not there, and in the end the object says the truth."""

import os
import sys
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from nmstate_controller.controller.drift import CORRECTIONS
from nmstate_controller.controller.progress import ATTEMPTS
from nmstate_controller.node.journal import Phase
from tests.unit.apiserver import Json
from tests.unit.controller.world import (
    API_ERRORS,
    API_STEPS,
    CHANGE_STEPS,
    CUT,
    EDITS,
    ENDS,
    INCIDENTS,
    LIBRARY_ERRORS,
    LIBRARY_STEPS,
    REFUSED,
    UNVERIFIABLE,
    World,
)

SETTLING_SECONDS: Final = 300.0
"""What is wrong for a while is waited for a minute at most, and so is the next look at the node; a call may hang."""

QUIET_SECONDS: Final = 130.0


PAUSES: Final = st.sampled_from([0.05, 0.25, 1.0, 5.0, 70.0, None])
"""Seconds until something else happens; None is until all is at rest."""

SPECS: Final = st.sampled_from([*EDITS, *["cuts off", "1400", "1300"] * 2])
AMBUSHES: Final = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(CHANGE_STEPS), st.sampled_from(ENDS)),
        st.tuples(st.sampled_from([*CHANGE_STEPS, *API_STEPS]), st.sampled_from([*EDITS, *INCIDENTS])),
        st.tuples(st.sampled_from(LIBRARY_STEPS), st.sampled_from(list(LIBRARY_ERRORS))),
        st.tuples(st.sampled_from(API_STEPS), st.sampled_from(list(API_ERRORS))),
    ),
    max_size=3,
)
"""At which step what happens, or which error it ends with."""

Verdict = tuple[str, str, str | None]


class Anything(RuleBasedStateMachine):
    """Things happen, at once or in the middle of something else; in between there is time, and sometimes rest."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.passes(5.0)

    @rule(what=SPECS, during=AMBUSHES, seconds=PAUSES)
    def edited(self, what: str, during: list[tuple[str, str]], seconds: float | None) -> None:
        self.happens(what, during, seconds)

    @rule(what=st.sampled_from(list(INCIDENTS)), during=AMBUSHES, seconds=PAUSES)
    def happens(self, what: str, during: list[tuple[str, str]], seconds: float | None) -> None:
        self.world.ambushes.update(during)
        self.world.happens(what)
        if seconds is None:
            self.rests()
        else:
            self.world.passes(seconds)

    def rests(self) -> None:
        """No more faults, and time for what is under way to come to its end."""
        world = self.world
        world.ambushes.clear()
        world.api_comes()
        world.probes_mend()
        world.tmpfs_has_room()
        if world.library.away:
            world.manager_restarts()
        world.passes(SETTLING_SECONDS)
        applied, written = len(world.library.applied), world.server.count("update")
        exhausted = ("True", "AttemptsExhausted")
        tries_slowly = world.server.condition("Stalled") == exhausted
        world.passes(QUIET_SECONDS)
        if not tries_slowly:
            assert len(world.library.applied) == applied, "the node is still being changed"
            assert world.server.count("update") <= written + 1, "more than a heartbeat is written"
        elif world.server.condition("Stalled") != exhausted:
            # One of those attempts is under way, the next is far.
            world.passes(SETTLING_SECONDS)
        whole(world)
        true(world)
        world.touched &= world.server.condition("Ready") != ("True", "Configured")

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.rests()
        finally:
            self.world.close()


def whole(world: World) -> None:
    """The node is what it was or what was asked, and nothing is under way."""
    library, note = world.library, world.journal.note
    eth1, eth2 = (library.interfaces[name]["mtu"] for name in ("eth1", "eth2"))
    assert eth1 == eth2 or world.torn, "a change was made by half"
    assert eth1 not in (CUT, REFUSED, UNVERIFIABLE), "a change stays that must not"
    assert library.pending is None, "a checkpoint is left"
    assert library.profiles == library.disk, "a change would not outlast a reboot"
    assert note is None or note.phase is Phase.ROLLED_BACK, f"a note is left: {note}"


def true(world: World) -> None:
    """The object speaks of the newest generation, and says what is so."""
    found = world.server.object
    assert found is not None, "there is no object"
    metadata, spec, status = (found[part] for part in ("metadata", "spec", "status"))
    assert "deletionTimestamp" not in metadata
    generation = metadata["generation"]
    conditions = {one["type"]: one for one in status["conditions"]}
    assert status["observedGeneration"] == generation
    assert {one["observedGeneration"] for one in conditions.values()} == {generation}
    assert "Reconciling" not in conditions
    assert conditions["Reporting"]["reason"] == "Reported"
    assert mtus(status["currentState"]["interfaces"]) == mtus(list(world.library.interfaces.values()))
    if spec.get("desiredState") is None and spec.get("managed") is not False:
        assert "revertState" not in status
        assert not metadata.get("finalizers")
    ready, stalled = conditions["Ready"], conditions.get("Stalled")
    verdict = (ready["status"], ready["reason"], stalled and stalled["reason"])
    assert verdict in outcomes(world, found), f"{verdict}: {ready['message']}"


def outcomes(world: World, found: Json) -> set[Verdict]:
    """What may be said: status and reason of Ready, and the reason of Stalled."""
    spec = found["spec"]
    desired = (spec.get("desiredState") or {}).get("interfaces", [])
    met = all(is_met(world, one) for one in desired)
    if len({one["name"] for one in desired}) < len(desired):
        return {("False", "InvalidDesiredState", "InvalidDesiredState")}
    if spec.get("managed") is False:
        return {(str(met), "Unmanaged", None)}
    if not desired:
        return {("True", "NothingDesired", None)}
    left_different = found["status"].get("lastApply", {}).get("residual")
    fitting: set[Verdict] = {("True", "Configured", None)} if met or left_different else set()
    return fitting | {("False", *why) for why in failures(world, {one.get("mtu") for one in desired}, found)}


def failures(world: World, values: set[Any], found: Json) -> Iterator[tuple[str, str | None]]:
    """Why a node need not run a document with those mtus: reasons of Ready and of Stalled."""
    about = found["metadata"]["uid"], found["metadata"]["generation"]
    if REFUSED in values or "invalid" in world.causes:
        yield "InvalidDesiredState", "InvalidDesiredState"
    if any(attempt[:2] == about for attempt in world.lost):
        yield "ConnectivityLost", "ConnectivityLost"
    if UNVERIFIABLE in values or len(world.causes) >= ATTEMPTS:
        for reason in ("VerificationFailed", "ApplyFailed", "JournalFailed", "ApiUnavailable"):
            yield reason, "AttemptsExhausted"
    if found["spec"].get("driftPolicy") == "Report" and world.touched:
        yield "Drifted", "Drifted"
    if len(world.causes) >= CORRECTIONS:
        yield "Drifted", "DriftFought"


def is_met(world: World, wanted: Json) -> bool:
    found = world.library.interfaces.get(wanted["name"])
    if wanted.get("state") == "absent":
        return found is None
    return found is not None and all(found.get(key) == value for key, value in wanted.items())


def mtus(interfaces: list[Json]) -> dict[str, Any]:
    return {one["name"]: one.get("mtu") for one in interfaces}


soak = bool(os.environ.get("SOAK"))
TestAnything = Anything.TestCase
TestAnything.settings = settings(
    max_examples=2000 if soak else 60,
    stateful_step_count=40 if soak else 25,
    derandomize=not soak,
    database=None,
    report_multiple_bugs=False,
)
