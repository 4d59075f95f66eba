"""The document: interfaces, routes, rules, DNS, host name, Open vSwitch."""

from typing import Annotated

from pydantic import WithJsonSchema

from nmstate_controller.api.desired_state.fields import Anything, Nullable, Section, Text, Texts, optional
from nmstate_controller.api.desired_state.interface import Interface
from nmstate_controller.api.desired_state.ovs import Ovn, OvsDbGlobal
from nmstate_controller.api.desired_state.routing import RouteRules, Routes

# No host name has a place here: IPv4 addresses, or whatever has a colon.
_Server = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^(\d{1,3}(\.\d{1,3}){3}|.*:.*)$"})]


class DnsClient(Section):
    """What the node's resolver uses. {} removes all of it."""

    server: Nullable[list[_Server]] = optional("Addresses of DNS servers, in order; fe80::1%eth1 names the interface.")
    search: Texts = optional("Domains to search for names without a dot.")
    options: Texts = optional("Options of resolv.conf(5), like ndots:2.")


class Dns(Section):
    """DNS resolver of the node."""

    config: Nullable[DnsClient] = optional("What the node's resolver uses. {} removes all of it.")
    running: Anything = optional("Only reported; ignored here.")


class HostName(Section):
    """Host name of the node."""

    config: Text = optional("Host name that is kept over reboots.")
    running: Text = optional("Host name until the next reboot.")


class DesiredState(Section):
    """An nmstate document."""

    interfaces: list[Interface] = optional("Interfaces to change; those left out stay as they are.")
    routes: Routes = optional("Routes.")
    route_rules: RouteRules = optional("Rules that choose the routing table.")
    dns_resolver: Nullable[Dns] = optional("DNS resolver of the node.")
    hostname: Nullable[HostName] = optional("Host name of the node.")
    ovs_db: Nullable[OvsDbGlobal] = optional("Open vSwitch's global settings.")
    ovn: Ovn = optional("Open Virtual Network.")
    description: str = optional("A note; libnmstate does nothing with it.")
