"""The lab's network namespace, in a mount namespace of its own: nothing is left of it, whatever others do to /run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HACK = Path(__file__).resolve().parents[3] / "hack"

LAB = """
import os, pathlib, subprocess, sys
from labkit import lab, network
from labkit.place import Place

def run(*command):
    subprocess.run(command, check=True)

run("mount", "-t", "tmpfs", "tmpfs", "/run")
before = open("/proc/self/mounts").read()
place = Place("x")
place.make()
{what}
lab.down(place)
run("sh", "-c", "for name in /run/netns/*; do if [ -e $name ]; then ip netns del ${{name##*/}}; fi; done")
subprocess.run(["umount", "/run/netns"], stderr=subprocess.DEVNULL)
assert open("/proc/self/mounts").read() == before, open("/proc/self/mounts").read()
assert not place.state.exists()
assert set(os.listdir("/run")) <= {{"netns", "mount"}}, os.listdir("/run")  # the second is mount's own
assert not os.path.exists("/run/netns") or os.listdir("/run/netns") == [], os.listdir("/run/netns")
"""


def in_mount_namespace(folder: Path, what: str) -> str:
    """Do that and take the lab down; what went wrong."""
    done = subprocess.run(
        ["unshare", "--mount", "--propagation=private", sys.executable, "-c", LAB.format(what=what)],
        env={**os.environ, "XDG_STATE_HOME": str(folder), "PYTHONPATH": str(HACK)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr if done.returncode else ""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts")
@pytest.mark.parametrize(
    "what",
    [
        "network.create(place)",
        "network.create(place); run('ip', 'netns', 'add', 'other')",
        "run('ip', 'netns', 'add', 'other'); network.create(place)",
        "network.create(place); run('mount', '--bind', place.namespace, place.namespace)",
        "network.create(place); run('ip', 'netns', 'add', 'other'); network.create(place)",
        "network.create(place); run('ip', 'netns', 'add', 'other'); run('ip', 'netns', 'del', f'nl-{place.name}')",
        # A command that was killed on its way.
        "place.namespace.touch()",
        "network.create(place); place.namespace_link.unlink()",
        # As an earlier version of the lab made it.
        "os.mkdir('/run/netns'); place.namespace_link.touch(); run('unshare', f'--net={place.namespace_link}', 'true')",
    ],
)
def test_taking_a_lab_down_leaves_nothing_behind(tmp_path: Path, what: str) -> None:
    assert in_mount_namespace(tmp_path, what) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts")
def test_the_namespace_is_found_by_its_name_too(tmp_path: Path) -> None:
    what = (
        "network.create(place); run('ip', 'netns', 'add', 'other'); run('ip', '-n', 'nl-x', 'link', 'show', 'br-lab')"
    )
    assert in_mount_namespace(tmp_path, what) == ""
