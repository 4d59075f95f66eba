"""A change that cuts the node off undoes itself, whatever ends in the middle of it; drift is corrected, or told."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from libnmstate import error as libnmstate_error

from nmstate_controller.cluster.client import Client
from nmstate_controller.controller.drift import CORRECTIONS
from nmstate_controller.controller.trial_document import on_disk_only, on_trial, with_absent_peers
from nmstate_controller.errors import NetworkManagerUnavailable
from tests.unit.apiserver import ApiServer, answer
from tests.unit.controller.test_loop import Loop, loop, mtu
from tests.unit.library import Library, State

__all__ = ["loop"]

BRIDGE = {"name": "br1", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "eth1"}]}}


def message(server: ApiServer, kind: str = "Ready") -> str:
    """What a condition says."""
    return next(str(found["message"]) for found in server.status["conditions"] if found["type"] == kind)


def full(directory: Path) -> None:
    """Have the file system of the journal refuse to store anything more."""
    (directory / "change.new").mkdir(exist_ok=True)


def with_room(directory: Path) -> None:
    """Have it store again."""
    (directory / "change.new").rmdir()


async def looked(loop: Loop) -> None:
    """Have the node looked at, and what comes of it written."""
    await loop.reporter.look()
    await loop.status_writer.flush(20)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what no request to the apiserver tells of."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.005)


def corrections(loop: Loop) -> float:
    """How often drift was corrected."""
    return loop.metrics.registry.get_sample_value("nmstate_controller_drift_corrections_total") or 0.0


async def test_a_change_is_in_memory_until_it_is_proven_and_then_on_disk(loop: Loop) -> None:
    on_disk_while_proving: list[Any] = []

    def look() -> None:
        on_disk_while_proving.append(loop.library.disk["eth1"]["mtu"])

    loop.probes.missing = look
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 2)

    assert on_disk_while_proving == [1500]
    assert loop.library.disk["eth1"]["mtu"] == 1400
    assert loop.server.status["lastApply"]["persisted"] is True
    assert loop.library.pending is None
    assert loop.transaction.journal.note is None


async def test_a_change_that_cannot_be_ended_yet_is_settled_at_the_pace_of_the_back_off(loop: Loop) -> None:
    """The look at the node that follows the failure is no news that calls for another attempt."""
    asked: list[str] = []

    async def refuse(what: str) -> None:
        if loop.library.applied and what != "new checkpoint":
            asked.append(what)
            raise NetworkManagerUnavailable("NetworkManager does not answer")

    loop.manager.steps = refuse
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "NetworkManagerUnavailable", 2)
    for _ in range(100):
        await asyncio.sleep(0.001)
    assert asked == ["is pending"]

    loop.manager.steps = lambda _: asyncio.sleep(0)
    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)


async def test_what_cuts_the_node_off_is_undone_and_never_tried_again(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        first.probes.missing = lambda: "gateway: no answer to ICMP or ARP from 10.0.0.1 on eth1"
        await server.edit(mtu(1400))
        await first.ready("False", "ConnectivityLost", 2)
        assert library.interfaces["eth1"]["mtu"] == 1500
        assert server.condition("Stalled") == ("True", "ConnectivityLost")
        assert "10.0.0.1" in message(server)
        await server.until(lambda: bool(server.events))
        assert [event["reason"] for event in server.events.values()] == ["ConnectivityLost"]
        first.clock.advance(10_000)
        await looked(first)
    async with Loop(server, client, library, tmp_path).running() as second:
        await server.until(lambda: server.count("watch") == 2)
        second.clock.advance(10_000)
        await looked(second)
        assert len(library.applied) == 1

        await server.edit(mtu(1300))
        await second.ready("True", "Configured", 3)


async def test_a_verdict_that_could_not_be_written_is_kept_for_the_next_agent(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        await first.status_writer.flush(20)
        first.probes.missing = lambda: "apiServer: no answer"
        server.faults["update"] = [answer(503) for _ in range(1000)]
        await server.edit(mtu(1400))
        async with first.passing_time():
            await until(
                lambda: first.transaction.journal.note is not None and first.transaction.journal.note.phase == "lost"
            )
    server.faults.clear()
    async with Loop(server, client, library, tmp_path).running() as second:
        await second.ready("False", "ConnectivityLost", 2)

    assert len(library.applied) == 1
    assert library.interfaces["eth1"]["mtu"] == 1500


async def test_an_annotation_asks_for_another_attempt_after_connectivity_was_lost(loop: Loop) -> None:
    loop.probes.missing = lambda: "dns: no answer"
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "ConnectivityLost", 2)

    loop.probes.missing = lambda: None
    await loop.server.touch({"nmstate.io/retry-at": "noon"})

    await loop.ready("True", "Configured", 2)


async def test_taking_the_annotation_away_asks_for_nothing(server: ApiServer, client: Client, tmp_path: Path) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        first.probes.missing = lambda: "dns: no answer"
        await server.edit(mtu(1400))
        await first.ready("False", "ConnectivityLost", 2)
        await server.touch({"nmstate.io/retry-at": "noon"})
        await server.until(lambda: server.status.get("lastHandledRetryAt") == "noon")
        await first.ready("False", "ConnectivityLost", 2)
        assert len(library.applied) == 2

        await server.touch()
        await looked(first)
    async with Loop(server, client, library, tmp_path).running() as second:
        await server.until(lambda: server.count("watch") == 2)
        await looked(second)

    assert len(library.applied) == 2


async def test_probes_that_recovered_are_not_held_against_a_change_that_could_not_be_kept(loop: Loop) -> None:
    """The link was bounced, the probes passed in the end, and NetworkManager was busy just then."""
    answers = ["gateway: no answer", None]
    loop.probes.missing = lambda: answers.pop(0) if answers else None
    loop.probes.patience = 1

    async def busy(what: str) -> None:
        if what == "is pending" and loop.library.applied and not answers:
            loop.manager.steps = lambda _: asyncio.sleep(0)
            raise NetworkManagerUnavailable("NetworkManager does not answer within 5 s")

    loop.manager.steps = busy
    await loop.server.edit(mtu(1400))
    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)

    assert loop.library.disk["eth1"]["mtu"] == 1400


async def test_what_cut_the_node_off_and_cannot_be_undone_is_neither_tried_again_nor_called_configured(
    loop: Loop,
) -> None:
    loop.probes.missing = lambda: "dns: no answer"
    loop.manager.restores = False
    # NetworkManager was started anew meanwhile, and has forgotten the checkpoint.
    loop.library.after_apply = loop.library.restart
    await loop.server.edit(mtu(1400))
    async with loop.passing_time():
        await loop.ready("False", "ConnectivityLost", 2)

    assert "rollback incomplete" in message(loop.server)
    tried = [document["interfaces"][0]["mtu"] for document in loop.library.applied]
    assert tried.count(1400) == 1


async def test_an_attempt_asked_for_is_not_forgotten_with_the_agent_that_was_about_to_make_it(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    looking, go_on = threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        assert go_on.wait(20)

    async with Loop(server, client, library, tmp_path).started() as first:
        first.probes.missing = lambda: "dns: no answer"
        await server.edit(mtu(1400))
        await first.ready("False", "ConnectivityLost", 2)
        await looked(first)
        library.show_takes = look
        await server.touch({"nmstate.io/retry-at": "noon"})
        await asyncio.to_thread(looking.wait, 20)
        await first.status_writer.flush(20)
        asyncio.get_running_loop().call_later(0.1, go_on.set)
    library.show_takes = lambda: None
    async with Loop(server, client, library, tmp_path).running() as second:
        await second.ready("True", "Configured", 2)


async def test_an_agent_that_ended_inside_an_apply_is_cleaned_up_after(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        library.released.clear()
        await server.edit(mtu(1400))
        await first.ready("Unknown", "Applying", 2)
        await until(
            lambda: first.transaction.journal.note is not None and first.transaction.journal.note.checkpoint is not None
        )
    assert library.pending is not None
    async with Loop(server, client, library, tmp_path).running() as second:
        await second.ready("True", "Configured", 2)

    assert library.pending is None
    assert not library.overlapped
    assert library.disk["eth1"]["mtu"] == 1400


async def test_a_checkpoint_that_may_be_somebody_elses_is_waited_for(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    library.interfaces["eth1"]["mtu"] = 1450
    before = {"eth1": {"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1500}}
    library.pending = before, before
    async with Loop(server, client, library, tmp_path).started() as loop:
        await server.edit(mtu(1400))
        await loop.ready("False", "NetworkManagerBusy", 2)
        assert library.pending is not None
        library.expire()
        async with loop.passing_time():
            await loop.ready("True", "Configured", 2)


async def test_an_agent_that_ended_while_probes_failed_is_not_followed_by_a_second_outage(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        failing = asyncio.Event()
        first.probes.hang_on = failing
        first.probes.missing = lambda: "gateway: no answer"
        await server.edit(mtu(1400))
        await failing.wait()
    assert library.interfaces["eth1"]["mtu"] == 1400
    async with Loop(server, client, library, tmp_path).running() as second:
        await second.ready("False", "ConnectivityLost", 2)

    assert library.interfaces["eth1"]["mtu"] == 1500
    assert len(library.applied) == 1


async def test_what_came_into_effect_after_its_time_is_not_taken_for_proven(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    """NetworkManager's timer undoes a change while libnmstate is stuck in it, and libnmstate makes it all the same."""
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        library.released.clear()
        await server.edit(mtu(1400))
        await until(
            lambda: first.transaction.journal.note is not None and first.transaction.journal.note.checkpoint is not None
        )
    library.expire()
    library.interfaces["eth1"]["mtu"] = 1400
    async with Loop(server, client, library, tmp_path).running() as second:
        second.probes.missing = lambda: "gateway: no answer" if library.interfaces["eth1"]["mtu"] == 1400 else None
        await second.ready("False", "ConnectivityLost", 2)

    assert library.interfaces["eth1"]["mtu"] == 1500


