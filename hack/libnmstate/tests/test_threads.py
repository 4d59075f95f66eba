"""Calls release the GIL: a call that waits lets other Python threads run, other calls included.

The calls wait for a bus that a thread of this process plays. Should a call keep the GIL, that thread could not
answer and the call would wait for ever; hence a process of its own, with a deadline.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CALLS = {
    "show": "libnmstate.show()",
    "apply": "libnmstate.apply({}, rollback_timeout=1)",
    "commit": "libnmstate.commit()",
    "rollback": "libnmstate.rollback()",
}

SCRIPT = """
    import os
    import socket
    import threading

    import libnmstate

    CALLERS = 3
    errors = []

    def call():
        try:
            {call}
        except libnmstate.NmstateError as error:
            errors.append(error.kind)

    bus = socket.socket(socket.AF_UNIX)
    bus.bind(os.environ["BUS"])
    bus.listen()
    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    # All are under way at once before any gets an answer, and this thread runs meanwhile.
    connections = [bus.accept()[0] for _ in range(CALLERS)]
    for connection in connections:
        connection.close()
    bus.close()
    for caller in callers:
        caller.join()
    assert errors == ["Bug"] * CALLERS, errors
"""


@pytest.mark.parametrize("name", CALLS)
def test_calls_wait_without_the_gil(name: str, tmp_path: Path) -> None:
    bus = tmp_path / "bus"
    environment = os.environ | {"BUS": str(bus), "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={bus}"}
    script = textwrap.dedent(SCRIPT).format(call=CALLS[name])
    process = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=False,
        env=environment,
        text=True,
        timeout=60,
    )
    assert (process.returncode, process.stderr) == (0, "")
