"""A libnmstate over a dictionary, for what a real node cannot be made to do on request."""

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

State = dict[str, Any]


class Library:
    """`interfaces` is the node. A call may be held (`hold`), or made to fail (`fail_next`)."""

    def __init__(self) -> None:
        self.interfaces: dict[str, State] = {"eth1": {"name": "eth1", "type": "ethernet", "state": "up", "mtu": 1500}}
        self.applied: list[State] = []
        self.show_failures: list[Exception] = []
        self.apply_failures: list[Exception] = []
        self.released = threading.Event()
        self.released.set()
        self.entered = threading.Event()
        self.calls = 0
        self.overlapped = False
        self._inside = threading.Lock()
        self.after_apply: Callable[[], None] = lambda: None
        self.show_takes: Callable[[], None] = lambda: None

    def show(self, *, kernel_only: bool = False) -> State:
        with self._call():
            self.show_takes()
            if self.show_failures and not kernel_only:
                raise self.show_failures.pop(0)
            found = sorted(self.interfaces.values(), key=lambda interface: str(interface["name"]))
            return {"interfaces": copy.deepcopy(found)}

    def apply(self, desired_state: State, **_: Any) -> None:
        with self._call():
            self.applied.append(copy.deepcopy(desired_state))
            self.entered.set()
            assert self.released.wait(20)
            if self.apply_failures:
                raise self.apply_failures.pop(0)
            for interface in desired_state["interfaces"]:
                name = interface["name"]
                if interface.get("state") == "absent":
                    self.interfaces.pop(name, None)
                else:
                    self.interfaces[name] = {**self.interfaces.get(name, {"state": "up"}), **interface}
            self.after_apply()

    @contextlib.contextmanager
    def _call(self) -> Iterator[None]:
        """Count a call, and notice when two are under way at once."""
        self.calls += 1
        alone = self._inside.acquire(blocking=False)
        self.overlapped |= not alone
        try:
            yield
        finally:
            if alone:
                self._inside.release()