async def test_a_networkmanager_that_forgot_the_change_is_put_back_by_hand(loop: Loop) -> None:
    def restart() -> None:
        loop.library.restart()
        loop.probes.missing = lambda: None

    loop.probes.missing = restart
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "ApplyFailed", 2)
    assert loop.library.interfaces["eth1"]["mtu"] == 1500

    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)


async def test_a_journal_that_fills_up_while_probes_run_leaves_the_decision_to_them(loop: Loop, tmp_path: Path) -> None:
    def fill() -> str:
        if loop.library.pending is not None:
            full(tmp_path)
        return "gateway: no answer from 10.0.0.1"

    loop.probes.missing = fill
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "ConnectivityLost", 2)
    assert "the node runs what it ran before" in message(loop.server)
    assert loop.library.interfaces["eth1"]["mtu"] == 1500
    assert loop.library.pending is None

    with_room(tmp_path)
    loop.probes.missing = lambda: None
    await loop.server.edit(mtu(1300))
    await loop.ready("True", "Configured", 3)


async def test_what_is_proven_but_cannot_be_noted_is_undone_and_tried_again(loop: Loop, tmp_path: Path) -> None:
    found = ["dns: no answer"]

    def fill_and_pass() -> str | None:
        full(tmp_path)
        return found.pop() if found else None

    loop.probes.missing, loop.probes.patience = fill_and_pass, 1
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "JournalFailed", 2)
    assert "could not be recorded" in message(loop.server)
    assert "the node runs what it ran before" in message(loop.server)
    assert loop.library.interfaces["eth1"]["mtu"] == 1500
    assert loop.library.pending is None

    with_room(tmp_path)
    loop.probes.missing = lambda: None
    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)


