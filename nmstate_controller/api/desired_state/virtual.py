"""Interfaces made from others: VLAN, VXLAN, MAC VLAN, VRF, tunnels and the like."""

from nmstate_controller.api.desired_state.bridge import VLAN_PROTOCOLS
from nmstate_controller.api.desired_state.fields import (
    U8,
    U16,
    U32,
    Flag,
    Ip,
    Nullable,
    Section,
    Text,
    Texts,
    VlanId,
    VxlanId,
    optional,
    required,
    words,
)

_MAC_MODES = ["vepa", "bridge", "private", "passthru", "source", "unknown"]


class QosMapping(Section):
    """From one priority to another."""

    from_: U32 = required("Priority that is mapped.", key="from")
    to: U32 = required("Priority that it is mapped to.")


class Vlan(Section):
    """A VLAN on another interface."""

    id: VlanId = required("VLAN id, 0 to 4094.")
    base_iface: Text = optional(
        "Name of the interface that carries the VLAN. Required for a VLAN that is not there yet."
    )
    protocol: Text = optional("Protocol of the tag. Default 802.1q.", **VLAN_PROTOCOLS)
    registration_protocol: Text = optional(
        "How the VLAN is announced to switches. Default none.", **words("gvrp", "mvrp", "none")
    )
    reorder_headers: Nullable[Flag] = optional(
        "Whether the tag is taken off before a packet reaches sockets. Default true."
    )
    loose_binding: Nullable[Flag] = optional(
        "Whether the VLAN stays up when its base interface goes down. Default false."
    )
    ingress_qos_map: Nullable[list[QosMapping]] = optional(
        "From the tag's priority to the kernel's, for what comes in."
    )
    egress_qos_map: Nullable[list[QosMapping]] = optional("From the kernel's priority to the tag's, for what goes out.")


class Vxlan(Section):
    """A VXLAN tunnel."""

    id: VxlanId = required("VXLAN network identifier, 0 to 16777215.")
    base_iface: str = optional("Name of the interface whose address the tunnel uses.")
    remote: Nullable[Ip] = optional("Address of the other end, or a multicast group.")
    local: Nullable[Ip] = optional("Own address.")
    learning: Nullable[Flag] = optional("Whether MAC addresses behind the other ends are learnt. Default true.")
    destination_port: U16 = optional("UDP port. Default 4789.")


class MacVlan(Section):
    """Another MAC address on an interface, as an interface of its own."""

    base_iface: str = required("Name of the interface below.")
    mode: str = required("How its siblings on the same interface are reached.", enum=_MAC_MODES)
    promiscuous: Flag = optional("Whether the interface below accepts all MAC addresses. Default true.")
    accept_all_mac: Flag = optional("Another name of promiscuous.")


class IpVlan(Section):
    """More addresses on an interface, as an interface of its own with the same MAC address."""

    base_iface: Text = optional("Name of the interface below.")
    mode: Text = optional("l2, l3 or l3s. Default l3.", **words("l2", "l3", "l3s"))
    private: Flag = optional("Whether siblings on the same interface cannot be reached.")
    vepa: Flag = optional("Whether siblings are reached through the switch.")


class Vrf(Section):
    """A routing domain."""

    port: Texts = optional("Names of the interfaces in it. The list replaces those there are.")
    ports: Texts = optional("Another name of port.")
    route_table_id: U32 = optional("Its routing table.")


class Hsr(Section):
    """High-availability seamless redundancy, or the parallel redundancy protocol."""

    port1: str = required("Name of the first port.")
    port2: str = required("Name of the second port.")
    interlink: Text = optional("Name of the port to the devices behind.")
    supervision_address: Text = optional("Only reported; ignored here.")
    multicast_spec: U8 = required("Last byte of the supervision frames' address.")
    protocol: str = required("Protocol and its version.", enum=["hsr", "hsr-2010", "hsr-2012", "prp"])


class MacSec(Section):
    """MACsec on another interface."""

    base_iface: str = required("Name of the interface below.")
    encrypt: Flag = required("Whether frames are encrypted, not only authenticated.")
    port: U32 = required("Port of the secure channel identifier, 1 to 65534.")
    validation: str = required("What is done with frames that do not verify.", enum=["disabled", "check", "strict"])
    send_sci: Flag = required("Whether frames carry the secure channel identifier.")
    mka_cak: Text = optional("Connectivity association key, hexadecimal. A secret.")
    mka_ckn: Text = optional("Connectivity association key's name, hexadecimal.")
    offload: Text = optional("Who does the work: off (the CPU), phy or mac.", **words("off", "phy", "mac"))


class InfiniBand(Section):
    """IP over InfiniBand."""

    mode: str = required("Transport mode.", enum=["datagram", "connected"])
    pkey: U16 = required("Partition key; 0xffff is the default partition.")
    base_iface: Text = optional("Name of the interface that the partition is of.")


class IpTunnel(Section):
    """IP in IP."""

    mode: Text = optional("What is in what.", **words("ipip", "sit", "ip6ip6", "ipip6", "unknown"))
    base_iface: Text = optional("Name of the interface that the tunnel goes through.")
    local: Nullable[Ip] = optional("Own address.")
    remote: Nullable[Ip] = optional("Address of the other end.")
    ttl: Nullable[U8] = optional("Time to live of the outer packets; 0 takes the inner one's.")
    tos: Nullable[U8] = optional("Type of service of the outer packets.")
    flow_label: Nullable[U32] = optional("IPv6 flow label of the outer packets.")
    pmtu_disc: Nullable[Flag] = optional("Whether the path's MTU is discovered.")
    encap_limit: Nullable[U8] = optional("IPv6: how many more times packets may be encapsulated.")
    fwmark: Nullable[U32] = optional("Firewall mark of the outer packets.")
    ip6tun_flags: Nullable[list[str]] = optional(
        "IPv6: ign-encap-limit, use-orig-tclass, use-orig-flowlabel, mip6-dev, rcv-dscp-copy, use-orig-fw-mark, "
        "allow-local-remote, cap-xmit, cap-rcv, cap-per-packet."
    )
