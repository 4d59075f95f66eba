"""What kubelet renews in the service account's folder is used without a restart."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nmstate_controller.cluster.client import Client
from nmstate_controller.cluster.credentials import load_configuration
from nmstate_controller.errors import ApiForbidden, ApiRenewed, ApiUnavailable, SettingsError
from nmstate_controller.metrics import Metrics
from tests import proxy
from tests.unit.apiserver import COLLECTION, ApiServer


class Cluster:
    """An apiserver behind TLS, the folder that kubelet keeps for its client, and the client."""

    def __init__(self, folder: Path, server: ApiServer) -> None:
        self.folder = folder
        self.server = server
        self.account = folder / "serviceaccount"
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client: Client

    def authority(self, name: str) -> None:
        """A certificate that speaks for itself, in `name`.crt and `name`.key."""
        files = ("-keyout", f"{self.folder}/{name}.key", "-out", f"{self.folder}/{name}.crt")
        subject = ("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
        usage = ("-addext", "keyUsage=critical,keyCertSign,digitalSignature")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        subprocess.run(["openssl", "req", "-x509", *key, *files, *subject, *usage], check=True, capture_output=True)

    def serve(self, name: str) -> None:
        """Show that certificate to new connections."""
        self.tls.load_cert_chain(self.folder / f"{name}.crt", self.folder / f"{name}.key")

    def trust(self, *names: str) -> None:
        """Put those into the CA bundle, the way kubelet does: by a rename."""
        self.write("ca.crt", "".join((self.folder / f"{name}.crt").read_text() for name in names))

    def write(self, name: str, content: str) -> None:
        new = self.account / f"..{name}"
        new.write_text(content)
        new.replace(self.account / name)

    async def ask(self) -> None:
        """One request over a connection that is new, if need be."""
        await self.client.request("get", "GET", "/version")

    async def list(self) -> str:
        """The resourceVersion now."""
        query = {"fieldSelector": "metadata.name=node01"}
        answer = await self.client.request("list", "GET", COLLECTION, query=query)
        return str(answer["metadata"]["resourceVersion"])


@pytest.fixture
async def cluster(
    server: ApiServer, metrics: Metrics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cluster]:
    cluster = Cluster(tmp_path, server)
    cluster.account.mkdir()
    cluster.authority("old")
    cluster.serve("old")
    cluster.trust("old")
    cluster.write("token", "first\n")
    server.tokens = {"first"}
    async with proxy.running(f"http://127.0.0.1:{server.port}", tls=cluster.tls) as front:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(front.port))
        configuration = await load_configuration(cluster.account)
        async with Client(configuration, metrics, timeout=5) as cluster.client:
            yield cluster


async def test_a_token_that_expired_is_replaced_by_the_one_in_the_file(cluster: Cluster) -> None:
    await cluster.ask()
    cluster.server.tokens = {"second"}
    with pytest.raises(ApiForbidden, match="401"):
        await cluster.ask()

    cluster.write("token", "second")

    await cluster.ask()


@pytest.mark.parametrize("content", ["", "two words", "\x00", None])
async def test_a_file_without_a_token_is_read_again(cluster: Cluster, content: str | None) -> None:
    if content is None:
        (cluster.account / "token").unlink()
    else:
        cluster.write("token", content)
    with pytest.raises(ApiUnavailable):
        await cluster.ask()

    cluster.write("token", "first")

    await cluster.ask()


@contextlib.asynccontextmanager
async def watching(cluster: Cluster) -> AsyncIterator[AsyncIterator[bytes]]:
    """A watch on a connection of its own, so that what is asked meanwhile takes another."""
    query = {"watch": "1", "resourceVersion": await cluster.list()}
    async with cluster.client.stream("watch", COLLECTION, query=query, inactivity=5) as chunks:
        yield chunks


async def test_a_rotated_ca_is_trusted_by_new_connections_and_old_ones_go_on(cluster: Cluster) -> None:
    cluster.authority("new")
    async with watching(cluster) as chunks:
        cluster.serve("new")
        with pytest.raises(ApiUnavailable, match="certificate verify failed"):
            await cluster.ask()
        with pytest.raises(ApiUnavailable, match="certificate verify failed"):
            await cluster.client.reach()

        cluster.trust("new")

        await cluster.ask()
        await cluster.client.reach()
        await cluster.server.create()
        assert b"ADDED" in await anext(chunks)
    await cluster.ask()


@pytest.mark.parametrize("bundle", ["old", "new"])
async def test_renewal_ends_an_encrypted_stream_at_once_also_one_from_before_the_ca_was_rotated(
    cluster: Cluster, bundle: str
) -> None:
    cluster.authority("new")
    async with watching(cluster) as chunks:
        reading = asyncio.ensure_future(anext(chunks))
        cluster.serve(bundle)
        cluster.trust(bundle)
        await cluster.ask()
        assert len(list(cluster.client.connections())) == 2

        await cluster.client.renew_connections()

        async with asyncio.timeout(4):
            with pytest.raises(ApiRenewed):
                await reading
    await cluster.ask()
    assert len(list(cluster.client.connections())) == 1


async def test_a_ca_that_is_no_longer_in_the_bundle_is_not_trusted_any_more(cluster: Cluster) -> None:
    cluster.authority("new")
    cluster.trust("old", "new")
    await cluster.ask()

    cluster.trust("new")

    with pytest.raises(ApiUnavailable, match="certificate verify failed"):
        await cluster.ask()


@pytest.mark.parametrize("content", ["", "no certificate", None])
async def test_without_a_bundle_the_one_before_stays_in_force(cluster: Cluster, content: str | None) -> None:
    if content is None:
        (cluster.account / "ca.crt").unlink()
    else:
        cluster.write("ca.crt", content)
    async with watching(cluster):
        await cluster.ask()
    cluster.authority("new")

    cluster.serve("new")
    cluster.trust("new")

    await cluster.ask()


async def test_nobody_to_be_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    with pytest.raises(SettingsError, match="no credentials for the apiserver"):
        await load_configuration(tmp_path)
