"""Where a lab lives: its name, its folders and the locks that keep two commands from building on one spot."""

import fcntl
import os
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.errors import LabError
from labkit.progress import say

CHECKOUT = Path(__file__).resolve().parents[2]
LOCK_SECONDS = 1800.0
"""How long to wait for another command on the same lab: a first `up` builds kube-apiserver for minutes."""


def _home(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home() / default


def cache() -> Path:
    """The folder for what any lab of this user may share: binaries, by version."""
    return _home("XDG_CACHE_HOME", ".cache") / "nmstate-controller"


def default_name() -> str:
    """The lab's name when none is given: the checkout's folder and a hash of its path."""
    slug = re.sub(r"[^a-z0-9]+", "-", CHECKOUT.name.lower()).strip("-")[:16] or "lab"
    # Not hashlib: it loads OpenSSL, which a third of `hack/lab exec` would be.
    return f"{slug}-{zlib.crc32(str(CHECKOUT).encode()):08x}"


class Place:
    """The paths of one lab; creating an instance touches nothing."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", name):
            raise LabError(f"{name!r} is no name for a lab: up to 30 of a-z, 0-9 and - are")
        self.name = name
        self.state = _home("XDG_STATE_HOME", ".local/state") / "nmstate-lab" / name
        for path in (self.state, CHECKOUT):
            if re.search(r"[\s,]", str(path)):
                # Kernel command lines and mount options know no quoting.
                raise LabError(f"the lab does not work below {path}: a path with white space or a comma")
        self.bin = self.state / "bin"
        self.certificates = self.state / "certificates"
        self.kubeconfig = self.state / "kubeconfig"
        self.kubelets = self.state / "kubelets"  # there if the nodes run pods
        # Not in /run/netns: the first `ip netns add` after a boot mounts that folder over itself.
        self.namespace = self.state / "namespace"
        self.namespace_link = Path("/run/netns") / f"nl-{name}"  # for `ip netns exec` and people

    def node(self, node: str) -> Path:
        """The folder of one node: its disk, its logs, its console."""
        return self.state / "nodes" / node

    def nodes(self) -> list[str]:
        """The names of the nodes that this lab was made with, in order."""
        folder = self.state / "nodes"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def require_node(self, node: str) -> str:
        """Return `node` if the lab has it; raise LabError otherwise."""
        nodes = self.nodes()
        if not nodes:
            raise LabError(f"lab {self.name} is not up: `hack/lab up` starts it")
        if node not in nodes:
            raise LabError(f"lab {self.name} has no node {node!r}, it has {', '.join(nodes)}")
        return node

    def make(self) -> None:
        """Create the state folder, which holds private keys, readable by its owner alone."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.bin.mkdir(exist_ok=True)

    @contextmanager
    def lock(self, shared: bool = False) -> Iterator[None]:
        """Hold the lab: exclusively, or shared with commands that touch other parts of it."""
        # Beside the state folder, because `down` removes that.
        path = self.state.with_name(f".{self.name}.lock")
        with file_lock(path, shared):
            yield
            if not shared:
                path.unlink(missing_ok=True)


@contextmanager
def file_lock(path: Path, shared: bool = False) -> Iterator[None]:
    """Hold a lock file, which is created if need be; raises LabError if another command never lets go of it."""
    deadline = time.monotonic() + LOCK_SECONDS
    told = False
    while True:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            # The last holder may have removed the file that was opened: then it locks nothing.
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                break
        except BlockingIOError:
            if not told:
                say(f"waiting for another command that holds {path}")
                told = True
        except FileNotFoundError:
            pass
        os.close(descriptor)
        if time.monotonic() >= deadline:
            raise LabError(f"another command has held {path} for {LOCK_SECONDS:.0f} s")
        time.sleep(0.1)
    try:
        yield
    finally:
        os.close(descriptor)
