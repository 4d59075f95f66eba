"""From the object to the node and back, with a fake apiserver and a fake libnmstate between real parts."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from aiohttp import web
from libnmstate import error as libnmstate_error

from nmstate_controller.agent import build
from nmstate_controller.api.models import Metadata
from nmstate_controller.clock import Clock
from nmstate_controller.cluster.client import Client
from nmstate_controller.controller.progress import ATTEMPTS, SLOW_RETRY_SECONDS
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.library import Nmstate
from nmstate_controller.settings import Settings
from tests.unit.apiserver import ApiServer, Request, answer, reset
from tests.unit.clock import ManualClock
from tests.unit.library import Kernel, Library, Manager, Probes


def mtu(value: int) -> dict[str, Any]:
    return {"desiredState": {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "up", "mtu": value}]}}


class Parts:
    """The agent's parts as the agent joins them, on a node that is none, without signals and HTTP."""

    def __init__(
        self, client: Client, library: Library, directory: Path, clock: Clock, *, inactivity: float = 20
    ) -> None:
        self.metrics = Metrics()
        self.kernel = Kernel()
        self.probes = Probes(self.metrics)
        self.manager = Manager(library)
        settings = Settings(node_name="node01", run_directory=directory, watch_inactivity_timeout=inactivity)
        self.nmstate = Nmstate(
            self.metrics, clock, self.kernel, show_timeout=20, apply_timeout=20, rollback_timeout=60, library=library
        )
        parts = build(
            settings,
            client,
            self.metrics,
            clock,
            random.Random(1),
            nmstate=self.nmstate,
            manager=self.manager,
            kernel=self.kernel,
            prober=self.probes,
        )
        self.store = parts.store
        self.reflector = parts.reflector
        self.status_writer = parts.status_writer
        self.reporter = parts.reporter
        self.events = parts.events
        self.transaction = parts.transaction
        self.reconciler = parts.reconciler

    def start(self) -> list[asyncio.Task[NoReturn]]:
        """Have all of them run."""
        parts = (self.reflector, self.status_writer, self.events, self.reporter, self.reconciler)
        return [asyncio.create_task(part.run()) for part in parts]


class Loop(Parts):
    """The same with a clock that is turned by hand."""

    def __init__(
        self,
        server: ApiServer,
        client: Client,
        library: Library,
        directory: Path,
        clock: ManualClock | None = None,
        *,
        inactivity: float = 20,
    ) -> None:
        self.server = server
        self.library = library
        self.tasks: list[asyncio.Task[NoReturn]] = []
        self.clock = clock or ManualClock()
        super().__init__(client, library, directory, self.clock, inactivity=inactivity)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Loop"]:
        self.tasks = self.start()
        try:
            yield self
        finally:
            for task in self.tasks:
                task.cancel()
            ends = await asyncio.gather(*self.tasks, return_exceptions=True)
            self.library.released.set()
            await self.nmstate.idle()
            if failed := [end for end in ends if isinstance(end, Exception)]:
                raise ExceptionGroup("parts that would have ended the agent", failed)

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator["Loop"]:
        """The same, once there is an object."""
        async with self.running():
            await self.server.until(lambda: self.server.object is not None)
            yield self

    async def ready(self, status: str, reason: str, generation: int | None = None) -> None:
        """Wait until the object says so, about that generation."""
        await self.server.until(
            lambda: (
                self.server.condition("Ready") == (status, reason)
                and (generation is None or self.server.status.get("observedGeneration") == generation)
            )
        )

    @contextlib.asynccontextmanager
    async def passing_time(self) -> AsyncIterator[None]:
        """Turn the clock all the while, a second at a time."""

        async def turn() -> None:
            while True:
                self.clock.advance(1)
                await asyncio.sleep(0.001)

        task = asyncio.create_task(turn())
        try:
            yield
        finally:
            task.cancel()


@pytest.fixture
async def loop(server: ApiServer, client: Client, tmp_path: Path) -> AsyncIterator[Loop]:
    async with Loop(server, client, Library(), tmp_path).running() as running:
        await running.server.until(lambda: running.server.condition("Ready") is not None)
        await running.server.until(lambda: "currentState" in running.server.status)
        yield running


