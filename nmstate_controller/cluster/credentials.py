"""Who the agent is to the apiserver, and whom it takes for it. Loop only.

In a pod both are files that kubelet renews without a word: the token within the hour, the CA bundle when the cluster's
CA is rotated. They are looked at before every request: a clock that was set back must not keep an old token in use.
"""

import functools
import re
import ssl
from pathlib import Path
from typing import Final

from nmstate_controller.cluster.kubernetes import client, config
from nmstate_controller.errors import SettingsError

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where kubelet puts them."""

_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


async def load_configuration(service_account: Path = SERVICE_ACCOUNT) -> client.Configuration:
    """The credentials of this pod, or of the current kubeconfig outside a cluster. Raises SettingsError."""
    configuration = client.Configuration()
    token = service_account / "token"
    try:
        config.load_incluster_config(
            configuration,
            token_filename=str(token),
            cert_filename=str(service_account / "ca.crt"),
            try_refresh_token=False,
        )
    except config.ConfigException as in_cluster:
        try:
            await config.load_kube_config(client_configuration=configuration)
        except (config.ConfigException, OSError) as kubeconfig:
            raise SettingsError(
                f"no credentials for the apiserver: {in_cluster} (as a pod), {kubeconfig} (as a user, kubeconfig)"
            ) from kubeconfig
    else:
        configuration.refresh_api_key_hook = functools.partial(_read_token, token)
    return configuration


def _read_token(path: Path, configuration: client.Configuration) -> None:
    """Take the token that is in the file now. Raises OSError, or ConfigException when there is none in it."""
    token = path.read_text(errors="replace").strip()
    if not _TOKEN.fullmatch(token):
        raise config.ConfigException(f"{path} holds no token")
    configuration.api_key["BearerToken"] = f"Bearer {token}"


def ca_bundle(configuration: client.Configuration) -> bytes | None:
    """The certificates that are trusted now; None when they are not in a file, or when it cannot be read."""
    try:
        return Path(configuration.ssl_ca_cert).read_bytes() if configuration.ssl_ca_cert else None
    except OSError:
        return None


def tls(configuration: client.Configuration) -> ssl.SSLContext:
    """The same trust that kubernetes_asyncio takes from its configuration. Raises OSError."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.disable_strict_ssl_verification:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
