"""Every command ends, with the status that a shell expects, whatever libnmstate, the reader or the user does."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from libnmstate import error as libnmstate_error

from tests.unit.apiserver import ApiServer

SECONDS = 120
"""Longer than any of them takes; that they end is what is tested."""

LIBRARY = """
import pathlib, threading
__version__ = "2.2.62"
BUILT_FOR = "nmstate-controller"
def show(*, kernel_only=False):
    pathlib.Path(__file__).with_name("called").touch()
    {show}
"""
HANGS = "threading.Event().wait()"
SHOWS = "return {'interfaces': [{'name': 'eth1', 'type': 'ethernet', 'state': 'up', 'mtu': 1500}]}"


def environment(folder: Path, show: str) -> Mapping[str, str]:
    """An environment with a libnmstate that does that when it is asked what the node runs."""
    library = folder / "libnmstate"
    library.mkdir()
    (library / "__init__.py").write_text(LIBRARY.format(show=show))
    assert libnmstate_error.__file__
    shutil.copy(libnmstate_error.__file__, library / "error.py")
    # With PYTHONUNBUFFERED argparse itself meets a reader that has left, and takes it for no failure.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**inherited, "PYTHONPATH": str(folder)}


async def start(environment: Mapping[str, str], *arguments: str) -> asyncio.subprocess.Process:
    """A command whose output and errors can be read."""
    command = (sys.executable, "-m", "nmstate_controller", *arguments)
    pipe = asyncio.subprocess.PIPE
    # A shell has what it starts in the background ignore Ctrl-C, and these tests may be started so.
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
    finally:
        signal.signal(signal.SIGINT, kept)


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Exit status, output and errors of a command that has to end by itself."""
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return process.returncode, output.decode(), errors.decode()


async def called(folder: Path) -> None:
    """Wait until libnmstate was asked."""
    async with asyncio.timeout(SECONDS):
        while not (folder / "libnmstate" / "called").exists():  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("arguments", "failure"),
    [
        (("show", "--timeout", "0.2"), 1),
        (("show", "--kernel-only", "--timeout", "0.2"), 1),
        (("diff", "-f", "document.yaml", "--timeout", "0.2"), 2),
    ],
)
async def test_a_command_ends_although_libnmstate_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], failure: int
) -> None:
    (tmp_path / "document.yaml").write_text("interfaces: []")
    monkeypatch.chdir(tmp_path)

    status, output, errors = await ended(await start(environment(tmp_path, HANGS), *arguments))

    assert (status, output) == (failure, "")
    assert errors == "nmstate-controller: libnmstate's show has not returned after 0.2 s\n"


@pytest.mark.parametrize(
    ("arguments", "failure"), [(("show",), 1), (("diff", "-f", "document.yaml"), 2), (("run",), 1)]
)
async def test_another_libnmstate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], failure: int
) -> None:
    (tmp_path / "document.yaml").write_text("interfaces: []")
    monkeypatch.chdir(tmp_path)
    settings = {"NMSTATE_NODE_NAME": "node01", "NMSTATE_RUN_DIRECTORY": str(tmp_path / "run")}
    other = {**environment(tmp_path, SHOWS), **settings}
    source = tmp_path / "libnmstate" / "__init__.py"
    source.write_text(source.read_text().replace("BUILT_FOR", "BASE_ON_RUST"))

    status, output, errors = await ended(await start(other, *arguments))

    assert (status, output) == (failure, "")
    assert errors == (
        f"nmstate-controller: libnmstate 2.2.62 at {tmp_path}/libnmstate is not the one that nmstate-controller is "
        "built with; install the wheel of hack/build-libnmstate\n"
    )
    assert not (tmp_path / "libnmstate" / "called").exists()


async def test_control_c_ends_a_command_without_a_traceback(tmp_path: Path) -> None:
    process = await start(environment(tmp_path, HANGS), "show")
    await called(tmp_path)
    process.send_signal(signal.SIGINT)

    assert await ended(process) == (130, "", "")


async def test_an_agent_that_cannot_start_ends_although_libnmstate_hangs(server: ApiServer, tmp_path: Path) -> None:
    async def old(_: web.Request) -> web.StreamResponse:
        await called(tmp_path)
        return web.json_response({"gitVersion": "v1.20.0"})

    server.faults["version"] = [old]
    kubeconfig = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    settings = {
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "NMSTATE_NODE_NAME": "node01",
        "NMSTATE_LISTEN_ADDRESS": "127.0.0.1:0",
        "NMSTATE_LOG_FORMAT": "console",
        "NMSTATE_RUN_DIRECTORY": str(tmp_path / "run"),
        "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/no-bus",
    }

    process = await start({**environment(tmp_path, HANGS), **settings}, "run")
    status, _, errors = await ended(process)

    assert status == 1
    assert "\x1b" not in errors, "colour where no terminal reads it"
    assert errors.splitlines()[-1].startswith("nmstate-controller: Kubernetes 1.20.0 is too old")
    assert "Traceback" not in errors


@pytest.mark.parametrize("arguments", [("show",), ("crd",), ("--help",), ("diff", "--help")])
def test_a_reader_that_leaves_ends_a_command_without_a_traceback(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "nmstate_controller", *arguments],
            env=environment(tmp_path, SHOWS),
            stdout=nobody,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            check=False,
        )

    assert (done.returncode, done.stderr) == (141, b"")


def test_output_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "nmstate_controller", "show"],
            env=environment(tmp_path, SHOWS),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == b"nmstate-controller: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
async def test_a_timeout_that_is_none_is_refused(tmp_path: Path, seconds: str) -> None:
    status, _, errors = await ended(await start(environment(tmp_path, SHOWS), "show", "--timeout", seconds))

    assert status == 2
    assert "--timeout" in errors
