"""`routes` and `route-rules`."""

from nmstate_controller.api.desired_state.fields import (
    I64,
    U16,
    U32,
    Anything,
    Flag,
    IpNetworkOrEmpty,
    IpOrEmpty,
    Nullable,
    Section,
    Text,
    optional,
    words,
)

_ACTIONS = words("blackhole", "unreachable", "prohibit")


class Route(Section):
    """A route; with state absent, what is named selects the routes to remove."""

    state: Text = optional(
        "absent removes the routes that match; ignore leaves them alone.", **words("absent", "ignore")
    )
    destination: Nullable[IpNetworkOrEmpty] = optional(
        "Network, like 198.51.100.0/24; 0.0.0.0/0 and ::/0 are the default routes."
    )
    next_hop_interface: Text = optional("Name of the interface that packets leave by.")
    next_hop_address: Nullable[IpOrEmpty] = optional(
        "Address of the gateway; left out, the network is on the interface's link."
    )
    metric: I64 = optional("Preference; lower wins. -1 is NetworkManager's default.")
    table_id: U32 = optional("Routing table; 0 and left out are 254, the main one.")
    weight: U16 = optional("Share among routes to the same destination, 1 to 256.")
    route_type: Text = optional("A route that drops packets instead of passing them on.", **_ACTIONS)
    source: Nullable[IpOrEmpty] = optional("Source address of packets that the node sends by it.")
    vrf_name: Text = optional("VRF in whose table the route is.")
    mtu: U32 = optional("Largest packet on the path, in bytes.")
    lock_mtu: Flag = optional("Whether mtu is kept whatever path MTU discovery finds.")
    advmss: U32 = optional("Largest TCP segment that is announced, in bytes.")
    cwnd: U32 = optional("Limit of the TCP congestion window, in packets.")
    initcwnd: U32 = optional("Initial TCP congestion window, in packets.")
    initrwnd: U32 = optional("Initial TCP receive window, in packets.")
    quickack: Flag = optional("Whether TCP acknowledges at once.")


class Routes(Section):
    """Routes. One is identified by destination, next hop, metric and table: to change it, remove it and add another."""

    config: Nullable[list[Route]] = optional("Routes to add, and with state absent to remove; those left out stay.")
    running: Anything = optional("Only reported; ignored here.")


class RouteRule(Section):
    """A rule that chooses the routing table; with state absent, what is named selects the rules to remove."""

    state: Text = optional("absent removes the rules that match.", **words("absent"))
    family: Text = optional("ipv4 or ipv6; needed without ip-from and ip-to.", **words("ipv4", "ipv6", "unknown"))
    ip_from: Text = optional("Source network of packets that it is for.")
    ip_to: Text = optional("Destination network of packets that it is for.")
    iif: Text = optional("Name of the interface that packets come in by.")
    fwmark: U32 = optional("Firewall mark of packets that it is for; 0x… is hexadecimal.")
    fwmask: U32 = optional("Bits of the mark that count.")
    priority: I64 = optional("Order among the rules; lower comes first.")
    route_table: U32 = optional("Routing table for these packets.")
    action: Text = optional("What is done instead of routing.", **_ACTIONS)
    suppress_prefix_length: Nullable[U32] = optional("Routes with a prefix of this length or shorter do not count.")
    suppress_prefixlength: Nullable[U32] = optional(
        "Another name of suppress-prefix-length.", key="suppress_prefixlength"
    )


class RouteRules(Section):
    """Rules that choose the routing table."""

    config: Nullable[list[RouteRule]] = optional("Rules to add, and with state absent to remove; those left out stay.")