async def test_a_change_whose_checkpoint_cannot_be_noted_is_undone(loop: Loop, tmp_path: Path) -> None:
    async def fill(what: str) -> None:
        if what == "new checkpoint":
            full(tmp_path)

    loop.manager.steps = fill
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "JournalFailed", 2)
    assert loop.library.interfaces["eth1"]["mtu"] == 1500
    assert loop.library.pending is None


async def test_a_note_that_cannot_be_made_keeps_the_node_from_being_changed(loop: Loop, tmp_path: Path) -> None:
    full(tmp_path)
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "JournalFailed", 2)
    assert loop.library.applied == []
    assert loop.transaction.journal.note is None


async def test_the_look_for_the_checkpoint_has_ended_before_a_refused_change_is_undone(loop: Loop) -> None:
    steps: list[str] = []

    async def look(what: str) -> None:
        if what == "new checkpoint" and not steps:
            steps.append("looks")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                steps.append("has ended")
        elif what == "restore":
            steps.append("restores")

    loop.manager.steps = look
    loop.library.refuses = lambda _: libnmstate_error.NmstateVerificationError("Verification failure")
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "VerificationFailed", 2)
    assert steps[:3] == ["looks", "has ended", "restores"]


def test_the_ports_of_a_controller_that_goes_are_taken_from_it() -> None:
    before = {
        "interfaces": [
            {"name": "br1", "type": "linux-bridge"},
            {"name": "eth1", "type": "ethernet", "controller": "br1"},
            {"name": "eth2", "type": "ethernet", "controller": "br1"},
            {"name": "eth3", "type": "ethernet", "controller": "br2"},
            {"name": "ovs1", "type": "ovs-interface", "controller": "br1"},
        ]
    }
    gone = {"name": "br1", "state": "absent"}

    trial = on_trial({"interfaces": [gone, {"name": "eth2", "mtu": 1400}], "hostname": {"config": "n"}}, before)

    assert trial == {
        "interfaces": [
            gone,
            {"name": "eth2", "mtu": 1400, "controller": ""},
            {"name": "eth1", "type": "ethernet", "state": "up", "controller": ""},
        ]
    }


