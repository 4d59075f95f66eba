"""`bridge` of Linux bridges and Open vSwitch bridges: one section, of which each kind of bridge takes its part."""

from nmstate_controller.api.desired_state.fields import (
    U8,
    U16,
    U32,
    U64,
    Flag,
    Nullable,
    Section,
    Text,
    Untyped,
    optional,
    required,
    words,
)
from nmstate_controller.api.desired_state.ovs import OvsDb

VLAN_PROTOCOLS = words("802.1q", "802.1ad")


class VlanRange(Section):
    """A range of VLANs."""

    min: U16 = required("First VLAN id.")
    max: U16 = required("Last VLAN id.")


class TrunkTag(Section):
    """One VLAN (id) or a range of them (id-range)."""

    # Read as text only without `0x`; the schema need not tell.
    id: U16 = optional("A VLAN id.")
    id_range: VlanRange = optional("A range of VLAN ids.")


class PortVlan(Section):
    """VLAN filtering on a port."""

    mode: Text = optional(
        "access: one VLAN, untagged. trunk: several, tagged. Default access.", **words("trunk", "access")
    )
    tag: U16 = optional("VLAN of an access port, or with enable-native the untagged VLAN of a trunk port.")
    enable_native: Flag = optional("Whether a trunk port has an untagged VLAN, which is tag.")
    trunk_tags: Nullable[list[TrunkTag]] = optional("VLANs of a trunk port.")


class OvsBondPort(Section):
    """A port of an Open vSwitch bond."""

    name: str = required("Name of the interface.")


class OvsBond(Section):
    """A bond in an Open vSwitch bridge."""

    mode: Text = optional(
        "How packets are spread over the ports.", **words("active-backup", "balance-slb", "balance-tcp", "lacp")
    )
    port: Nullable[list[OvsBondPort]] = optional("Ports of the bond.")
    ports: Nullable[list[OvsBondPort]] = optional("Another name of port.")
    bond_downdelay: U32 = optional("Milliseconds from a lost link to the port's disuse.")
    bond_updelay: U32 = optional("Milliseconds from a link to the port's use.")
    ovs_db: Nullable[OvsDb] = optional("The bond's columns in Open vSwitch's database.")


class BridgePort(Section):
    """A port of the bridge."""

    name: str = required("Name of the interface.")
    vlan: Nullable[PortVlan] = optional("VLAN filtering on this port. Left out, it stays; {} ends it.")
    stp_hairpin_mode: Flag = optional("linux-bridge: whether frames may leave by the port that they came in by.")
    stp_path_cost: U32 = optional("linux-bridge: cost of the port for the spanning tree.")
    stp_priority: U16 = optional("linux-bridge: priority of the port for the spanning tree, 0 to 63.")
    link_aggregation: Nullable[OvsBond] = optional("ovs-bridge: makes this port a bond of other interfaces.")
    bond: Nullable[Section] = optional("ovs-bridge: another name of link-aggregation.")


class Stp(Section):
    """Spanning tree."""

    enabled: Flag = optional("Whether the bridge takes part in the spanning tree.")
    forward_delay: U8 = optional("linux-bridge: seconds in each of the states before forwarding, 2 to 30.")
    hello_time: U8 = optional("linux-bridge: seconds between hello packets, 1 to 10.")
    max_age: U8 = optional("linux-bridge: seconds after which a silent bridge counts as lost, 6 to 40.")
    priority: U16 = optional(
        "linux-bridge: priority of the bridge, 0 to 61440 in steps of 4096; the lowest is the root."
    )


class BridgeOptions(Section):
    """Options of the bridge."""

    stp: Nullable[Untyped[Stp]] = optional("Spanning tree. For an ovs-bridge a boolean will do instead of the map.")
    gc_timer: Nullable[U64] = optional("linux-bridge: only reported; ignored here.")
    group_addr: Text = optional("linux-bridge: multicast MAC address of the spanning tree's packets.")
    group_forward_mask: U16 = optional("linux-bridge: older name of group-fwd-mask.")
    group_fwd_mask: U16 = optional("linux-bridge: bits of the link-local multicast groups that are forwarded.")
    hash_max: U32 = optional("linux-bridge: size of the multicast hash table.")
    hello_timer: Nullable[U64] = optional("linux-bridge: only reported; ignored here.")
    mac_ageing_time: U32 = optional("linux-bridge: seconds after which a silent MAC address is forgotten.")
    multicast_last_member_count: U32 = optional("linux-bridge: queries sent after a leave.")
    multicast_last_member_interval: U64 = optional("linux-bridge: time between these, in 1/100 s.")
    multicast_membership_interval: U64 = optional("linux-bridge: after this time a silent member is gone, in 1/100 s.")
    multicast_querier: Flag = optional("linux-bridge: whether the bridge sends multicast queries itself.")
    multicast_querier_interval: U64 = optional("linux-bridge: after this time another querier is gone, in 1/100 s.")
    multicast_query_interval: U64 = optional("linux-bridge: time between queries, in 1/100 s.")
    multicast_query_response_interval: U64 = optional("linux-bridge: time to answer a query, in 1/100 s.")
    multicast_query_use_ifaddr: Flag = optional("linux-bridge: whether queries carry the bridge's own address.")
    multicast_router: U8 = optional(
        "linux-bridge: whether ports to multicast routers are detected: auto, disabled, enabled; or 1, 0, 2.",
        pattern="^(?i:auto|disabled|enabled)$",
        maximum=2,
    )
    multicast_snooping: Flag = optional("linux-bridge: whether multicast goes to ports that asked for it only.")
    multicast_startup_query_count: U32 = optional("linux-bridge: queries sent at start.")
    multicast_startup_query_interval: U64 = optional("linux-bridge: time between these, in 1/100 s.")
    vlan_protocol: Text = optional("linux-bridge: protocol of VLAN filtering.", **VLAN_PROTOCOLS)
    vlan_default_pvid: Nullable[U16] = optional("linux-bridge: VLAN of untagged frames on ports without a tag.")
    rstp: Flag = optional("ovs-bridge: rapid spanning tree.")
    mcast_snooping_enable: Flag = optional("ovs-bridge: whether multicast goes to ports that asked for it only.")
    fail_mode: Text = optional("ovs-bridge: what is done without a controller: standalone or secure.")
    datapath: Text = optional("ovs-bridge: system or netdev.")


class Bridge(Section):
    """A bridge."""

    options: Nullable[BridgeOptions] = optional("Options of the bridge; those left out stay.")
    port: Nullable[list[BridgePort]] = optional("Ports. The list replaces the ports there are; left out, they stay.")
    ports: Nullable[list[Section]] = optional("Another name of port.")
    allow_extra_ports: Nullable[Flag] = optional("Whether ports that are not listed may stay attached. Default false.")
    allow_extra_patch_ports: Nullable[Flag] = optional("ovs-bridge: whether patch ports that are not listed may stay.")
