"""`ethernet`, with SR-IOV, `veth` and `ethtool`."""

from nmstate_controller.api.desired_state.bridge import VLAN_PROTOCOLS
from nmstate_controller.api.desired_state.fields import (
    U32,
    Flag,
    Nullable,
    Section,
    Text,
    UnderscoreSection,
    optional,
    required,
    words,
)


class VirtualFunction(Section):
    """A virtual function of the card."""

    id: U32 = required("Number of the virtual function, from 0.")
    iface_name: str = optional("Only reported; ignored here.")
    mac_address: Text = optional("MAC address of the virtual function.")
    spoof_check: Flag = optional("Whether frames with another source address are dropped.")
    trust: Flag = optional("Whether it may do what is otherwise the physical function's, such as promiscuous mode.")
    min_tx_rate: U32 = optional("Least transmit rate, in Mb/s; 0 is none.")
    max_tx_rate: U32 = optional("Greatest transmit rate, in Mb/s; 0 is none.")
    vlan_id: U32 = optional("VLAN that the card adds and removes; 0 is none.")
    qos: U32 = optional("Priority in that VLAN's tag, 0 to 7.")
    vlan_proto: Text = optional("Protocol of that VLAN's tag.", **VLAN_PROTOCOLS)


class SrIov(Section):
    """Virtual functions of the card."""

    drivers_autoprobe: Flag = optional("Whether the kernel looks for drivers of the virtual functions. Default true.")
    total_vfs: U32 = optional("How many virtual functions there are.")
    max_vfs: U32 = optional("Only reported; ignored here.")
    vfs: Nullable[list[VirtualFunction]] = optional("Settings of virtual functions.")


class Ethernet(Section):
    """An Ethernet card."""

    sr_iov: Nullable[SrIov] = optional("Virtual functions of the card.")
    auto_negotiation: Flag = optional("Whether speed and duplex are negotiated.")
    speed: U32 = optional("Speed in Mb/s.")
    duplex: Text = optional("full or half.", **words("full", "half"))


class Veth(Section):
    """A pair of virtual Ethernet interfaces."""

    peer: str = required("Name of the other end.")


class Pause(Section):
    """Pause frames."""

    autoneg: Flag = optional("Whether they are negotiated.")
    rx: Flag = optional("Whether received ones are obeyed.")
    tx: Flag = optional("Whether they are sent.")


class Coalesce(Section):
    """Coalescing of interrupts. Times are microseconds."""

    adaptive_rx: Flag = optional("Whether the driver adapts receive coalescing to the load.")
    adaptive_tx: Flag = optional("Whether the driver adapts transmit coalescing to the load.")
    pkt_rate_high: U32 = optional("Packets per second above which the -high values hold.")
    pkt_rate_low: U32 = optional("Packets per second below which the -low values hold.")
    rx_frames: U32 = optional("Frames received before an interrupt.")
    rx_frames_high: U32 = optional("Frames received before an interrupt, at a high rate.")
    rx_frames_irq: U32 = optional("Frames received before an interrupt, while one is served.")
    rx_frames_low: U32 = optional("Frames received before an interrupt, at a low rate.")
    rx_usecs: U32 = optional("Time from a frame received to an interrupt.")
    rx_usecs_high: U32 = optional("Time from a frame received to an interrupt, at a high rate.")
    rx_usecs_irq: U32 = optional("Time from a frame received to an interrupt, while one is served.")
    rx_usecs_low: U32 = optional("Time from a frame received to an interrupt, at a low rate.")
    sample_interval: U32 = optional("Seconds over which the rate is measured.")
    stats_block_usecs: U32 = optional("Time between updates of the statistics in memory.")
    tx_frames: U32 = optional("Frames sent before an interrupt.")
    tx_frames_high: U32 = optional("Frames sent before an interrupt, at a high rate.")
    tx_frames_irq: U32 = optional("Frames sent before an interrupt, while one is served.")
    tx_frames_low: U32 = optional("Frames sent before an interrupt, at a low rate.")
    tx_usecs: U32 = optional("Time from a frame sent to an interrupt.")
    tx_usecs_high: U32 = optional("Time from a frame sent to an interrupt, at a high rate.")
    tx_usecs_irq: U32 = optional("Time from a frame sent to an interrupt, while one is served.")
    tx_usecs_low: U32 = optional("Time from a frame sent to an interrupt, at a low rate.")


class Ring(Section):
    """Sizes of the card's ring buffers."""

    rx: U32 = optional("Entries for received frames.")
    rx_max: U32 = optional("Only reported; ignored here.")
    rx_jumbo: U32 = optional("Entries for received jumbo frames.")
    rx_jumbo_max: U32 = optional("Only reported; ignored here.")
    rx_mini: U32 = optional("Entries for received small frames.")
    rx_mini_max: U32 = optional("Only reported; ignored here.")
    tx: U32 = optional("Entries for frames to send.")
    tx_max: U32 = optional("Only reported; ignored here.")


class Fec(UnderscoreSection):
    """Forward error correction."""

    auto: Flag = optional("Whether the driver chooses.")
    mode: Text = optional("The encoding.", **words("off", "rs", "baser", "llrs"))


class Ethtool(Section):
    """What ethtool sets."""

    pause: Nullable[Pause] = optional("Pause frames (ethtool -A).")
    feature: dict[str, Flag] = optional("Offloads and other features, by the kernel's or ethtool's name (ethtool -K).")
    coalesce: Nullable[Coalesce] = optional("Coalescing of interrupts (ethtool -C). Times are microseconds.")
    ring: Nullable[Ring] = optional("Sizes of the card's ring buffers (ethtool -G).")
    fec: Nullable[Fec] = optional("Forward error correction (ethtool --set-fec).")
