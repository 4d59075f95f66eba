"""What the agent asks NetworkManager itself, on a node: whose checkpoint it is, and bringing back what there was."""

import json

from tests.lab import CHECKOUT, Node
from tests.oracle import undone

CHECKPOINTS = f"""
import asyncio, json, sys, time
sys.path.insert(0, {str(CHECKOUT)!r})
from nmstate_controller.node.networkmanager import dbus
from nmstate_controller.node.networkmanager.client import NetworkManager
from nmstate_controller.node.networkmanager.snapshot import ROOT, SERVICE

async def main():
    manager, ended, found = NetworkManager(), asyncio.Event(), {{}}
    ended.set()
    async with dbus.connected() as bus:
        async def checkpoint(timeout):
            return await bus.call(SERVICE, ROOT, SERVICE, "CheckpointCreate", "aouu", [[], timeout, 0])
        since = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)
        found["none"] = await manager.new_checkpoint(since, 61, ended)
        made = await checkpoint(60)
        found["another timeout"] = await manager.new_checkpoint(since, 61, ended)
        await bus.call(SERVICE, ROOT, SERVICE, "CheckpointDestroy", "o", [made])
        made = await checkpoint(61)
        found["an older one"] = await manager.new_checkpoint(since + 60_000, 61, ended)
        found["ours"] = await manager.new_checkpoint(since, 61, ended) == made
        await bus.call(SERVICE, ROOT, SERVICE, "CheckpointDestroy", "o", [made])
    print(json.dumps(found))

asyncio.run(main())
"""


def test_only_the_checkpoint_of_that_moment_and_timeout_is_ours(node: Node) -> None:
    found = json.loads(node.python(CHECKPOINTS).splitlines()[-1])

    assert found == {"none": None, "another timeout": None, "an older one": None, "ours": True}


RESTORE = f"""
import asyncio, subprocess, sys
sys.path.insert(0, {str(CHECKOUT)!r})
from nmstate_controller.node.networkmanager.client import NetworkManager

async def main():
    manager = NetworkManager()
    before = await manager.snapshot()
    subprocess.run(["sh", "-ec", sys.argv[1]], check=True, stdout=subprocess.DEVNULL)
    assert before.differences(await manager.snapshot())
    await manager.restore(before, 20)
    print(before.differences(await manager.snapshot()))

asyncio.run(main())
"""

DEEDS = {
    "a profile is changed": "nmcli connection modify eth2 ipv4.addresses 192.0.2.99/24",
    "a profile is changed in memory, and activated": "nmcli connection modify --temporary eth2 ipv4.addresses"
    " 192.0.2.99/24; nmcli connection up eth2",
    "a profile is deleted": "nmcli connection delete eth2",
    "a profile is added": "nmcli connection add type dummy ifname dummy9 ipv4.method disabled ipv6.method disabled",
    "a device is disconnected": "nmcli device disconnect eth2",
    "another profile is activated": "nmcli connection add type ethernet ifname eth2 con-name other"
    " ipv4.method disabled ipv6.method link-local; nmcli connection up other",
    "NetworkManager restarts meanwhile": "nmcli connection modify eth2 ipv4.addresses 192.0.2.99/24;"
    " nmcli connection up eth2; lab-networkmanager restart",
}


def test_restore_whatever_was_done_to_profiles_leaves_no_trace(node: Node) -> None:
    node.shell(
        "nmcli connection add type ethernet ifname eth2 con-name eth2 ipv4.method manual ipv4.addresses 192.0.2.10/24"
        " ipv6.method disabled; nmcli connection up eth2"
    )
    for name, deed in DEEDS.items():
        # The metrics of routes are given back later, by `Rollback`.
        with undone(node, but=["route .* eth2 "]):
            left = node.python(RESTORE, deed).splitlines()[-1]
        assert left == "[]", name
