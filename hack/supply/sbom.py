"""The components as a CycloneDX bill of materials. Pure, but for the time of day."""

import os
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as Entry
from cyclonedx.model.component import ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from supply.components import Component

NAME: Final = "nmstate-controller"
# The same components make the same bill: its number is drawn from what is in it.
_NUMBERS: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "nmstate.io")


def bill(version: str, components: Iterable[Component]) -> str:
    """The bill of that version of the agent, as JSON; SOURCE_DATE_EPOCH makes it the same on each run."""
    licences = LicenseFactory()
    bom = Bom()
    root = Entry(
        name=NAME,
        version=version,
        type=ComponentType.APPLICATION,
        licenses=[licences.make_from_string("Apache-2.0")],
        purl=PackageURL("pypi", None, NAME, version),
        bom_ref=NAME,
    )
    bom.metadata.component = root
    entries = [_entry(component, licences) for component in components]
    bom.components.update(entries)
    bom.register_dependency(root, entries)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    bom.metadata.timestamp = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    bom.serial_number = uuid.uuid5(
        _NUMBERS, "\n".join([version, *sorted(entry.bom_ref.value or "" for entry in entries)])
    )
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2) + "\n"


def _entry(component: Component, licences: LicenseFactory) -> Entry:
    purl = PackageURL(component.kind, None, component.name, component.version)
    return Entry(
        name=component.name,
        version=component.version,
        type=ComponentType.LIBRARY,
        licenses=[licences.make_from_string(component.licence)],
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=component.sha256)] if component.sha256 else [],
    )