async def test_the_object_is_created_with_a_report_and_no_desire(loop: Loop) -> None:
    assert loop.server.object is not None
    assert loop.server.object["spec"] == {"nodeName": "node01"}
    assert loop.server.condition("Ready") == ("True", "NothingDesired")
    assert loop.server.status["currentState"]["interfaces"][0]["name"] == "eth1"


async def test_a_deleted_object_comes_back_with_its_report(loop: Loop) -> None:
    await loop.server.delete()

    await loop.server.until(lambda: loop.server.object is not None and "currentState" in loop.server.status)
    await loop.ready("True", "NothingDesired", 1)


async def test_an_edit_changes_the_node_and_the_report(loop: Loop) -> None:
    await loop.server.edit(mtu(1400))

    await loop.ready("True", "Configured", 2)

    assert loop.server.status["currentState"]["interfaces"][0]["mtu"] == 1400
    last = loop.server.status["lastApply"]
    assert (last["generation"], last["outcome"], last["attempts"]) == (2, "Configured", 1)


async def test_while_applying_the_object_says_unknown_about_the_new_generation(loop: Loop) -> None:
    loop.library.released.clear()
    await loop.server.edit(mtu(1400))

    await loop.ready("Unknown", "Applying", 2)
    assert loop.server.condition("Reconciling") == ("True", "Applying")

    loop.library.released.set()
    await loop.ready("True", "Configured", 2)
    assert loop.server.condition("Reconciling") is None


async def test_a_node_that_is_as_desired_but_was_never_made_so_is_made_to_outlast_a_reboot(loop: Loop) -> None:
    loop.library.interfaces["eth1"]["mtu"] = 1400
    await loop.server.edit(mtu(1400))

    await loop.ready("True", "Configured", 2)

    assert loop.library.disk["eth1"]["mtu"] == 1400
    assert loop.server.status["lastApply"]["persisted"] is True


async def test_a_node_that_was_made_as_desired_is_not_touched_again(loop: Loop) -> None:
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 2)

    await loop.server.edit({"probes": [{"type": "dns"}]})
    await loop.ready("True", "Configured", 3)

    assert len(loop.library.applied) == 1


async def test_what_was_made_as_desired_and_is_only_in_memory_is_made_to_outlast_a_reboot(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit(mtu(1400))
        await first.ready("True", "Configured", 2)
    library.disk["eth1"]["mtu"] = 1500
    async with Loop(server, client, library, tmp_path).running() as second:
        await server.edit({"nodeName": "node01"})
        await second.ready("True", "Configured", 3)

    assert library.disk["eth1"]["mtu"] == 1400


async def test_edits_of_metadata_and_status_apply_nothing(loop: Loop) -> None:
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 2)
    for _ in range(5):
        await loop.server.touch()
    await loop.server.edit(mtu(1300))
    await loop.ready("True", "Configured", 3)

    assert len(loop.library.applied) == 2


async def test_edits_during_an_apply_end_in_the_newest_only(loop: Loop) -> None:
    loop.library.released.clear()
    await loop.server.edit(mtu(1401))
    await asyncio.to_thread(loop.library.entered.wait, 20)
    for value in range(1402, 1411):
        await loop.server.edit(mtu(value))
    loop.library.released.set()

    await loop.ready("True", "Configured", 11)

    assert [document["interfaces"][0]["mtu"] for document in loop.library.applied] == [1401, 1410]


async def test_an_invalid_document_stalls_and_a_good_one_recovers(loop: Loop) -> None:
    loop.library.apply_failures = [libnmstate_error.NmstateValueError("InvalidArgument: unknown field `foo`")]
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "InvalidDesiredState", 2)
    assert loop.server.condition("Stalled") == ("True", "InvalidDesiredState")
    loop.clock.advance(1000)

    await loop.server.edit(mtu(1300))
    await loop.ready("True", "Configured", 3)

    assert loop.server.condition("Stalled") is None
    assert len(loop.library.applied) == 2


