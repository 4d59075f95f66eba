"""The agent's settings: environment variables with the prefix NMSTATE_.

Each field carries its unit, default and reason here and nowhere else; README's table is generated from them.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from nmstate_controller.errors import SettingsError

Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """What an administrator may tune. Times are seconds."""

    model_config = SettingsConfigDict(env_prefix="NMSTATE_", extra="forbid", frozen=True)

    node_name: str = Field(
        min_length=1,
        max_length=253,
        description="Name of the Kubernetes node that the agent runs on, and of its object. Required; the DaemonSet "
        "sets it.",
    )
    listen_address: str = Field(
        default="127.0.0.1:9837",
        pattern=r"^.*:\d{1,5}$",
        description="Where /metrics, /livez and /readyz are served; `:9837` is every address, IPv4 and IPv6. Loopback, "
        "because the pod shares the node's network. The DaemonSet's own probes ask 127.0.0.1:9837.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lines below this level are not written."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="`auto` is `console` on a terminal and `json` elsewhere."
    )
    report_interval: Seconds = Field(
        default=60,
        description="Time between two looks at the node when nothing calls for one earlier; ±10 % jitter, so that a "
        "cluster's agents spread.",
    )
    heartbeat_interval: Seconds = Field(
        default=300,
        description="How old status.lastSuccessfulUpdateTime may get on a quiet node: tells it from a dead agent at "
        "one write each.",
    )
    interface_filter: str = Field(
        default="",
        description="Shell patterns, separated by commas, of interfaces that are left out of the report with their "
        "routes, such as `cali*,lxc*`. Veths that NetworkManager ignores are left out anyway.",
    )
    report_ethtool_features: bool = Field(
        default=False,
        description="Whether the report has `ethtool.feature` of each interface. Some 60 flags, more than all the rest "
        "of an interface, that few people read. Drift of features that desiredState names is found either way.",
    )
    show_timeout: Seconds = Field(
        default=60,
        description="Deadline of one look at the node. A busy node with 1,000 interfaces needs about 10.",
    )
    apply_timeout: Seconds = Field(
        default=180,
        description="Deadline of one change of the node. libnmstate itself gives up on a device that never comes "
        "after about 130.",
    )
    rollback_timeout: int = Field(
        default=60,
        ge=10,
        description="After this time without a commit NetworkManager undoes a change by itself. It is re-armed "
        "while libnmstate verifies.",
    )
    probe_timeout: int = Field(
        default=20,
        ge=1,
        le=120,
        description="How long after a change the probes may take to pass before it is undone; `timeoutSeconds` "
        "in `spec.probes` may say otherwise for one of them.",
    )
    stuck_timeout: Seconds = Field(
        default=600,
        description="A call into libnmstate that is past its deadline is waited for this long, then /livez fails and "
        "the agent leaves.",
    )
    run_directory: Path = Field(
        default=Path("/run/nmstate-controller"),
        description="Where the agent notes what it is changing, for the agent after it. A tmpfs: gone with a reboot, "
        "which undoes an unfinished change as well.",
    )
    api_timeout: Seconds = Field(default=15, description="Deadline of one request to the apiserver, watches excepted.")
    watch_inactivity_timeout: Seconds = Field(
        default=330,
        description="A watch that is silent this long is opened again: it may be dead without either side knowing.",
    )
    shutdown_timeout: Seconds = Field(
        default=200,
        description="After SIGTERM a change under way may end and its verdict be written; kept below "
        "terminationGracePeriodSeconds.",
    )

    @property
    def left_out_interfaces(self) -> list[str]:
        """The patterns of `interface_filter`, one by one."""
        return [pattern.strip() for pattern in self.interface_filter.split(",") if pattern.strip()]


def load() -> Settings:
    """Read the settings from the environment.

    Raises SettingsError that names the variable, what is wrong with it and what it would accept.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"NMSTATE_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise SettingsError(f"cannot start with these settings: {problems}") from error
