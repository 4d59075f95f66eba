"""One entry of `interfaces`."""

from nmstate_controller.api.desired_state.bond import Bond
from nmstate_controller.api.desired_state.bridge import Bridge
from nmstate_controller.api.desired_state.ethernet import Ethernet, Ethtool, Veth
from nmstate_controller.api.desired_state.fields import (
    U64,
    Anything,
    Flag,
    Nullable,
    Section,
    Text,
    optional,
    required,
    words,
)
from nmstate_controller.api.desired_state.ip import WAIT_IP, Ipv4, Ipv6, Mptcp
from nmstate_controller.api.desired_state.ovs import Dpdk, OvsDb, Patch
from nmstate_controller.api.desired_state.security import Ieee8021X, Libreswan
from nmstate_controller.api.desired_state.virtual import (
    Hsr,
    InfiniBand,
    IpTunnel,
    IpVlan,
    MacSec,
    MacVlan,
    Vlan,
    Vrf,
    Vxlan,
)


class Lldp(Section):
    """Link layer discovery."""

    enabled: Flag = required("Whether the node listens for what switches say about themselves.")
    neighbors: Anything = optional("Only reported; ignored here.")


class Dispatch(Section):
    """Shell scripts that NetworkManager runs, as root."""

    post_activation: Text = optional("Script to run when the interface has come up.")
    post_deactivation: Text = optional("Script to run when the interface has gone down.")


class AlternativeName(Section):
    """Another name of the interface."""

    name: str = required("The name.")
    state: Text = optional("absent removes the name.", **words("absent"))


class Interface(Section):
    """An interface: its name, and what of it shall be so. What is left out stays as it is."""

    name: str = required("Name of the interface; with another identifier, a name for the profile.")
    type: Text = optional(
        "bond, dummy, ethernet, hsr, infiniband, ip-tunnel, ipsec, ipvlan, linux-bridge, loopback, mac-vlan, mac-vtap, "
        "macsec, ovs-bridge, ovs-interface, tun, veth, vlan, vrf, vxlan, xfrm. Left out or unknown, it is the type of "
        "the interface that is there."
    )
    state: str = optional(
        "up (default), down, absent (remove it, or its configuration if it is a device), ignore (leave it alone).",
        enum=["up", "down", "absent", "ignore", "unknown"],
    )
    description: Text = optional("A note, kept in NetworkManager's profile.")
    profile_name: Text = optional("Name of NetworkManager's profile. Default: the interface's name.")
    identifier: Text = optional(
        "How the interface is found: by its name (default), by mac-address or by pci-address.",
        **words("name", "mac-address", "pci-address"),
    )
    mac_address: Text = optional("MAC address, in quotes; to set, or with identifier mac-address to find.")
    pci_address: Text = optional(
        'With identifier pci-address: where the card is, in quotes: "0000:07:00.1".',
        pattern=r"^(\+?[\da-fA-F]+:)?\+?[\da-fA-F]+:\+?[\da-fA-F]+\.\+?\d+$",
    )
    copy_mac_from: Text = optional("bond, linux-bridge: name of the port whose MAC address it takes.")
    permanent_mac_address: Text = optional("Only reported; ignored here.")
    mtu: U64 = optional("Largest packet, in bytes; at least 1280 with IPv6.")
    min_mtu: Nullable[U64] = optional("Only reported; ignored here.")
    max_mtu: Nullable[U64] = optional("Only reported; ignored here.")
    driver: Text = optional("Only reported; ignored here.")
    controller: Text = optional("Bond, bridge or VRF that it is a port of; an empty text detaches it.")
    accept_all_mac_addresses: Flag = optional("Whether the interface accepts all MAC addresses (promiscuous).")
    alt_names: Nullable[list[AlternativeName]] = optional("Other names of the interface; those left out stay.")
    wait_ip: Text = optional("Which IP version must be configured for the interface to count as up.", **WAIT_IP)
    ipv4: Nullable[Ipv4] = optional("IPv4 of the interface.")
    ipv6: Nullable[Ipv6] = optional("IPv6 of the interface.")
    mptcp: Nullable[Mptcp] = optional("Multipath TCP.")
    lldp: Nullable[Lldp] = optional("Link layer discovery.")
    ethtool: Nullable[Ethtool] = optional("What ethtool sets.")
    dispatch: Nullable[Dispatch] = optional("Shell scripts that NetworkManager runs, as root.")
    ieee8021x: Nullable[Ieee8021X] = optional("Port authentication.", key="802.1x")
    ethernet: Nullable[Ethernet] = optional("ethernet, veth: settings of the card.")
    veth: Nullable[Veth] = optional("veth: the other end.")
    link_aggregation: Nullable[Bond] = optional("bond: its mode, options and ports.")
    bond: Nullable[Section] = optional("bond: another name of link-aggregation.")
    bridge: Nullable[Bridge] = optional("linux-bridge, ovs-bridge: options and ports.")
    vlan: Nullable[Vlan] = optional("vlan: id and the interface that carries it.")
    vxlan: Nullable[Vxlan] = optional("vxlan: id and ends of the tunnel.")
    mac_vlan: Nullable[MacVlan] = optional("mac-vlan: the interface below.")
    mac_vtap: Nullable[MacVlan] = optional("mac-vtap: the interface below.")
    ipvlan: Nullable[IpVlan] = optional("ipvlan: the interface below.")
    vrf: Nullable[Vrf] = optional("vrf: its ports and routing table.")
    hsr: Nullable[Hsr] = optional("hsr: its ports and protocol.")
    macsec: Nullable[MacSec] = optional("macsec: the interface below and its keys.")
    infiniband: Nullable[InfiniBand] = optional("infiniband: mode and partition.")
    ip_tunnel: Nullable[IpTunnel] = optional("ip-tunnel: mode and ends of the tunnel.")
    libreswan: Nullable[Libreswan] = optional("ipsec: the connection, in the words of libreswan's ipsec.conf(5).")
    ovs_db: Nullable[OvsDb] = optional("Columns of the interface in Open vSwitch's database.")
    patch: Nullable[Patch] = optional("ovs-interface: the other end of a patch cable.")
    dpdk: Nullable[Dpdk] = optional("ovs-interface: a DPDK device.")
