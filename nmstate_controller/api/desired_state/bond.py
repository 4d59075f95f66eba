"""`link-aggregation` of bonds."""

from nmstate_controller.api.desired_state.fields import (
    I32,
    U8,
    U16,
    U32,
    Flag,
    Nullable,
    Numbered,
    Section,
    Text,
    Texts,
    UnderscoreSection,
    numbered,
    optional,
    required,
)


class BondOptions(UnderscoreSection):
    """Options of the kernel's bonding driver, by the kernel's names."""

    ad_actor_sys_prio: U16 = optional("802.3ad: system priority, 1 to 65535.")
    ad_actor_system: Text = optional("802.3ad: MAC address in LACPDUs instead of the bond's.")
    ad_select: Numbered = optional("802.3ad: how the aggregator is chosen.", **numbered("stable", "bandwidth", "count"))
    ad_user_port_key: U16 = optional("802.3ad: upper 10 bits of the port key, 0 to 1023.")
    all_slaves_active: Numbered = optional(
        "What happens to duplicate frames that come in on inactive ports.", **numbered("dropped", "delivered")
    )
    arp_all_targets: Numbered = optional("How many arp_ip_target must answer.", **numbered("any", "all"))
    arp_interval: U32 = optional("Milliseconds between ARP probes; 0 disables them.")
    arp_ip_target: Text = optional("IPv4 addresses to probe by ARP, separated by commas.")
    arp_missed_max: U8 = optional("How many ARP probes in a row may fail before a port counts as down.")
    arp_validate: Numbered = optional(
        "Which ports' ARP probes and answers are checked.",
        **numbered("none", "active", "backup", "all", "filter", "filter_active", "filter_backup"),
    )
    balance_slb: Flag = optional("balance-xor: source load balancing, for switches that know nothing of the bond.")
    balance_slb_: Flag = optional("Another name of balance_slb.", key="balance-slb")
    downdelay: U32 = optional("Milliseconds from a lost link to the port's disuse; a multiple of miimon.")
    fail_over_mac: Numbered = optional(
        "active-backup: whether all ports have the bond's MAC address.", **numbered("none", "active", "follow")
    )
    lacp_active: Flag = optional("802.3ad: whether LACPDUs are sent unasked.")
    lacp_rate: Numbered = optional("802.3ad: how often LACPDUs are asked for.", **numbered("slow", "fast"))
    lp_interval: U32 = optional("Seconds between learning packets to the peers.")
    miimon: U32 = optional("Milliseconds between looks at the ports' links; 0 disables them.")
    min_links: U32 = optional("802.3ad: how many links must be up for the bond to be.")
    num_grat_arp: U8 = optional("Unsolicited ARPs sent after a fail-over; the same option as num_unsol_na.")
    num_unsol_na: U8 = optional("Unsolicited neighbour advertisements sent after a fail-over.")
    ns_ip6_target: Texts = optional("IPv6 addresses to probe by neighbour solicitation.")
    packets_per_slave: U32 = optional("balance-rr: packets through a port before the next one; 0 is random.")
    primary: Text = optional("The port that is active whenever it can be.")
    primary_reselect: Numbered = optional(
        "When the primary port becomes active again.", **numbered("always", "better", "failure")
    )
    resend_igmp: U32 = optional("IGMP membership reports sent after a fail-over.")
    tlb_dynamic_lb: Flag = optional("balance-tlb: whether flows are moved by load.")
    updelay: U32 = optional("Milliseconds from a link to the port's use; a multiple of miimon.")
    use_carrier: Flag = optional("Whether miimon asks the driver for the carrier.")
    xmit_hash_policy: Numbered = optional(
        "What of a packet chooses its port.",
        **numbered("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"),
    )


class BondPort(Section):
    """A port of the bond and its options."""

    name: str = required("Name of the interface.")
    priority: I32 = optional("Preference when the active port is chosen; higher wins.")
    queue_id: U16 = optional("Transmit queue for traffic that filters direct to this port.")


class Bond(Section):
    """A bond: several interfaces as one."""

    mode: Numbered = optional(
        "How packets are spread over the ports. Required for a bond that is not there yet.",
        **numbered(
            "balance-rr",
            "active-backup",
            "balance-xor",
            "broadcast",
            "802.3ad",
            "balance-tlb",
            "balance-alb",
            aliases=("lacp", "unknown"),
        ),
    )
    options: Nullable[BondOptions] = optional("Options of the kernel's bonding driver, by the kernel's names.")
    port: Texts = optional("Names of the ports. The list replaces the ports there are; left out, they stay.")
    ports: Texts = optional("Another name of port.")
    ports_config: Nullable[list[BondPort]] = optional("Ports with options of their own.")
