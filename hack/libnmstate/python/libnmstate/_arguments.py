"""Checks of the arguments that are not states."""

from .error import NmstateValueError

_MAX_SECONDS = 2**32 - 1


def flag(name: str, value: object) -> bool:
    """A bool as it is; anything else is refused rather than read as true."""
    if isinstance(value, bool):
        return value
    raise NmstateValueError(f"{name} is a bool, not {type(value).__name__}")


def seconds(name: str, value: object) -> int:
    """A number of seconds that D-Bus can carry."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise NmstateValueError(f"{name} is an int, not {type(value).__name__}")
    if not 0 <= value <= _MAX_SECONDS:
        raise NmstateValueError(f"{name} is from 0 to {_MAX_SECONDS} seconds")
    return value


def checkpoint_path(value: object) -> str:
    """A checkpoint's D-Bus path, for None empty: the crate then takes the pending one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NmstateValueError(f"checkpoint is a str or None, not {type(value).__name__}")
    if not value.startswith("/") or not value.isprintable():
        raise NmstateValueError("checkpoint is a D-Bus path, which starts with a slash")
    return value
