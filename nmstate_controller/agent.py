"""The agent: builds its parts, runs them in one TaskGroup, and ends them in order on SIGTERM."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import structlog

from nmstate_controller import __version__
from nmstate_controller.api.models import Versions
from nmstate_controller.backoff import Backoff
from nmstate_controller.clock import Clock, SystemClock
from nmstate_controller.cluster import version as cluster_version
from nmstate_controller.cluster.client import Client
from nmstate_controller.cluster.credentials import load_configuration
from nmstate_controller.cluster.events import Events
from nmstate_controller.cluster.guard import ConnectionGuard, SystemHost
from nmstate_controller.cluster.reflector import Reflector
from nmstate_controller.cluster.resource import NodeNetworkStates
from nmstate_controller.cluster.store import Store
from nmstate_controller.controller.outcomes import Outcomes
from nmstate_controller.controller.proof import Prober
from nmstate_controller.controller.reconciler import Reconciler
from nmstate_controller.controller.reporter import Reporter
from nmstate_controller.controller.status_writer import StatusWriter
from nmstate_controller.controller.transaction import Manager, Transaction
from nmstate_controller.errors import ApiError, NetworkManagerUnavailable, SettingsError
from nmstate_controller.metrics import Metrics
from nmstate_controller.node import library
from nmstate_controller.node.journal import Journal
from nmstate_controller.node.kernel.notices import KernelNotices
from nmstate_controller.node.kernel.system import Kernel, SystemKernel
from nmstate_controller.node.library import Nmstate
from nmstate_controller.node.networkmanager.client import NetworkManager
from nmstate_controller.node.networkmanager.signals import NetworkManagerNotices
from nmstate_controller.node.report import Filter
from nmstate_controller.server import serving
from nmstate_controller.settings import Settings
from nmstate_controller.versions import unsupported

_LAST_WRITE_SECONDS: Final = 10.0
_LAST_CALL_SECONDS: Final = 5.0
_STUCK_LOOK_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Parts:
    """The parts between the apiserver and the node, joined."""

    store: Store
    reflector: Reflector
    status_writer: StatusWriter
    reporter: Reporter
    events: Events
    transaction: Transaction
    reconciler: Reconciler


def build(
    settings: Settings,
    client: Client,
    metrics: Metrics,
    clock: Clock,
    rng: random.Random,
    *,
    nmstate: Nmstate,
    manager: Manager,
    kernel: Kernel,
    prober: Prober,
) -> Parts:
    """Join the parts. The last four are the node, in place of which tests put something else."""
    api = NodeNetworkStates(client, settings.node_name)
    store = Store()
    reflector = Reflector(api, store, metrics, clock, rng, inactivity=settings.watch_inactivity_timeout)
    status_writer = StatusWriter(api, store, metrics, clock, rng, heartbeat=settings.heartbeat_interval)
    reporter = Reporter(
        nmstate,
        status_writer,
        Filter(settings.left_out_interfaces, features=settings.report_ethtool_features),
        metrics,
        clock,
        rng,
        node_name=settings.node_name,
        interval=settings.report_interval,
    )
    nmstate.on_return = reporter.notice
    events = Events(client, clock, settings.node_name)
    outcomes = Outcomes(status_writer, events, metrics, clock)
    journal = Journal(settings.run_directory)
    transaction = Transaction(nmstate, manager, kernel, journal, rollback_timeout=settings.rollback_timeout)
    reconciler = Reconciler(store, nmstate, transaction, prober, status_writer, reporter, outcomes, metrics, clock, rng)
    return Parts(store, reflector, status_writer, reporter, events, transaction, reconciler)


class Agent:
    """Everything that runs on one node. Made and run in the loop, once."""

    def __init__(self, settings: Settings, client: Client, metrics: Metrics) -> None:
        self._clock = clock = SystemClock()
        rng = random.Random()
        self._settings = settings
        self._metrics = metrics
        self._client = client
        self._manager = manager = NetworkManager()
        prober = Prober(manager.name_servers, client.reach, client.address, metrics, timeout=settings.probe_timeout)
        kernel = SystemKernel()
        self.nmstate = nmstate = Nmstate(
            metrics,
            clock,
            kernel,
            show_timeout=settings.show_timeout,
            apply_timeout=settings.apply_timeout,
            rollback_timeout=settings.rollback_timeout,
            ping=self._ping,
        )
        self._parts = parts = build(
            settings, client, metrics, clock, rng, nmstate=nmstate, manager=manager, kernel=kernel, prober=prober
        )
        self._guard = ConnectionGuard(client, SystemHost())
        self._kernel_notices = KernelNotices(self._kernel_noticed)
        self._manager_notices = NetworkManagerNotices(parts.reporter.notice, clock, rng)
        parts.status_writer.update_status(versions=_versions())

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then end what is under way within the budget of `shutdown_timeout`."""
        async with (
            serving(self._settings.listen_address, self._metrics, alive=self.alive, ready=self.ready),
            asyncio.TaskGroup() as group,
        ):
            tasks: list[asyncio.Task[Any]] = [
                group.create_task(part.run(), name=type(part).__name__)
                for part in (
                    self._parts.reflector,
                    self._parts.status_writer,
                    self._parts.events,
                    self._parts.reporter,
                    self._parts.reconciler,
                    self._kernel_notices,
                    self._guard,
                    self._manager_notices,
                )
            ]
            tasks.append(group.create_task(self._exit_when_stuck(), name="LeaveWhenStuck"))
            tasks.append(group.create_task(self._check_cluster(), name="CheckCluster"))
            await stop.wait()
            log.info("stopping: a change under way may finish, nothing new begins")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.shutdown_timeout):
                    await self._parts.reconciler.finish()
            await self._parts.status_writer.flush(_LAST_WRITE_SECONDS)
            for task in tasks:
                task.cancel()

    def _kernel_noticed(self) -> None:
        self._parts.reporter.notice()
        self._guard.notice()

    async def _ping(self) -> None:
        """Raises NetworkManagerUnavailable unless NetworkManager answers, and is one that will do."""
        version = await self._manager.answers()
        if problem := unsupported(NetworkManager=version):
            raise NetworkManagerUnavailable(problem)
        self._parts.status_writer.update_status(versions=_versions(version))

    async def _check_cluster(self) -> None:
        """Raises SettingsError when the cluster is too old; while it cannot be asked the node side goes on."""
        backoff = Backoff(random.Random(), first=1.0, limit=60.0)
        while True:
            try:
                problem = await cluster_version.problem(self._client)
            except ApiError as error:
                await self._clock.wait(asyncio.Event(), backoff.delay(error.retry_after))
                continue
            if problem:
                raise SettingsError(problem)
            return

    async def _exit_when_stuck(self) -> NoReturn:
        """End the process when a call into libnmstate does not come back: nothing else would end its thread."""
        while True:
            await self._clock.wait(asyncio.Event(), _STUCK_LOOK_SECONDS)
            if problem := self.alive():
                log.critical("exiting for a restart by the kubelet", error=problem)
                os._exit(1)

    def alive(self) -> str | None:
        """What a restart of the process would mend; the apiserver's absence is none of it."""
        if self.nmstate.stuck_seconds > self._settings.stuck_timeout:
            return f"a call into libnmstate has been stuck for {self.nmstate.stuck_seconds:.0f} s"
        return None

    def ready(self) -> str | None:
        """What is still missing before the agent does its work."""
        if not self._parts.store.synced:
            return "the object has not been listed yet"
        if not self._parts.reporter.reported:
            return "the node has not been read yet"
        return None