def test_a_port_that_goes_to_another_controller_or_goes_down_leaves_the_one_that_goes() -> None:
    before = {
        "interfaces": [
            {"name": "vrf1", "type": "vrf"},
            {"name": "eth1", "type": "ethernet", "controller": "vrf1"},
            {"name": "eth2", "type": "ethernet", "controller": "vrf1"},
        ]
    }
    gone = {"name": "vrf1", "state": "absent"}
    down = {"name": "eth2", "type": "ethernet", "state": "down"}
    document = {"interfaces": [gone, down, {**BRIDGE, "bridge": {"port": [{"name": "eth1"}]}}]}

    _, left, bridge = on_trial(document, before)["interfaces"]

    assert bridge == document["interfaces"][2]
    assert (left["state"], left["controller"]) == ("up", "")
    assert on_disk_only(document) == {"interfaces": [gone, down]}
    assert on_disk_only({"interfaces": [down]}) is None


def test_the_other_end_of_a_veth_pair_goes_with_it() -> None:
    pair = [
        {"name": "veth1", "type": "veth", "state": "up", "veth": {"peer": "veth2"}},
        {"name": "veth2", "type": "veth", "state": "up", "veth": {"peer": "veth1"}},
        {"name": "veth3", "type": "veth", "state": "up", "veth": {"peer": "in-another-namespace"}},
        {"name": "eth1", "type": "veth", "state": "up", "veth": {"peer": "cable"}},
        {"name": "cable", "type": "veth", "state": "ignore", "veth": {"peer": "eth1"}},
    ]
    gone = [{"name": name, "state": "absent"} for name in ("veth1", "veth3", "eth1")]
    before = {"interfaces": pair}

    assert with_absent_peers({"interfaces": gone}, before)["interfaces"] == [
        *gone,
        {"name": "veth2", "type": "veth", "state": "absent"},
    ]
    both = {"interfaces": [*gone, {"name": "veth2", "state": "absent"}]}
    assert with_absent_peers(both, before) == both
    assert with_absent_peers({"routes": {}}, before) == {"routes": {}}


