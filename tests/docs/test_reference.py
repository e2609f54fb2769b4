"""The reference pages say what the code says."""

from agents.models.providers import PROVIDERS
from deploy.reference.pages import ROOT, outdated
from protocols.events import KINDS


def test_the_reference_is_what_the_code_says() -> None:
    assert outdated() == [], "run `make reference`, and commit what it writes"


def test_every_variable_of_a_provider_stands_in_the_settings() -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    for provider in PROVIDERS.values():
        for variable in (*provider.keys, *provider.urls):
            assert f"`{variable}`" in text


def test_every_kind_of_event_is_described() -> None:
    text = (ROOT / "docs/reference/events.md").read_text("utf-8")
    for kind in KINDS:
        assert f"## `{kind}`" in text
