"""The entries of `spec.probes` as the agent uses them: each kind with what it needs, and nothing else. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from nmstate_controller.api.models import Probe


@dataclass(frozen=True, slots=True)
class GatewaySpec:
    """The default gateway answers. `timeout_seconds`: None is the agent's own; so it is below."""

    timeout_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ApiServerSpec:
    """The apiserver answers."""

    timeout_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class DnsSpec:
    """A configured DNS server answers."""

    timeout_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class TcpSpec:
    """A port takes a connection."""

    host: str
    port: int
    timeout_seconds: int | None = None


ProbeSpec = GatewaySpec | ApiServerSpec | DnsSpec | TcpSpec


def probe_specs(probes: Sequence[Probe]) -> list[ProbeSpec]:
    """What the entries of `spec.probes` ask for, in their order."""
    return [_spec(probe) for probe in probes]


def _spec(probe: Probe) -> ProbeSpec:
    match probe.type:
        case "gateway":
            return GatewaySpec(probe.timeout_seconds)
        case "apiServer":
            return ApiServerSpec(probe.timeout_seconds)
        case "dns":
            return DnsSpec(probe.timeout_seconds)
        case "tcp":
            # Both are there, or the probe would not have been read.
            return TcpSpec(probe.host or "", probe.port or 0, probe.timeout_seconds)
        case other:
            assert_never(other)