async def test_what_somebody_else_made_is_removed_once_the_node_is_proven_without_it(loop: Loop) -> None:
    hand_made = {**BRIDGE, "state": "ignore", "mtu": 1500, "ipv4": {"enabled": True}}
    loop.library.interfaces["br1"] = hand_made
    loop.library.interfaces["eth1"]["controller"] = "br1"

    def stays(document: State) -> Exception | None:
        absent = [found["name"] for found in document["interfaces"] if found.get("state") == "absent"]
        if not absent or not loop.library.on_trial:
            return None
        said = "VerificationError: Absent/Down interface br1/linux-bridge still found as LinuxBridge(…)"
        return libnmstate_error.NmstateVerificationError(said)

    loop.library.refuses = stays
    await loop.server.edit({"desiredState": {"interfaces": [{"name": "br1", "state": "absent"}]}})
    await loop.ready("True", "Configured", 2)

    _, bare, last = loop.library.applied
    off = {"enabled": False}
    without = {"bridge": {"port": []}, "ipv4": off, "ipv6": off}
    assert bare["interfaces"] == [
        {"name": "br1", "type": "linux-bridge", "state": "up", **without},
        {"name": "eth1", "type": "ethernet", "state": "up", "controller": ""},
    ]
    assert last["interfaces"] == [{"name": "br1", "state": "absent"}]
    assert loop.library.interfaces.keys() == loop.library.disk.keys() == {"eth1"}


async def test_what_networkmanager_leaves_behind_is_removed_again(loop: Loop) -> None:
    await loop.server.edit({"desiredState": {"interfaces": [BRIDGE]}})
    await loop.ready("True", "Configured", 2)
    forgetful = iter((True, True))

    def leave() -> None:
        if next(forgetful, False):
            loop.library.interfaces["br1"] = {**BRIDGE, "mtu": 1500, "state": "ignore"}

    loop.library.after_apply = leave
    await loop.server.edit({"desiredState": {"interfaces": [{"name": "br1", "state": "absent"}]}})
    await loop.ready("True", "Configured", 3)

    assert "br1" not in loop.library.interfaces
    assert "residual" not in loop.server.status["lastApply"]


async def test_what_cannot_be_removed_is_not_called_configured(loop: Loop) -> None:
    await loop.server.edit({"desiredState": {"interfaces": [BRIDGE]}})
    await loop.ready("True", "Configured", 2)

    def leave() -> None:
        loop.library.interfaces["br1"] = {**BRIDGE, "mtu": 1500, "state": "ignore"}

    loop.library.after_apply = leave
    await loop.server.edit({"desiredState": {"interfaces": [{"name": "br1", "state": "absent"}]}})
    await loop.ready("False", "VerificationFailed", 3)

    assert "br1" in message(loop.server)


async def test_what_cannot_be_finished_on_disk_is_not_called_configured(loop: Loop) -> None:
    """As a hostname in a pod: memory proves nothing of it, and libnmstate refuses it when it is written."""

    def refused(document: State) -> Exception | None:
        absent = any(found.get("state") == "absent" for found in document["interfaces"])
        if absent and not loop.library.on_trial:
            return libnmstate_error.NmstateVerificationError("VerificationError: br1 is still there")
        return None

    loop.library.refuses = refused
    await loop.server.edit({"desiredState": {"interfaces": [BRIDGE]}})
    await loop.ready("True", "Configured", 2)
    await loop.server.edit({"desiredState": {"interfaces": [{"name": "br1", "state": "absent"}]}})
    await loop.ready("False", "VerificationFailed", 3)
    assert "br1 is still there" in message(loop.server)

    async with loop.passing_time():
        await loop.server.until(lambda: loop.server.condition("Stalled") == ("True", "AttemptsExhausted"))
    applied = len(loop.library.applied)
    await looked(loop)
    assert len(loop.library.applied) == applied

    # It does not stand in the way of what is asked next, and may be asked for again.
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 4)
    assert loop.library.disk.keys() == {"br1", "eth1"}
    loop.library.refuses = lambda _: None
    loop.library.interfaces["br1"] = loop.library.disk["br1"]
    await loop.server.edit({"desiredState": {"interfaces": [{"name": "br1", "state": "absent"}]}})
    await loop.ready("True", "Configured", 5)
    assert loop.library.disk.keys() == {"eth1"}


