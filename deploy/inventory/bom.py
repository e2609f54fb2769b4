"""The bill of materials: CycloneDX 1.6 as JSON, the same for the same tree."""

import tomllib
from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as Entry
from cyclonedx.model.component import ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from deploy.inventory.component import Component
from deploy.inventory.installed import ROOT

NAME = "pygent-factory"
LICENCE = "Apache-2.0"


def bill(components: Sequence[Component]) -> str:
    """Everything, below the factory itself; each within what carries it."""
    own = _entry(Component(name=NAME, version=_version(), licence=LICENCE))
    own.type = ComponentType.APPLICATION
    whole = Bom()
    whole.metadata.component = own
    whole.metadata.timestamp = None  # pyright: ignore[reportAttributeAccessIssue]  optional in the format
    entries = {_key(one): _entry(one) for one in components}
    for one in components:
        carrier = own if one.in_pages else entries.get(_carrier(one, components))
        if carrier is None:
            whole.components.add(entries[_key(one)])
        else:
            carrier.components.add(entries[_key(one)])
    whole.register_dependency(own, list(whole.components))
    names = sorted(f"{one.name}@{one.version}" for one in components)
    whole.serial_number = uuid5(NAMESPACE_URL, "\n".join((NAME, _version(), *names)))
    return JsonV1Dot6(whole).output_as_string(indent=2) + "\n"


def _carrier(one: Component, components: Sequence[Component]) -> str:
    """The key of what carries it; none where it is installed by itself."""
    return next(
        (_key(other) for other in components if one.within and other.name == one.within), ""
    )


def _key(one: Component) -> str:
    return "/".join(
        filter(None, (one.within, "pages" if one.in_pages else "", one.name, one.version))
    )


def _entry(one: Component) -> Entry:
    return Entry(
        type=ComponentType.LIBRARY,
        name=one.name,
        version=one.version or None,
        bom_ref=_key(one),
        purl=PackageURL.from_string(one.purl) if one.purl else None,
        licenses=[LicenseExpression(one.licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in one.hashes],
        properties=[Property(name="pygent:in-pages", value="true")] if one.in_pages else [],
    )


def _version() -> str:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return described["project"]["version"]
