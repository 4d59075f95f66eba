"""The lab's certificates and keys, made with openssl; they are the lab's own and go with it."""

import base64
from pathlib import Path

from labkit.network import GATEWAY, address
from labkit.place import Place
from labkit.progress import run

_DAYS = "3650"
_SERVER_NAMES = (
    f"IP:{GATEWAY},IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,"
    "DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
)


def ensure(place: Place) -> None:
    """Make what is missing: CA, the apiserver's certificate, the administrator's, and the service account key."""
    folder = place.certificates
    folder.mkdir(mode=0o700, exist_ok=True)
    if place.kubeconfig.exists():
        return
    _key(folder / "ca.key")
    run(
        ["openssl", "req", "-x509", "-new", "-key", f"{folder}/ca.key", "-out", f"{folder}/ca.crt", "-days", _DAYS,
         "-subj", "/CN=nmstate-lab", "-addext", "keyUsage=critical,keyCertSign,digitalSignature"]
    )  # fmt: skip
    _sign(folder, "apiserver", "/CN=kube-apiserver", f"subjectAltName={_SERVER_NAMES}\nextendedKeyUsage=serverAuth")
    _sign(folder, "admin", "/O=system:masters/CN=lab-admin", "extendedKeyUsage=clientAuth")
    _key(folder / "service-account.key")
    # kube-apiserver does not find the public half of an ECDSA key in the private one.
    run(["openssl", "pkey", "-in", f"{folder}/service-account.key", "-pubout", "-out", f"{folder}/service-account.pub"])
    # Written last: it is the sign that all the rest is there.
    new = place.kubeconfig.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(_kubeconfig(folder, "admin"))
    new.rename(place.kubeconfig)


def kubelet(place: Place, node: str, target: Path) -> None:
    """Make what a kubelet shows to the apiserver and to its callers: kubelet.crt, kubelet.key and a kubeconfig."""
    folder = place.certificates
    names = f"IP:{address(node)},DNS:{node}"
    name = f"kubelet-{node}"
    _sign(folder, name, f"/O=system:nodes/CN=system:node:{node}",
          f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth")  # fmt: skip
    (target / "kubeconfig").write_text(_kubeconfig(folder, name))
    for suffix in ("crt", "key"):
        (folder / f"{name}.{suffix}").rename(target / f"kubelet.{suffix}")


def _key(path: Path) -> None:
    # Service account tokens are signed with RSA or ECDSA keys; ECDSA takes no time to make.
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    run(["openssl", "genpkey", *curve, "-out", str(path)])


def _sign(folder: Path, name: str, subject: str, extensions: str) -> None:
    key, request, certificate = (folder / f"{name}.{suffix}" for suffix in ("key", "csr", "crt"))
    _key(key)
    run(["openssl", "req", "-new", "-key", str(key), "-out", str(request), "-subj", subject])
    settings = folder / f"{name}.ext"
    settings.write_text(f"keyUsage=critical,digitalSignature\n{extensions}\n")
    run(
        ["openssl", "x509", "-req", "-in", str(request), "-CA", f"{folder}/ca.crt", "-CAkey", f"{folder}/ca.key",
         "-CAcreateserial", "-days", _DAYS, "-extfile", str(settings), "-out", str(certificate)]
    )  # fmt: skip
    request.unlink()
    settings.unlink()


def _kubeconfig(folder: Path, user: str) -> str:
    def encoded(name: str) -> str:
        return base64.b64encode((folder / name).read_bytes()).decode()

    return f"""\
apiVersion: v1
kind: Config
current-context: lab
contexts:
- name: lab
  context: {{cluster: lab, user: {user}}}
clusters:
- name: lab
  cluster:
    server: https://{GATEWAY}:6443
    certificate-authority-data: {encoded("ca.crt")}
users:
- name: {user}
  user:
    client-certificate-data: {encoded(f"{user}.crt")}
    client-key-data: {encoded(f"{user}.key")}
"""
