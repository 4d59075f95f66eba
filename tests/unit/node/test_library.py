"""Calls into libnmstate never overlap, have deadlines, and fail with an error that says whether to try again."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from libnmstate import error as libnmstate_error

from nmstate_controller.clock import SystemClock
from nmstate_controller.errors import (
    ApplyFailed,
    InvalidDesiredState,
    NetworkManagerBusy,
    NetworkManagerUnavailable,
    NmstateStuck,
    NodeError,
    VerificationFailed,
)
from nmstate_controller.metrics import Metrics
from nmstate_controller.node.library import Nmstate
from nmstate_controller.node.library_errors import translate
from tests.unit.library import Kernel, Library

NOTHING: dict[str, list[object]] = {"interfaces": []}


def nmstate(library: Library, metrics: Metrics, timeout: float = 20, kernel: Kernel | None = None) -> Nmstate:
    kernel = kernel or Kernel()
    return Nmstate(
        metrics,
        SystemClock(),
        kernel,
        show_timeout=timeout,
        apply_timeout=timeout,
        rollback_timeout=60,
        library=library,
    )


async def test_calls_never_overlap(metrics: Metrics) -> None:
    library = Library()
    node = nmstate(library, metrics)

    await asyncio.gather(*(node.show() for _ in range(5)), node.apply(NOTHING))

    assert library.calls == 6
    assert not library.overlapped


async def test_a_stuck_call_is_told_and_nothing_is_called_over_it(metrics: Metrics) -> None:
    library = Library()
    library.released.clear()
    node = nmstate(library, metrics, timeout=0.05)

    with pytest.raises(NmstateStuck):
        await node.apply(NOTHING)
    assert node.stuck
    with pytest.raises(NmstateStuck):
        await node.show()
    assert library.calls == 1

    library.released.set()
    await node.idle()
    assert not node.stuck
    await node.show()


async def test_a_call_abandoned_by_cancelling_still_blocks_the_next(metrics: Metrics) -> None:
    library = Library()
    library.released.clear()
    node = nmstate(library, metrics)
    task = asyncio.create_task(node.apply(NOTHING))
    await asyncio.to_thread(library.entered.wait, 20)
    task.cancel()
    await asyncio.wait({task})

    with pytest.raises(NmstateStuck):
        await node.show()
    library.released.set()


async def test_a_link_that_somebody_set_down_is_told_by_the_kernel_it_was_given(metrics: Metrics) -> None:
    kernel = Kernel()
    node = nmstate(Library(), metrics, kernel=kernel)
    document = {"interfaces": [{"name": "eth1", "type": "ethernet", "state": "up"}]}
    assert await node.compare(document, await node.show()) == []

    kernel.links["eth1"] = False

    assert [found.path for found in await node.compare(document, await node.show())] == ["interfaces[eth1].link-state"]
    assert kernel.links == {"eth1": False}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (libnmstate_error.NmstateValueError("InvalidArgument: unknown field `foo`"), InvalidDesiredState),
        (libnmstate_error.NmstateDependencyError("plugin for 'ovs-bridge' unavailable"), InvalidDesiredState),
        (libnmstate_error.NmstateVerificationError("mtu desire '1600', current '1500'"), VerificationFailed),
        (
            libnmstate_error.NmstateInternalError(
                "Bug: DbusConnectionError: org.freedesktop.DBus.Error.ServiceUnknown: gone"
            ),
            NetworkManagerUnavailable,
        ),
        (
            libnmstate_error.NmstateInternalError("Bug: DbusConnectionError: I/O error: Connection refused"),
            NetworkManagerUnavailable,
        ),
        (libnmstate_error.NmstateInternalError("Bug: CheckpointConflict: another"), NetworkManagerBusy),
        (libnmstate_error.NmstateInternalError("Bug: who knows"), ApplyFailed),
    ],
)
def test_errors_say_whether_to_try_again(error: Exception, kind: type[NodeError]) -> None:
    assert type(translate(error)) is kind


def test_a_type_that_is_missing_or_misspelt_is_told_by_its_field() -> None:
    said = "InvalidArgument: Failed to find unknown type interface br9 in current state"
    assert str(translate(libnmstate_error.NmstateValueError(said))).startswith("interfaces[br9].type: ")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("eth1.interface.ethernet desire '{\"speed\":1000}', current 'null'", InvalidDesiredState),
        ("eth1.interface.ethernet.auto-negotiation desire 'true', current 'null'", InvalidDesiredState),
        ("eth1.interface.ethtool.pause desire '{\"rx\":true}', current 'null'", InvalidDesiredState),
        ("eth1.interface.ethtool.ring desire '{\"rx\":256}', current 'null'", InvalidDesiredState),
        ("eth1.interface.ethtool.coalesce.rx-usecs desire '10', current 'null'", InvalidDesiredState),
        ("eth1.interface.ethtool.ring.rx desire '300', current '256'", VerificationFailed),
        # A card without carrier has no speed yet.
        ("eth1.interface.ethernet.speed desire '1000', current 'null'", VerificationFailed),
        ("eth1.interface.mtu desire '1600', current '1500'", VerificationFailed),
    ],
)
def test_what_a_driver_cannot_do_is_not_tried_again(said: str, kind: type[NodeError]) -> None:
    assert type(translate(libnmstate_error.NmstateVerificationError(f"Verification failure: {said}"))) is kind


MAC = "Connection(InvalidProperty):802-3-ethernet.cloned-mac-address: '02:11' is not a valid MAC address"
EMPTY = "Connection(MissingProperty):ipv4.addresses: this property cannot be empty for 'method=manual'"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (MAC, "interfaces[eth1].mac-address: NetworkManager refuses 802-3-ethernet.cloned-mac-address: '02:11' is"),
        (EMPTY, "interfaces[eth1].ipv4 or interfaces[eth2].ipv4: NetworkManager refuses ipv4.addresses: this property"),
        (
            "Connection(InvalidProperty):bridge.priority: too large",
            "bridge: NetworkManager refuses bridge.priority: too",
        ),
    ],
)
def test_what_networkmanager_refuses_is_told_by_the_field(said: str, told: str) -> None:
    document = {
        "interfaces": [
            {"name": "eth1", "mac-address": "02:11", "ipv4": {"enabled": True}},
            {"name": "eth2", "ipv4": {"enabled": True}},
            {"name": "eth3", "state": "absent", "ipv4": {"enabled": True}},
        ]
    }
    error = translate(libnmstate_error.NmstateValueError(said), document)

    assert isinstance(error, InvalidDesiredState)
    assert str(error).startswith(told)


async def test_what_a_call_took_is_counted_in_the_loop(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every metric: prometheus-client's locks and the reader of /metrics are the loop's."""
    counted: set[str] = set()
    node = nmstate(Library(), metrics)
    for histogram in (metrics.show_seconds, metrics.apply_seconds.labels("apply")):
        observe = histogram.observe

        def spied(amount: float, observe: Callable[[float], None] = observe) -> None:
            counted.add(threading.current_thread().name)
            observe(amount)

        monkeypatch.setattr(histogram, "observe", spied)

    await node.show()
    await node.apply(NOTHING, on_trial=True)

    assert counted == {threading.current_thread().name}
    sample = metrics.registry.get_sample_value
    assert sample("nmstate_controller_show_duration_seconds_count") == 1
    assert sample("nmstate_controller_apply_duration_seconds_count", {"phase": "apply"}) == 1


async def test_a_call_that_comes_back_late_is_counted_too(metrics: Metrics) -> None:
    library = Library()
    library.released.clear()
    node = nmstate(library, metrics, timeout=0.05)
    with pytest.raises(NmstateStuck):
        await node.apply(NOTHING)

    library.released.set()
    await node.idle()

    count = "nmstate_controller_apply_duration_seconds_count"
    assert metrics.registry.get_sample_value(count, {"phase": "finish"}) == 1