async def test_a_device_that_is_gone_for_a_while_is_waited_for(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    port = {"name": "eth2", "type": "ethernet", "state": "up", "mtu": 1500}
    bridge = {**BRIDGE, "bridge": {"port": [{"name": "eth2"}]}}
    library.interfaces["eth2"] = {**port, "controller": "br1"}
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit({"desiredState": {"interfaces": [bridge]}})
        await first.ready("True", "Configured", 2)

        del library.interfaces["eth2"]
        library.interfaces["br1"]["bridge"] = {"port": []}
        await first.reporter.look()
        await first.ready("False", "InvalidDesiredState", 2)
        assert "eth2 does not exist on the node and is not in desiredState" in message(server)
        assert server.condition("Reconciling") == ("True", "Retrying")
        async with first.passing_time():
            await until(lambda: first.clock.monotonic() > 2000)
        assert server.condition("Stalled") in (None, ("False", "Retrying"))
    async with Loop(server, client, library, tmp_path).running() as second:
        await server.until(lambda: server.count("watch") == 2)
        await looked(second)
        library.interfaces["eth2"] = port
        async with second.passing_time():
            await second.ready("True", "Configured", 2)
        assert library.interfaces["br1"]["bridge"] == bridge["bridge"]


async def test_corrections_that_succeeded_are_no_failures_to_the_next_agent(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit(mtu(1400))
        await first.ready("True", "Configured", 2)
        for number in range(1, CORRECTIONS):
            library.interfaces["eth1"]["mtu"] = 1450
            await first.reporter.look()
            await until(lambda number=number: corrections(first) == number)  # type: ignore[misc]
        await first.status_writer.flush(20)
    library.apply_failures = [libnmstate_error.NmstatePluginError("PluginFailure: no")]
    async with Loop(server, client, library, tmp_path).running() as second:
        library.interfaces["eth1"]["mtu"] = 1450
        await second.reporter.look()
        async with second.passing_time():
            await until(lambda: library.interfaces["eth1"]["mtu"] == 1400)
            await looked(second)
        await second.ready("True", "Configured", 2)


async def test_drift_is_corrected(loop: Loop) -> None:
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 2)

    loop.library.interfaces["eth1"]["mtu"] = 1450
    await loop.reporter.look()
    await loop.server.until(lambda: len(loop.server.events) == 3)

    reasons = [event["reason"] for event in loop.server.events.values()]
    assert reasons == ["Applied", "DriftDetected", "DriftCorrected"]
    assert loop.library.interfaces["eth1"]["mtu"] == 1400


async def test_a_link_that_somebody_set_down_is_set_up_again(loop: Loop) -> None:
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 2)

    loop.kernel.links["eth1"] = False
    await looked(loop)
    await loop.server.until(lambda: corrections(loop) == 1)

    assert loop.kernel.links == {"eth1": True}


async def test_a_link_that_was_down_before_a_change_is_down_when_that_is_undone(loop: Loop) -> None:
    loop.kernel.links["eth1"] = False
    loop.probes.missing = lambda: "dns: no answer" if loop.kernel.links["eth1"] else "it was not set up"
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "ConnectivityLost", 2)

    assert "dns: no answer" in message(loop.server)
    assert loop.kernel.links == {"eth1": False}


