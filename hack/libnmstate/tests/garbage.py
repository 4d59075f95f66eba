"""Give every function documents that no state should be; run by test_garbage.py in a process of its own.

One line for each call: the function, the case, the exception's class and the start of its message. Any other
exception ends the run.
"""

import sys
import threading
from collections.abc import Callable
from typing import Any

import libnmstate
from libnmstate.error import NmstateValueError


def nested_list(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def nested_dict(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"interfaces": value}
    return value


def recursive() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["interfaces"] = [value]
    return value


def shared() -> list[Any]:
    value: list[Any] = ["x" * 1000]
    for _ in range(12):
        value = [value] * 10
    return value


def interface(**properties: object) -> dict[str, Any]:
    return {"interfaces": [{"name": "eth1", "type": "veth", "state": "up"} | properties]}


class Hostile(dict[str, Any]):
    """A dict whose own methods all fail."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("hostile")

    def keys(self) -> Any:
        raise RuntimeError("hostile")

    items = values = keys


# No function may take these.
REFUSED: dict[str, Any] = {
    "none": None,
    "int": 1,
    "str": "interfaces",
    "bytes": b"{}",
    "list": [],
    "set": set(),
    "object": object(),
    "class": dict,
    "key int": {1: 2},
    "key none": {None: 1},
    "key bytes": {b"interfaces": []},
    "key tuple": {(): 1},
    "key nul": {"a\0b": 1},
    "key surrogate": {"\ud800": 1},
    "interfaces none": {"interfaces": None},
    "interfaces str": {"interfaces": "eth1"},
    "interface none": {"interfaces": [None]},
    "interface list": {"interfaces": [[]]},
    "interface empty": {"interfaces": [{}]},
    "name int": {"interfaces": [{"name": 1}]},
    "name nul": {"interfaces": [{"name": "a\0b", "type": "dummy"}]},
    "description nul": interface(description="a\0b"),
    "surrogate": interface(description="\ud800"),
    "bytes inside": interface(mtu=b"1500"),
    "set inside": interface(mtu={1500}),
    "object inside": interface(mtu=object()),
    "nan": interface(mtu=float("nan")),
    "infinity": interface(mtu=float("inf")),
    "fraction": interface(mtu=1.5),
    "bool for int": interface(mtu=True),
    "negative": interface(mtu=-1),
    "beyond 64 bits": interface(mtu=2**64),
    "very long int": interface(mtu=10**5000),
    "very long digits": interface(mtu="9" * 10_000),
    "deep list": {"interfaces": nested_list(100_000)},
    "deep dict": nested_dict(100_000),
    "recursive": recursive(),
    "shared a million times": interface(foo=shared()),
    "hostile dict": Hostile(foo=1),
    "prefix": interface(ipv4={"enabled": True, "address": [{"ip": "192.0.2.1", "prefix-length": 500}]}),
}

# Nor may these harm, taken or not.
ODD: dict[str, Any] = {
    "long name": {"interfaces": [{"name": "n" * 10_000, "type": "dummy", "state": "up"}]},
    "no name": {"interfaces": [{"name": "", "type": "dummy", "state": "up"}]},
    "dots": {"interfaces": [{"name": "..", "type": "dummy", "state": "up"}]},
    "control": {"interfaces": [{"name": "\n\x1b[0m", "type": "dummy", "state": "up"}]},
    "long text": {"description": "x" * 10_000_000},
    "unknown type": {"interfaces": [{"name": "x0", "type": "é", "state": "up"}]},
    "nested as allowed": {"interfaces": [{"name": "x0", "foo": nested_list(55)}]},
    "own port": {"interfaces": [{"name": "b0", "type": "linux-bridge", "bridge": {"port": [{"name": "b0"}]}}]},
    "own base": {"interfaces": [{"name": "l0", "type": "vlan", "vlan": {"base-iface": "l0", "id": 65535}}]},
    "ports of each other": {
        "interfaces": [
            {"name": "b0", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "b1"}]}},
            {"name": "b1", "type": "linux-bridge", "state": "up", "bridge": {"port": [{"name": "b0"}]}},
        ]
    },
    "many vfs": {
        "interfaces": [{"name": "eth1", "type": "ethernet", "ethernet": {"sr-iov": {"total-vfs": 2**32 - 1}}}]
    },
    "route": {"routes": {"config": [{"destination": "0.0.0.0/99", "next-hop-interface": "é"}]}},
    "rule": {"route-rules": {"config": [{"ip-from": "é/é", "priority": -1}]}},
    "dns": {"dns-resolver": {"config": {"server": ["fe80::1%"], "search": ["é"], "options": [":"]}}},
    "mac": interface(**{"mac-address": "é:"}),
    "802.1x": interface(**{"802.1x": {"identity": "é"}}),
    "pkey": {"interfaces": [{"name": "é.1", "type": "infiniband", "infiniband": {"pkey": "0x", "mode": "é"}}]},
    "capture": {"capture": {"é": "interfaces.é == é"}, "desired": {}},
    "capture of nothing": {"capture": {"a": ""}, "desired": {"interfaces": [{"name": "{{"}]}},
}


def located(document: Any) -> None:
    """Raise what is returned of a refusal, as the other functions do."""
    if found := libnmstate.locate_error(document):
        raise NmstateValueError(found[1])


def calls() -> dict[str, Callable[[Any], object]]:
    """Each function with one document, beside a state that is all right."""
    now = libnmstate.show(kernel_only=True)
    return {
        # In the test's own network namespace.
        "apply": lambda document: libnmstate.apply(document, kernel_only=True, verify_change=False),
        "locate": located,
        "differences": lambda document: libnmstate.generate_differences(document, now),
        "differences from": lambda document: libnmstate.generate_differences(now, document),
        "configurations": libnmstate.generate_configurations,
        "revert": lambda document: libnmstate.generate_revert(document, now),
        "revert to": lambda document: libnmstate.generate_revert(now, document),
        "policy": lambda document: libnmstate.gen_net_state_from_policy({"desired": document}, now),
        "policy on": lambda document: libnmstate.gen_net_state_from_policy({"capture": {}}, document),
    }


def run(documents: dict[str, Any]) -> None:
    for function, call in calls().items():
        for case, document in documents.items():
            result = "fine"
            try:
                call(document)
            except libnmstate.NmstateError as raised:
                result = f"{type(raised).__name__}|{str(raised)[:200]!r}"
            print(f"{function}|{case}|{result}", flush=True)


if __name__ == "__main__":
    # A quarter of a megabyte is as small as a thread's stack gets in practice.
    threading.stack_size(256 << 10)
    thread = threading.Thread(target=run, args=({"refused": REFUSED, "odd": ODD}[sys.argv[1]],))
    thread.start()
    thread.join()
    print("the end")
