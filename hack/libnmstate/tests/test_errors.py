"""Each error kind is the exception class upstream has for it, with the crate's message."""

import copy
from collections.abc import Callable
from typing import Any

import libnmstate
import pytest
from libnmstate import _native, error
from libnmstate.error import (
    NmstateError,
    NmstateInternalError,
    NmstatePluginError,
    NmstateValueError,
)

pytestmark = pytest.mark.usefixtures("netns")


@pytest.mark.parametrize(
    ("kind", "classes"),
    [
        ("InvalidArgument", (error.NmstateValueError, ValueError)),
        ("PluginFailure", (error.NmstatePluginError,)),
        ("Bug", (error.NmstateInternalError,)),
        ("VerificationError", (error.NmstateVerificationError,)),
        ("NotImplementedError", (error.NmstateNotImplementedError, NotImplementedError)),
        ("NotSupportedError", (error.NmstateNotSupportedError,)),
        ("KernelIntegerRoundedError", (error.NmstateKernelIntegerRoundedError,)),
        ("DependencyError", (error.NmstateDependencyError,)),
        ("PermissionError", (error.NmstatePermissionError, PermissionError)),
    ],
)
def test_a_kind_with_a_class(kind: str, classes: tuple[type[Exception], ...]) -> None:
    raised = error.from_kind(kind, "eth1 is missing")
    assert type(raised) is classes[0]
    assert isinstance(raised, (NmstateError, *classes))
    assert all(isinstance(raised, wanted) for wanted in classes)
    assert (raised.kind, raised.msg, str(raised)) == (kind, "eth1 is missing", "eth1 is missing")


@pytest.mark.parametrize("kind", ["PolicyError", "SrIovVfNotFound", "SomethingNew"])
def test_a_kind_without_a_class_is_told_by_the_message(kind: str) -> None:
    raised = error.from_kind(kind, "why")
    assert type(raised) is NmstateError
    assert (raised.kind, raised.msg, str(raised)) == (kind, "why", f"{kind}: why")


@pytest.mark.parametrize("kind", ["InvalidArgument", "PermissionError", "PolicyError"])
@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy])
def test_an_error_survives_copying(kind: str, clone: Callable[[NmstateError], NmstateError]) -> None:
    raised = error.from_kind(kind, "why")
    other = clone(raised)
    assert type(other) is type(raised)
    assert (other.kind, other.msg, str(other)) == (kind, "why", str(raised))


@pytest.mark.parametrize(
    ("desired", "message"),
    [
        ({"foo": 1}, "unknown field `foo`"),
        ({"interfaces": [{}]}, "missing field `name`"),
        ({"interfaces": [{"name": "eth1", "mtu": "abc"}]}, "invalid digit found in string"),
        ({"interfaces": [{"name": "nosuch0", "type": "ethernet", "state": "up"}]}, "nosuch0 does not exist"),
    ],
)
def test_a_state_that_is_wrong(desired: dict[str, Any], message: str) -> None:
    with pytest.raises(NmstateValueError, match=message):
        libnmstate.apply(desired, kernel_only=True)


def test_a_backend_that_is_not_there() -> None:
    bridge = {"name": "ovs0", "type": "ovs-bridge", "state": "up"}
    with pytest.raises(NmstatePluginError, match="not able to connect OVS daemon"):
        libnmstate.apply({"interfaces": [bridge]}, kernel_only=True)


@pytest.mark.usefixtures("no_dbus")
@pytest.mark.parametrize(
    "call",
    [
        libnmstate.show,
        libnmstate.show_running_config,
        lambda: libnmstate.apply({}),
        libnmstate.commit,
        lambda: libnmstate.rollback(checkpoint="/org/freedesktop/NetworkManager/Checkpoint/1"),
    ],
    ids=["show", "show_running_config", "apply", "commit", "rollback"],
)
def test_without_a_bus(call: Callable[[], object]) -> None:
    with pytest.raises(NmstateInternalError, match="DbusConnectionError"):
        call()


def test_a_panic_is_an_internal_error_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NmstateInternalError, match=r"panic at src/lib\.rs:\d+: out of luck") as caught:
        _native.panic("out of luck")
    assert caught.value.kind == "Bug"
    assert capfd.readouterr() == ("", "")