async def test_drift_is_told_and_left_when_the_policy_says_so(loop: Loop) -> None:
    await loop.server.edit({**mtu(1400), "driftPolicy": "Report"})
    await loop.ready("True", "Configured", 2)

    loop.library.interfaces["eth1"]["mtu"] = 1450
    await loop.reporter.look()
    await loop.ready("False", "Drifted", 2)

    assert loop.server.status["drift"] == [{"path": "interfaces[eth1].mtu", "desired": 1400, "current": 1450}]
    assert len(loop.library.applied) == 1
    sample = loop.metrics.registry.get_sample_value
    assert sample("nmstate_controller_condition", {"type": "Stalled"}) == 1
    assert sample("nmstate_controller_condition", {"type": "Ready"}) == 0

    loop.library.interfaces["eth1"]["mtu"] = 1400
    await loop.reporter.look()
    await loop.ready("True", "Configured", 2)
    assert "drift" not in loop.server.status


async def test_drift_that_was_told_of_is_counted_by_the_next_agent_too(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit({**mtu(1400), "driftPolicy": "Report"})
        await first.ready("True", "Configured", 2)
        library.interfaces["eth1"]["mtu"] = 1450
        await first.reporter.look()
        await first.ready("False", "Drifted", 2)
    async with Loop(server, client, library, tmp_path).running() as second:
        await until(lambda: second.metrics.registry.get_sample_value("nmstate_controller_drift_differences") == 1)


async def test_a_document_that_comes_back_after_another_is_applied_whatever_the_drift_policy(loop: Loop) -> None:
    await loop.server.edit({**mtu(1400), "driftPolicy": "Report"})
    await loop.ready("True", "Configured", 2)
    await loop.server.edit({"desiredState": None})
    await loop.ready("True", "NothingDesired", 3)
    loop.library.interfaces["eth1"]["mtu"] = 1450

    await loop.server.edit(mtu(1400))

    await loop.ready("True", "Configured", 4)
    assert loop.library.interfaces["eth1"]["mtu"] == 1400


async def test_drift_that_is_left_is_told_of_the_newest_generation(loop: Loop) -> None:
    await loop.server.edit({**mtu(1400), "driftPolicy": "Report"})
    await loop.ready("True", "Configured", 2)
    loop.library.interfaces["eth1"]["mtu"] = 1450
    await loop.reporter.look()
    await loop.ready("False", "Drifted", 2)

    await loop.server.edit({"probes": None})

    await loop.ready("False", "Drifted", 3)
    assert len(loop.library.applied) == 1


async def test_a_fight_is_given_up(loop: Loop) -> None:
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 2)

    for count in range(CORRECTIONS):
        loop.library.interfaces["eth1"]["mtu"] = 1450
        await loop.reporter.look()
        await until(lambda count=count: corrections(loop) == count + 1)  # type: ignore[misc]
    loop.library.interfaces["eth1"]["mtu"] = 1450
    await loop.reporter.look()
    await loop.ready("False", "Drifted", 2)
    assert loop.server.condition("Stalled") == ("True", "DriftFought")
    assert "interfaces[eth1].mtu" in message(loop.server)
    assert len(loop.library.applied) == 1 + CORRECTIONS
    await looked(loop)
    assert len(loop.library.applied) == 1 + CORRECTIONS

    await loop.server.edit(mtu(1399))
    await loop.ready("True", "Configured", 3)


async def test_what_is_dropped_goes_back_with_revert(loop: Loop) -> None:
    await loop.server.edit({**mtu(1400), "removalPolicy": "Revert"})
    await loop.ready("True", "Configured", 2)
    assert loop.server.object is not None
    assert loop.server.object["metadata"]["finalizers"] == ["nmstate.io/revert"]
    assert loop.server.status["revertState"]["interfaces"][0]["mtu"] == 1500
    await loop.server.edit(mtu(1300))
    await loop.ready("True", "Configured", 3)

    await loop.server.edit({"desiredState": None})
    await loop.ready("True", "NothingDesired", 4)

    assert loop.library.interfaces["eth1"]["mtu"] == 1500
    assert "revertState" not in loop.server.status
    await loop.server.until(lambda: (loop.server.object or {})["metadata"]["finalizers"] == [])


