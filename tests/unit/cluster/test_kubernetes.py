"""The library is imported lean, and whole when it does not let itself be."""

import subprocess
import sys

COUNT = "print(len([name for name in sys.modules if name.startswith('kubernetes_asyncio.client.models.')]))"


def run(script: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def test_no_model_is_loaded_and_the_client_works() -> None:
    script = (
        "import sys; from nmstate_controller.cluster.kubernetes import client, config;"
        "client.Configuration(host='http://localhost'); client.ApiClient.call_api; config.load_incluster_config;"
        + COUNT
    )

    assert run(script) == "0"


def test_whoever_asks_for_a_model_later_gets_the_real_one() -> None:
    script = (
        "from nmstate_controller.cluster.kubernetes import client;"
        "from kubernetes_asyncio.client.models.v1_pod import V1Pod; print(V1Pod(kind='Pod').kind)"
    )

    assert run(script) == "Pod"


def test_a_release_that_cannot_be_imported_lean_is_imported_whole() -> None:
    script = (
        "import sys, nmstate_controller.cluster as package; from importlib.abc import Loader\n"
        "import importlib.util, pathlib\n"
        "path = pathlib.Path(package.__file__).with_name('kubernetes.py')\n"
        "source = path.read_text().replace('return _Empty(spec.name)', 'raise TypeError(\"a new layout\")')\n"
        "names = {'__name__': 'lean'}; exec(compile(source, str(path), 'exec'), names)\n"
        "assert names['client'].ApiClient\n" + COUNT
    )

    assert int(run(script)) > 500