async def test_a_failed_apply_is_tried_again_and_after_some_attempts_slowly(loop: Loop) -> None:
    loop.library.apply_failures = [libnmstate_error.NmstatePluginError("PluginFailure: no") for _ in range(ATTEMPTS)]
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "ApplyFailed", 2)
    assert loop.server.condition("Reconciling") == ("True", "Retrying")

    async with loop.passing_time():
        await loop.server.until(lambda: loop.server.condition("Stalled") == ("True", "AttemptsExhausted"))
    assert len(loop.library.applied) == ATTEMPTS
    message = next(c["message"] for c in loop.server.status["conditions"] if c["type"] == "Stalled")
    assert "the next follows in 10 minutes" in message

    loop.clock.advance(SLOW_RETRY_SECONDS * 1.1)
    await loop.ready("True", "Configured", 2)
    assert loop.server.condition("Stalled") is None


async def test_the_next_agent_goes_on_with_slow_attempts(server: ApiServer, client: Client, tmp_path: Path) -> None:
    library = Library()
    library.apply_failures = [libnmstate_error.NmstatePluginError("PluginFailure: no") for _ in range(ATTEMPTS + 1)]
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit(mtu(1400))
        async with first.passing_time():
            await server.until(lambda: server.condition("Stalled") == ("True", "AttemptsExhausted"))
        await first.status_writer.flush(20)
    async with Loop(server, client, library, tmp_path).running() as second:
        await server.until(lambda: any(seconds > SLOW_RETRY_SECONDS / 2 for seconds in second.clock.waits))
        assert len(library.applied) == ATTEMPTS
        second.clock.advance(SLOW_RETRY_SECONDS * 1.1)
        await server.until(lambda: server.status["lastApply"]["attempts"] == ATTEMPTS + 1)
        await server.until(lambda: server.condition("Stalled") == ("True", "AttemptsExhausted"))
        second.clock.advance(SLOW_RETRY_SECONDS * 1.1)
        await second.ready("True", "Configured", 2)


async def test_a_device_that_goes_and_comes_back_is_waited_for_also_by_the_next_agent(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit(mtu(1400))
        await first.ready("True", "Configured", 2)
        eth1 = library.interfaces.pop("eth1")
        missing = "InvalidArgument: Ethernet interface eth1 does not exists"
        library.apply_failures = [libnmstate_error.NmstateValueError(missing) for _ in range(50)]
        await first.reporter.look()
        await first.ready("False", "InvalidDesiredState", 2)
        assert server.condition("Reconciling") == ("True", "Retrying")
        await first.status_writer.flush(20)
    async with Loop(server, client, library, tmp_path).running() as second:
        library.interfaces.pop("eth1", None)
        await server.until(lambda: server.count("list") == 2)
        async with second.passing_time():
            await server.until(lambda: len(library.apply_failures) < 45)
            assert server.condition("Stalled") is None
            library.apply_failures.clear()
            library.interfaces["eth1"] = eth1
            # It may be back before the failure of the last attempt has been told: then the next one finds it.
            await second.reporter.look()
            await second.ready("True", "Configured", 2)


async def turns(loop: Loop) -> float:
    """How often the reconciler asked for a pause that is none, in many turns of the loop."""
    before = len(loop.clock.waits)
    for _ in range(500):
        await asyncio.sleep(0)
    return loop.clock.waits[before:].count(0.0)


async def test_an_agent_whose_retry_succeeded_waits_for_news(loop: Loop) -> None:
    loop.library.apply_failures = [libnmstate_error.NmstatePluginError("PluginFailure: no")]
    await loop.server.edit(mtu(1400))
    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)

    assert await turns(loop) == 0


async def test_an_agent_whose_object_went_before_a_retry_waits_for_news(loop: Loop) -> None:
    loop.library.apply_failures = [libnmstate_error.NmstatePluginError("PluginFailure: no")]
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "ApplyFailed", 2)
    loop.server.faults["create"] = [answer(503) for _ in range(100)]
    await loop.server.delete()
    await loop.server.until(lambda: len(loop.server.faults["create"]) < 100)
    loop.clock.advance(2)

    assert await turns(loop) == 0


