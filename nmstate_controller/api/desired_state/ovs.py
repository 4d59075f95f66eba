"""Open vSwitch: its database, and interfaces that are more than ports."""

from typing import Annotated

from pydantic import WithJsonSchema

from nmstate_controller.api.desired_state.fields import (
    U32,
    Anything,
    Flag,
    Nullable,
    Section,
    Text,
    UnderscoreSection,
    optional,
    required,
    words,
)

_Columns = Annotated[
    dict[str, str | None],
    WithJsonSchema(
        {"type": "object", "nullable": True, "additionalProperties": {"type": "string", "nullable": True}},
    ),
]


class OvsDb(UnderscoreSection):
    """Columns of one row in Open vSwitch's database."""

    # Anything that is no map is read as an empty one, which removes all that is there; so is null.
    external_ids: Anything = optional("Map of external identifiers. It replaces what is there.")
    other_config: Anything = optional("Map of further settings. It replaces what is there.")


class OvsDbGlobal(UnderscoreSection):
    """Columns of Open vSwitch's global configuration. {} removes all."""

    external_ids: _Columns = optional("External identifiers: texts. A null removes one; those left out stay.")
    other_config: _Columns = optional("Further settings: texts. A null removes one; those left out stay.")


class Patch(Section):
    """The interface's end of a patch cable between two OVS bridges."""

    peer: str = required("Name of the interface at the other end.")


class Dpdk(UnderscoreSection):
    """A DPDK interface."""

    devargs: str = required("The device, for example its PCI address.")
    rx_queue: Nullable[U32] = optional("Number of receive queues.", key="rx-queue")
    n_rxq: Nullable[U32] = optional("Another name of rx-queue.")
    n_rxq_desc: Nullable[U32] = optional("Descriptors of each receive queue.")
    n_txq_desc: Nullable[U32] = optional("Descriptors of each transmit queue.")
    lsc_interrupt: Nullable[Flag] = optional("Whether changes of the link come by interrupt.", key="lsc-interrupt")
    dpdk_lsc_interrupt: Nullable[Flag] = optional("Another name of lsc-interrupt.", key="dpdk-lsc-interrupt")


class BridgeMapping(Section):
    """From an OVN network to a bridge."""

    localnet: str = required("Name of the OVN network.")
    bridge: Text = optional("The Open vSwitch bridge that it is mapped to.")
    state: Text = optional("absent removes the mapping.", **words("present", "absent"))


class Ovn(Section):
    """Open Virtual Network."""

    bridge_mappings: Nullable[list[BridgeMapping]] = optional("Which physical networks are reached by which bridges.")
