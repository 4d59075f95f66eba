"""`ipv4` and `ipv6` of an interface."""

from nmstate_controller.api.desired_state.fields import (
    I64,
    U8,
    U32,
    Flag,
    Ip,
    Nullable,
    Section,
    Text,
    optional,
    required,
    words,
)

MPTCP_FLAGS = ("signal", "subflow", "backup", "fullmesh")


class Address(Section):
    """A static address."""

    ip: Ip = required("The address, without its prefix length: 192.0.2.1 or 2001:db8::1.")
    prefix_length: U8 = required("Bits of the network's prefix: up to 32 for IPv4, up to 128 for IPv6.")
    mptcp_flags: Nullable[list[str]] = optional("Only reported; ignored here. See mptcp of the interface.")
    valid_life_time: Text = optional("Only reported; ignored here.")
    valid_left: Text = optional("Another name of valid-life-time.")
    valid_lft: Text = optional("Another name of valid-life-time.")
    preferred_life_time: Text = optional("Only reported; ignored here.")
    preferred_left: Text = optional("Another name of preferred-life-time.")
    preferred_lft: Text = optional("Another name of preferred-life-time.")
    protocol: U8 = optional(
        "Only reported; ignored here. lo, ra, kernel_ll or a number.",
        pattern=r"^(lo|ra|kernel_ll|\+?\d+|0x\+?[\da-fA-F]+)$",
    )


class _Common(Section):
    enabled: Flag = optional("Whether the interface has this IP version at all. false removes all its addresses.")
    dhcp: Flag = optional("Whether addresses, routes and DNS servers are asked for by DHCP.")
    address: Nullable[list[Address]] = optional(
        "Static addresses, in the order in which they are set. The list replaces the addresses there are; [] removes "
        "them. Left out, they stay."
    )
    auto_dns: Flag = optional("Whether DNS servers and search domains that the network offers are used. Default true.")
    auto_gateway: Flag = optional("Whether a default gateway that the network offers is used. Default true.")
    auto_routes: Flag = optional("Whether routes that the network offers are used. Default true.")
    auto_route_table_id: U32 = optional("Routing table for routes that the network offers. Default 254, the main one.")
    auto_route_metric: I64 = optional("Metric of routes that the network offers; -1 is NetworkManager's default.")
    allow_extra_address: Nullable[Flag] = optional(
        "Whether an apply may end with more addresses than are listed. Default true."
    )
    dhcp_send_hostname: Nullable[Flag] = optional("Whether DHCP requests carry the host name. Default true.")
    dhcp_custom_hostname: Text = optional("Host name for DHCP requests instead of the node's.")


class Ipv4(_Common):
    """IPv4 of the interface."""

    dhcp_client_id: Text = optional(
        "DHCP client identifier: ll (from the MAC address), iaid+duid, or hexadecimal bytes."
    )
    forwarding: Nullable[Flag] = optional("Whether IPv4 packets are forwarded between this interface and others.")
    prefix_route_metric: I64 = optional("Metric of the routes to the addresses' own networks; -1 is the default.")


class Ipv6(_Common):
    """IPv6 of the interface."""

    autoconf: Flag = optional("Whether addresses are made from router advertisements (SLAAC).")
    dhcp_duid: Text = optional("DHCPv6 unique identifier: ll, llt, en, uuid, or hexadecimal bytes.")
    addr_gen_mode: Text = optional("How addresses are made from prefixes: eui64 or stable-privacy.")
    token: Text = optional("Last 64 bits of addresses made from prefixes, like ::1.")


class Mptcp(Section):
    """Multipath TCP."""

    address_flags: Nullable[list[str]] = optional(
        "What the interface's addresses are used for: signal, subflow, backup, fullmesh; [] for nothing."
    )


WAIT_IP = words("any", "ipv4", "ipv6", "ipv4+ipv6")
