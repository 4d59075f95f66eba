"""Connectivity probes: what worked before a change of the node's network must work after it. Loop only.

`choose` tries all candidates before the change, `prove` those that passed after it. A probe needs no program and no
more than CAP_NET_RAW; it uses the network namespace of the thread that runs the loop.

    probe        what a probe is, and how it fails
    runner       choose and prove
    gateway      the default gateway answers an echo, or at least ARP or neighbour discovery
    dns          the configured servers answer a query
    tcp          a connection can be opened
    call         whatever the caller does, such as a request to the apiserver
    routes       which default gateways the kernel has now
    echo, neighbours    how a gateway is asked
    questions    waiting for the answers to several packets at once
"""

from nmstate_controller.node.probes.call import CallProbe
from nmstate_controller.node.probes.dns import DnsProbe
from nmstate_controller.node.probes.gateway import GatewayProbe
from nmstate_controller.node.probes.probe import TIMEOUT_SECONDS, Probe, ProbeFailed
from nmstate_controller.node.probes.runner import CHOOSE_SECONDS, Result, choose, prove
from nmstate_controller.node.probes.tcp import TcpProbe

__all__ = [
    "CHOOSE_SECONDS",
    "TIMEOUT_SECONDS",
    "CallProbe",
    "DnsProbe",
    "GatewayProbe",
    "Probe",
    "ProbeFailed",
    "Result",
    "TcpProbe",
    "choose",
    "prove",
]