def _versions(network_manager: str | None = None) -> Versions:
    return Versions(agent=__version__, nmstate=library.VERSION, network_manager=network_manager)


async def run(settings: Settings) -> int:
    """Run the agent on this node until SIGTERM or SIGINT; a second signal leaves at once. Returns the exit status.

    Raises SettingsError when it cannot start. A defect ends the agent with status 1 and one line in the log. A call
    into libnmstate may be under way still.
    """
    library.require_wheel()
    log.info("starting", node=settings.node_name, nmstate=library.VERSION)
    metrics = Metrics()
    stop = asyncio.Event()
    with _signals(stop):
        async with Client(await load_configuration(), metrics, timeout=settings.api_timeout) as client:
            agent = Agent(settings, client, metrics)
            try:
                status = await _status(agent, stop)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LAST_CALL_SECONDS):
                        await agent.nmstate.idle()
                status = 1 if agent.nmstate.stuck else status
            finally:
                agent.nmstate.close()
            log.info("stopped", status=status)
            return status


async def _status(agent: Agent, stop: asyncio.Event) -> int:
    """Run the agent to its end. Raises SettingsError."""
    try:
        await agent.run(stop)
    except Exception as error:
        if found := _settings_error(error):
            raise found from None
        log.critical("a part of the agent failed, exiting", exc_info=error)
        return 1
    return 0


def _settings_error(error: Exception) -> SettingsError | None:
    """That error, or the first such in the group that it is."""
    if isinstance(error, ExceptionGroup):
        return next((found for part in error.exceptions if (found := _settings_error(part))), None)
    return error if isinstance(error, SettingsError) else None


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            log.warning("second signal, exiting at once")
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
