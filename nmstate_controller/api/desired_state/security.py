"""`libreswan` (IPsec) and `802.1x`."""

from nmstate_controller.api.desired_state.fields import (
    U64,
    Flag,
    Nullable,
    Numbered,
    Section,
    Text,
    Texts,
    UnderscoreSection,
    optional,
    required,
    words,
)

_FAMILIES = words("ipv4", "ipv6")


class Libreswan(UnderscoreSection):
    """An IPsec connection. Names and values are those of libreswan's ipsec.conf(5)."""

    right: str = required("The other end: address, host name or a %word.")
    rightid: Text = optional("How the other end is identified.")
    rightrsasigkey: Text = optional("Public RSA key of the other end, or %cert.")
    rightcert: Text = optional("Nickname of the other end's certificate.")
    rightsubnet: Text = optional("Network behind the other end.")
    rightsubnets: Text = optional("Networks behind the other end.")
    rightca: Text = optional("Authority that the other end's certificate must come from.")
    rightprotoport: Text = optional("Protocol and port at the other end.")
    left: Text = optional("This end: address or a %word.")
    leftid: Text = optional("How this end is identified; %fromcert takes it from the certificate.")
    leftrsasigkey: Text = optional("Public RSA key of this end, or %cert.")
    leftcert: Text = optional("Nickname of this end's certificate.")
    leftsubnet: Text = optional("Network behind this end.")
    leftsubnets: Text = optional("Networks behind this end.")
    leftmodecfgclient: Nullable[Flag] = optional("Whether this end gets its address from the other.")
    leftprotoport: Text = optional("Protocol and port at this end.")
    leftsendcert: Text = optional("When this end sends its certificate.")
    psk: Text = optional("Pre-shared key. A secret.")
    authby: Text = optional("How the ends authenticate each other.")
    ikev2: Text = optional("Whether IKEv2 is used: insist, no, …")
    ike: Text = optional("Algorithms for IKE.")
    esp: Text = optional("Algorithms for the data.")
    ikelifetime: Text = optional("Time until IKE is negotiated anew: 24h.")
    salifetime: Text = optional("Time until keys are negotiated anew: 8h.")
    dpddelay: U64 = optional("Seconds between probes of the other end.")
    dpdtimeout: U64 = optional("Seconds after which a silent other end is dead.")
    dpdaction: Text = optional("What is done then: hold, clear, restart.")
    ipsec_interface: Numbered = optional(
        "An interface for the connection: yes, no, or the number of the interface.",
        key="ipsec-interface",
        pattern=r"^(yes|no|\+?\d+)$",
        minimum=0,
    )
    type: Text = optional("tunnel or transport. Default tunnel.", **words("tunnel", "transport"))
    hostaddrfamily: Text = optional("IP version between the ends.", **_FAMILIES)
    clientaddrfamily: Text = optional("IP version of the data.", **_FAMILIES)
    nm_auto_defaults: Flag = optional("Whether NetworkManager's defaults hold. Default true.", key="nm-auto-defaults")
    require_id_on_certificate: Nullable[Flag] = optional(
        "Whether the other end's identity must be in its certificate.", key="require-id-on-certificate"
    )


class Ieee8021X(Section):
    """Port authentication."""

    identity: Text = optional("Who the node says it is.")
    eap_methods: Texts = optional("EAP methods: tls, peap, ttls, …")
    ca_cert: Text = optional("Path of the authority's certificate on the node.")
    client_cert: Text = optional("Path of the node's certificate on the node.")
    private_key: Text = optional("Path of the node's key on the node.")
    private_key_password: Text = optional("What the key is encrypted with. A secret.")
    phase2_auth: Text = optional("Authentication inside the tunnel: mschapv2, …")
    password: Text = optional("Password of the identity. A secret.")