async def test_a_newer_generation_interrupts_the_wait_for_a_retry(loop: Loop) -> None:
    loop.library.apply_failures = [libnmstate_error.NmstatePluginError("PluginFailure: no")]
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "ApplyFailed", 2)

    await loop.server.edit(mtu(1300))

    await loop.ready("True", "Configured", 3)
    assert [document["interfaces"][0]["mtu"] for document in loop.library.applied] == [1400, 1300]


async def test_networkmanager_away_is_said_and_waited_for(loop: Loop) -> None:
    gone = libnmstate_error.NmstateInternalError(
        "Bug: DbusConnectionError: org.freedesktop.DBus.Error.ServiceUnknown: gone"
    )
    loop.library.show_failures = [gone, gone]
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "NetworkManagerUnavailable", 2)
    assert loop.server.condition("Reporting") == ("False", "NetworkManagerUnavailable")
    assert loop.library.applied == []

    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)
    assert loop.server.condition("Reporting") == ("True", "Reported")


async def test_a_server_that_sends_whole_objects_for_metadata_is_as_good(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    server.knows_partial = False
    async with Loop(server, client, Library(), tmp_path).started() as loop:
        await server.edit({**mtu(1400), "removalPolicy": "Revert"})
        await loop.ready("True", "Configured", 2)
        await server.delete()
        await loop.ready("True", "NothingDesired", 1)

        assert loop.library.interfaces["eth1"]["mtu"] == 1500


async def test_the_report_in_the_object_stays_until_there_is_a_newer_one_and_in_the_store_not_at_all(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    earlier = {"interfaces": [{"name": "eth9"}]}
    await server.create(status={"observedGeneration": -1, "currentState": earlier})
    library = Library()
    library.show_failures = [libnmstate_error.NmstateInternalError("Bug: no")] * 3
    async with Loop(server, client, library, tmp_path).running() as loop:
        await loop.ready("True", "NothingDesired", 1)
        assert server.status["currentState"] == earlier
        assert loop.store.object is not None
        assert loop.store.object.status.current_state is None

        library.show_failures.clear()
        await loop.reporter.look()
        await loop.status_writer.flush(20)
        assert server.status["currentState"]["interfaces"][0]["name"] == "eth1"

        await server.edit({"managed": False})
        await loop.ready("True", "Unmanaged", 2)
        assert loop.store.object.status.current_state is None


async def test_a_heartbeat_sends_the_report_once_and_gets_metadata_back(loop: Loop) -> None:
    sizes: list[int] = []

    async def measured(request: web.Request) -> web.StreamResponse:
        sizes.append(len(await request.read()))
        request_body = Request("node01", {}, await request.json(), request.headers["Accept"])
        code, found = await loop.server.answer("update", request_body)
        assert found.keys() == {"kind", "apiVersion", "metadata"}
        return web.json_response(found, status=code)

    await loop.status_writer.flush(20)
    before = loop.metrics.registry.get_sample_value("nmstate_controller_status_written_bytes_total") or 0
    reads = loop.server.count("get")
    loop.server.faults["update"] = [measured]
    loop.clock.advance(301)
    await loop.reporter.look()
    await loop.status_writer.flush(20)

    after = loop.metrics.registry.get_sample_value("nmstate_controller_status_written_bytes_total")
    assert after == before + sum(sizes)
    assert len(sizes) == 1
    assert loop.server.count("get") == reads


async def test_what_goes_back_is_known_to_be_written_only_when_the_answer_came(loop: Loop) -> None:
    async def lost(request: web.Request) -> web.StreamResponse:
        await loop.server.answer("update", Request("node01", {}, await request.json()))
        return await reset(request)

    await loop.status_writer.flush(20)
    assert loop.status_writer.reverts_are_written
    originals = {"interfaces": [{"name": "eth1"}]}
    loop.server.faults["update"] = [lost]
    loop.status_writer.update_status(revert_state=originals)
    await loop.server.until(lambda: loop.server.status.get("revertState") == originals)
    loop.status_writer.update_status(revert_state=None)
    assert not loop.status_writer.reverts_are_written, "the object may have them"

    async with loop.passing_time():
        assert await loop.status_writer.flush(20)
    assert loop.status_writer.reverts_are_written
    assert "revertState" not in loop.server.status


def rx_gro(value: bool) -> dict[str, Any]:
    return {"ethtool": {"feature": {"rx-gro": value}}}


async def test_drift_of_an_ethtool_feature_is_corrected_although_no_report_has_it(loop: Loop) -> None:
    loop.library.interfaces["eth1"] |= rx_gro(True)
    eth1 = {"name": "eth1", "type": "ethernet", "state": "up", **rx_gro(False)}
    await loop.server.edit({"desiredState": {"interfaces": [eth1]}, "removalPolicy": "Revert"})
    await loop.ready("True", "Configured", 2)
    assert loop.server.status["revertState"]["interfaces"][0]["ethtool"] == rx_gro(True)["ethtool"]

    loop.library.interfaces["eth1"] |= rx_gro(True)
    await loop.reporter.look()
    await loop.server.until(lambda: len(loop.library.applied) == 2)
    await loop.ready("True", "Configured", 2)

    assert loop.library.interfaces["eth1"]["ethtool"] == rx_gro(False)["ethtool"]
    assert "ethtool" not in loop.server.status["currentState"]["interfaces"][0]


async def test_unmanaged_applies_nothing_until_it_is_managed_again(loop: Loop) -> None:
    await loop.server.edit({"managed": False, **mtu(1400)})
    await loop.ready("False", "Unmanaged", 2)
    message = next(c["message"] for c in loop.server.status["conditions"] if c["type"] == "Ready")
    assert "interfaces[eth1].mtu" in message
    assert loop.library.applied == []

    await loop.server.edit({"managed": True})
    await loop.ready("True", "Configured", 3)


async def test_unmanaged_is_ready_when_the_node_happens_to_be_as_desired(loop: Loop) -> None:
    await loop.server.edit({"managed": False, **mtu(1500)})

    await loop.ready("True", "Unmanaged", 2)


async def test_whether_an_unmanaged_node_is_as_desired_is_looked_at_again(loop: Loop) -> None:
    await loop.server.edit({"managed": False, **mtu(1500)})
    await loop.ready("True", "Unmanaged", 2)

    loop.library.interfaces["eth1"]["mtu"] = 1400
    await loop.reporter.look()
    await loop.ready("False", "Unmanaged", 2)

    loop.library.interfaces["eth1"]["mtu"] = 1500
    await loop.reporter.look()
    await loop.ready("True", "Unmanaged", 2)
    assert loop.library.applied == []


async def test_a_restarted_agent_touches_nothing_and_keeps_verdicts(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    library.apply_failures = [libnmstate_error.NmstateValueError("InvalidArgument: bad")]
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit(mtu(1400))
        await first.ready("False", "InvalidDesiredState", 2)
    async with Loop(server, client, library, tmp_path).running() as second:
        await second.server.until(lambda: server.count("list") == 2)
        await server.edit(mtu(1300))
        await second.ready("True", "Configured", 3)
    async with Loop(server, client, library, tmp_path).running() as third:
        await server.edit({"nodeName": "node01"})
        await third.ready("True", "Configured", 4)

    assert [document["interfaces"][0]["mtu"] for document in library.applied] == [1400, 1300]


async def test_what_differs_after_a_verified_apply_is_no_reason_to_apply_again(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    library.after_apply = lambda: library.interfaces["eth1"].update(mtu=1496)
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit(mtu(1497))
        await first.ready("True", "Configured", 2)
    residual = server.status["lastApply"]["residual"]
    assert residual == [{"path": "interfaces[eth1].mtu", "desired": 1497, "current": 1496}]
    async with Loop(server, client, library, tmp_path).running() as second:
        await server.edit({"nodeName": "node01"})
        await second.ready("True", "Configured", 3)

    assert len(library.applied) == 1


async def test_a_quiet_node_writes_nothing_but_the_heartbeat(loop: Loop) -> None:
    await loop.status_writer.flush(20)
    before = loop.server.count("update")

    async def look_again() -> None:
        loop.clock.advance(66)
        await loop.reporter.look()
        await loop.status_writer.flush(20)

    for _ in range(4):
        await look_again()
    assert loop.server.count("update") == before

    await look_again()
    assert loop.server.count("update") == before + 1


async def test_conflicts_are_resolved_by_reading_again(loop: Loop) -> None:
    loop.server.faults["update"] = [answer(409), answer(409)]
    await loop.server.edit(mtu(1400))

    await loop.ready("True", "Configured", 2)


async def test_the_node_is_configured_and_the_verdict_kept_while_status_cannot_be_written(loop: Loop) -> None:
    loop.server.faults["update"] = [answer(503) for _ in range(4)]
    await loop.server.edit(mtu(1400))
    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)

    assert loop.server.faults["update"] == []
    assert len(loop.library.applied) == 1


async def test_the_retry_annotation_asks_for_one_more_attempt(loop: Loop) -> None:
    loop.library.apply_failures = [libnmstate_error.NmstateValueError("InvalidArgument: no cable") for _ in range(2)]
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "InvalidDesiredState", 2)

    await loop.server.touch({"nmstate.io/retry-at": "noon"})
    await loop.server.until(lambda: len(loop.library.applied) == 2 and loop.server.condition("Stalled") is not None)
    await loop.server.touch({"nmstate.io/retry-at": "noon", "other": "annotation"})
    await loop.server.touch({"nmstate.io/retry-at": "one"})

    await loop.ready("True", "Configured", 2)
    assert len(loop.library.applied) == 3
    assert loop.server.status["lastHandledRetryAt"] == "one"


async def test_a_retry_that_was_answered_is_not_answered_again_by_the_next_agent(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    library.apply_failures = [libnmstate_error.NmstateValueError("InvalidArgument: no") for _ in range(3)]
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit(mtu(1400))
        await first.ready("False", "InvalidDesiredState", 2)
        await server.touch({"nmstate.io/retry-at": "noon"})
        await server.until(lambda: server.status.get("lastHandledRetryAt") == "noon" and len(library.applied) == 2)
        await first.status_writer.flush(20)
    async with Loop(server, client, library, tmp_path).running() as second:
        await server.until(lambda: server.count("watch") == 2)
        await second.status_writer.flush(20)
        await second.server.edit({"managed": False})
        await second.ready("False", "Unmanaged", 3)

    assert len(library.applied) == 2


async def test_an_edit_that_leaves_desired_state_as_it_is_costs_no_look_at_the_node(loop: Loop) -> None:
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 2)
    calls = loop.library.calls

    for _ in range(100):
        await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 102)

    assert loop.library.calls == calls


async def test_events_tell_what_happened(loop: Loop) -> None:
    loop.library.apply_failures = [libnmstate_error.NmstateValueError("InvalidArgument: no such thing")]
    await loop.server.edit(mtu(1400))
    await loop.server.until(lambda: len(loop.server.events) == 1)
    await loop.server.edit(mtu(1300))
    await loop.server.until(lambda: len(loop.server.events) == 2)

    refused, applied = loop.server.events.values()

    assert (refused["type"], refused["reason"]) == ("Warning", "InvalidDesiredState")
    assert "no such thing" in refused["note"]
    assert "the node runs what it ran before" in refused["note"]
    assert (applied["type"], applied["reason"]) == ("Normal", "Applied")
    assert "eth1" in applied["note"]
    assert applied["regarding"]["name"] == "node01"


async def test_an_object_that_was_there_before_its_agent_is_applied(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    await server.create(spec=mtu(1400))
    library = Library()
    async with Loop(server, client, library, tmp_path).running() as loop:
        await loop.ready("True", "Configured", 1)

    assert len(library.applied) == 1


async def test_a_verdict_about_a_deleted_object_is_not_said_of_its_successor(loop: Loop) -> None:
    loop.library.apply_failures = [libnmstate_error.NmstateValueError("InvalidArgument: about the first")]
    loop.library.released.clear()
    await loop.server.edit(mtu(1400))
    await asyncio.to_thread(loop.library.entered.wait, 20)
    await loop.server.delete()
    await loop.server.until(lambda: loop.server.object is not None)
    await loop.server.edit(mtu(1300))
    loop.library.released.set()

    await loop.ready("True", "Configured", 2)

    assert [document["interfaces"][0]["mtu"] for document in loop.library.applied] == [1400, 1300]


async def test_a_generation_that_went_back_is_taken_as_it_is(loop: Loop) -> None:
    """An etcd that was restored knows an older object by the same uid."""
    for value in (1400, 1390, 1380):
        generation = (await loop.server.edit(mtu(value)))["metadata"]["generation"]
        await loop.ready("True", "Configured", generation)

    await loop.server.restore(mtu(1350), generation=2)

    await loop.ready("True", "Configured", 2)
    assert loop.library.interfaces["eth1"]["mtu"] == 1350


@pytest.mark.parametrize("verdict", ["Configured", "InvalidDesiredState"])
async def test_a_generation_that_was_seen_with_another_spec_is_a_new_one(loop: Loop, verdict: str) -> None:
    """Edits after an etcd was restored count on from the older generation."""
    if verdict != "Configured":
        loop.library.apply_failures = [libnmstate_error.NmstateValueError("InvalidArgument: no")]
    await loop.server.edit({"driftPolicy": "Report", **mtu(1400)})
    await loop.server.until(lambda: (loop.server.condition("Ready") or ("", ""))[1] == verdict)

    await loop.server.restore({"driftPolicy": "Report", **mtu(1350)}, generation=2)

    await loop.server.until(lambda: loop.server.status["currentState"]["interfaces"][0]["mtu"] == 1350)
    await loop.ready("True", "Configured", 2)


async def test_a_status_that_the_apiserver_refuses_is_written_without_the_report(loop: Loop) -> None:
    loop.server.faults["update"] = [answer(422, "currentState is not to its liking")]
    loop.library.released.clear()
    await loop.server.edit(mtu(1400))

    await loop.ready("Unknown", "Applying", 2)

    assert "currentState" not in loop.server.status
    assert loop.server.condition("Reporting") == ("False", "ApiRejected")
    loop.library.released.set()
    await loop.ready("True", "Configured", 2)
    assert "currentState" in loop.server.status


async def test_no_secret_of_the_document_is_in_what_is_said(loop: Loop) -> None:
    word = 'swordfish "7"'
    failure = f"Verification failure: eth1.interface.802.1x.password desire '{word}', current 'trout'"
    loop.library.apply_failures = [libnmstate_error.NmstateVerificationError(failure)]
    document = {"name": "eth1", "type": "ethernet", "802.1x": {"eap-methods": ["md5"], "password": word}}
    await loop.server.edit({"desiredState": {"interfaces": [document]}})
    await loop.server.until(lambda: bool(loop.server.events))

    said = f"{loop.server.status} {loop.server.events}"

    assert "802.1x.password" in said
    assert "swordfish" not in said
    assert "trout" not in said


async def test_a_node_that_cannot_be_read_is_no_fault_of_the_document(loop: Loop) -> None:
    loop.library.show_failures = [
        libnmstate_error.NmstateValueError("InvalidArgument: no permission") for _ in range(8)
    ]
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "NmstateFailed", 2)
    assert loop.server.condition("Reporting") == ("False", "NmstateFailed")
    assert loop.server.condition("Stalled") is None

    async with loop.passing_time():
        await loop.ready("True", "Configured", 2)


async def test_an_apply_that_an_agent_did_not_see_the_end_of_is_closed_by_the_next(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        library.released.clear()
        await server.edit(mtu(1400))
        await first.ready("Unknown", "Applying", 2)
    library.interfaces["eth1"]["mtu"] = 1400
    async with Loop(server, client, library, tmp_path).running() as second:
        await second.ready("True", "Configured", 2)

        assert second.metrics.applies.labels("Interrupted")._value.get() == 1  # noqa: SLF001
    assert server.status["lastApply"]["outcome"] == "Configured"
    assert server.status["lastApply"]["completionTime"]


async def test_what_is_dropped_from_desired_state_is_listed_until_it_is_gone(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    bridge = {"name": "br1", "type": "linux-bridge", "state": "up"}
    other = {"name": "dummy1", "type": "dummy", "state": "up"}
    library = Library()

    def message() -> str:
        return next(str(found["message"]) for found in server.status["conditions"] if found["type"] == "Ready")

    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit({"desiredState": {"interfaces": [bridge]}})
        await first.ready("True", "Configured", 2)
        assert "retained" not in server.status

        await server.edit({"desiredState": {"interfaces": [other]}})
        await first.ready("True", "Configured", 3)
        assert server.status["retained"] == ["interfaces[br1]"]
        assert message().endswith("; no longer in desiredState but still on the node: br1")

    async with Loop(server, client, library, tmp_path).running() as second:
        await server.edit({"desiredState": None})
        await second.ready("True", "NothingDesired", 4)
        await server.until(lambda: server.status.get("retained") == ["interfaces[br1]", "interfaces[dummy1]"])
        assert message().endswith(": br1, dummy1")

        del library.interfaces["br1"]
        second.reporter.notice()
        async with second.passing_time():
            await server.until(lambda: server.status.get("retained") == ["interfaces[dummy1]"])
        assert message().endswith("; no longer in desiredState but still on the node: dummy1")

        await server.edit({"desiredState": {"interfaces": [{**other, "state": "absent"}]}})
        await second.ready("True", "Configured", 5)
        assert "retained" not in server.status
        assert "no longer" not in message()


async def test_a_failed_generation_leaves_the_list_as_it_is(loop: Loop) -> None:
    bridge = {"name": "br1", "type": "linux-bridge", "state": "up"}
    await loop.server.edit({"desiredState": {"interfaces": [bridge]}})
    await loop.ready("True", "Configured", 2)
    loop.probes.missing = lambda: "gateway: no answer"
    await loop.server.edit(mtu(1400))
    await loop.ready("False", "ConnectivityLost", 3)
    await loop.reporter.look()
    await loop.status_writer.flush(20)

    assert "retained" not in loop.server.status
    assert loop.server.status["configured"] == ["interfaces[br1]"]


async def test_what_goes_back_is_not_listed(loop: Loop) -> None:
    await loop.server.edit({**mtu(1400), "removalPolicy": "Revert"})
    await loop.ready("True", "Configured", 2)
    await loop.server.edit({"desiredState": {}})
    await loop.ready("True", "NothingDesired", 3)
    await loop.reporter.look()
    await loop.status_writer.flush(20)

    assert loop.library.interfaces["eth1"]["mtu"] == 1500
    assert "retained" not in loop.server.status


async def test_a_node_that_is_not_managed_has_no_list(loop: Loop) -> None:
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 2)
    await loop.server.edit({"desiredState": {}})
    await loop.server.until(lambda: loop.server.status.get("retained") == ["interfaces[eth1]"])

    await loop.server.edit({"managed": False})
    await loop.ready("True", "Unmanaged", 4)
    assert "retained" not in loop.server.status

    await loop.server.edit({"managed": True})
    await loop.server.until(lambda: loop.server.status.get("retained") == ["interfaces[eth1]"])


async def test_a_correction_that_failed_does_not_make_what_the_next_one_leaves_different_the_normal(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as first:
        await server.edit(mtu(1400))
        await first.ready("True", "Configured", 2)
    async with Loop(server, client, library, tmp_path).running() as second:
        await server.until(lambda: server.count("list") == 2)
        # Somebody is quicker than libnmstate's verification once, and slower after that.
        library.apply_failures = [libnmstate_error.NmstateVerificationError("Verification failure: eth1.mtu")]
        library.after_apply = lambda: library.interfaces["eth1"].update(mtu=1300)
        library.interfaces["eth1"]["mtu"] = 1300
        async with second.passing_time():
            await second.reporter.look()
            await server.until(lambda: server.condition("Stalled") == ("True", "DriftFought"))


async def test_an_object_that_is_replaced_while_it_is_prepared_for_revert_changes_nothing(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the new object nobody has asked anything, and in the old one nothing can be kept any more."""
    api = loop.status_writer._api  # noqa: SLF001
    get, replaced = api.get_metadata, False

    async def replacing_first() -> Metadata:
        nonlocal replaced
        if not replaced:
            replaced = True
            await loop.server.delete()
            await loop.server.create()
        return await get()

    monkeypatch.setattr(api, "get_metadata", replacing_first)
    await loop.server.edit({**mtu(1400), "removalPolicy": "Revert"})
    await loop.server.until(lambda: replaced)
    await loop.ready("True", "NothingDesired", 1)

    assert loop.library.applied == []