async def test_what_would_not_fit_the_object_with_what_was_there_before_is_refused(loop: Loop) -> None:
    large = [{"name": f"{'n' * 1_000}{number}", "type": "ovs-bridge", "state": "up"} for number in range(600)]

    await loop.server.edit({"desiredState": {"interfaces": large}, "removalPolicy": "Revert"})
    await loop.ready("False", "InvalidDesiredState", 2)

    assert "too large for removalPolicy Revert" in message(loop.server)
    assert loop.library.applied == []


async def test_what_is_back_already_is_forgotten(loop: Loop) -> None:
    """Somebody put it back by hand before it was dropped: there is nothing left to be kept up."""
    await loop.server.edit({**mtu(1400), "removalPolicy": "Revert"})
    await loop.ready("True", "Configured", 2)
    loop.library.interfaces["eth1"]["mtu"] = 1500
    await loop.server.edit({"managed": False})
    await loop.ready("False", "Unmanaged", 3)

    await loop.server.edit({"managed": True, "desiredState": None})
    await loop.ready("True", "NothingDesired", 4)

    await loop.server.until(lambda: (loop.server.object or {})["metadata"]["finalizers"] == [])
    await loop.status_writer.flush(20)
    assert "revertState" not in loop.server.status


async def test_what_was_never_changed_is_forgotten_as_well(loop: Loop) -> None:
    await loop.server.edit({**mtu(1500), "removalPolicy": "Revert"})
    await loop.ready("True", "Configured", 2)

    await loop.server.edit({"desiredState": None})

    await loop.ready("True", "NothingDesired", 3)
    assert "revertState" not in loop.server.status


async def test_a_deleted_object_goes_when_what_was_there_is_back(loop: Loop) -> None:
    await loop.server.edit({"desiredState": {"interfaces": [BRIDGE]}, "removalPolicy": "Revert"})
    await loop.ready("True", "Configured", 2)
    assert "br1" in loop.library.interfaces
    assert loop.server.object is not None
    uid = loop.server.object["metadata"]["uid"]

    await loop.server.delete()
    # The last word about the object may come too late for it, and the next is said after a pause.
    async with loop.passing_time():
        await loop.server.until(lambda: loop.server.object is not None and loop.server.object["metadata"]["uid"] != uid)

    assert "br1" not in loop.library.interfaces


async def test_a_deleted_object_takes_nothing_along_by_default(loop: Loop) -> None:
    await loop.server.edit({"desiredState": {"interfaces": [BRIDGE]}})
    await loop.ready("True", "Configured", 2)

    await loop.server.delete()
    await loop.server.until(lambda: loop.server.object is not None and "currentState" in loop.server.status)

    assert "br1" in loop.library.interfaces


async def test_an_object_that_is_not_managed_goes_without_a_change(loop: Loop) -> None:
    await loop.server.edit({"desiredState": {"interfaces": [BRIDGE]}, "removalPolicy": "Revert"})
    await loop.ready("True", "Configured", 2)
    await loop.server.edit({"managed": False})
    await loop.ready("True", "Unmanaged", 3)
    applied = len(loop.library.applied)

    await loop.server.delete()
    await loop.server.until(lambda: loop.server.object is not None and "currentState" in loop.server.status)

    assert len(loop.library.applied) == applied


async def test_nothing_is_changed_before_what_is_there_is_written_down(loop: Loop) -> None:
    loop.server.faults["patch"] = [answer(503)]
    await loop.server.edit({**mtu(1400), "removalPolicy": "Revert"})
    await loop.ready("False", "ApiUnavailable", 2)
    assert loop.library.applied == []

    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)


async def test_what_was_there_is_in_the_object_before_a_second_attempt_too(loop: Loop) -> None:
    """The finalizer was set, and then the status could not be written in time."""
    loop.server.faults["update"] = [answer(503) for _ in range(1000)]
    await loop.server.edit({**mtu(1400), "removalPolicy": "Revert"})
    async with loop.passing_time():
        await until(lambda: loop.clock.monotonic() > 100)
    assert loop.library.applied == []

    loop.server.faults.clear()
    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)
    assert loop.server.status["revertState"]["interfaces"][0]["mtu"] == 1500
