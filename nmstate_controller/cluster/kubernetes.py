"""kubernetes_asyncio without the classes of every Kubernetes API, which nothing here uses: 30 MiB on each node.

Importing any part of the package imports them all. While it is imported here for the first time, its modules of
generated models and API groups are empty ones. Nothing depends on that: if a release is laid out differently it is
imported as it is, only larger, and a test says so. `client.ApiClient.call_api`, `client.Configuration` and `config` are
what is used.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

_PACKAGE: Final = "kubernetes_asyncio"
_GENERATED: Final = (f"{_PACKAGE}.client.models.", f"{_PACKAGE}.client.api.")


class _Empty(ModuleType):
    """A module in which every name is there and nothing behind it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class _Skip(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the generated modules before anyone else does, and loads nothing for them."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 (the signature is importlib's)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(_GENERATED):
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to execute."""


def _import() -> tuple[Any, Any]:
    return importlib.import_module(f"{_PACKAGE}.client"), importlib.import_module(f"{_PACKAGE}.config")


def _import_lean() -> tuple[Any, Any]:
    skip = _Skip()
    sys.meta_path.insert(0, skip)
    try:
        return _import()
    finally:
        sys.meta_path.remove(skip)
        for name in [name for name in sys.modules if name.startswith(_GENERATED)]:
            # Whoever imports one of them later gets the real one.
            del sys.modules[name]


def _load() -> tuple[Any, Any]:
    if _PACKAGE in sys.modules:
        return _import()
    try:
        return _import_lean()
    except Exception:  # noqa: BLE001 (whatever a future release does to an empty module)
        for name in [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]:
            del sys.modules[name]
        return _import()


client, config = _load()
