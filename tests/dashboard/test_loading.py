"""How much a browser is sent before a page can be used, and that it is seen before any of it.

Sizes are those of the built files as they go over the wire; what they cost a slow phone is measured
with Lighthouse, not here.
"""

import re
from pathlib import Path

import pytest

from dashboard import routes
from tests.flows.product import BUILT_SITE

PAGES = [f"{routes.drawn_at(route)[1:] or 'index'}.html" for route in routes.ALL]
MOST_SCRIPT_BYTES = 140_000  # of the overview, all that is asked for with the document
MOST_SCRIPTS = 6
MOST_PAGE_BYTES = 24_000  # with its styles
SCRIPT = re.compile(r'<link rel="modulepreload" fetchpriority="low" href="/(assets/[^"]+\.js)"/>')
TEXTS = {".html", ".js", ".css", ".svg", ".json"}
SMALL = 256  # bytes; not worth packing


@pytest.fixture
def site() -> Path:
    if not (BUILT_SITE / "index.html").exists():
        pytest.fail("the pages are not built: run `make site`")
    return BUILT_SITE


def _sent(file: Path) -> int:
    packed = Path(f"{file}.br")
    return (packed if packed.exists() else file).stat().st_size


def test_the_overview_needs_few_scripts_and_small_ones(site: Path) -> None:
    scripts = [site / name for name in SCRIPT.findall((site / "index.html").read_text())]
    assert len(scripts) <= MOST_SCRIPTS
    assert sum(map(_sent, scripts)) <= MOST_SCRIPT_BYTES


def test_every_page_is_drawn_with_its_styles_and_names_every_script_it_needs(site: Path) -> None:
    for name in PAGES:
        page = (site / name).read_text()
        assert "<main" in page, f"{name} shows nothing without scripts"
        assert 'rel="stylesheet"' not in page, f"{name} waits for its styles"
        assert "<style>" in page
        assert _sent(site / name) <= MOST_PAGE_BYTES, name
        assert len(SCRIPT.findall(page)) > 1, name
        for script in SCRIPT.findall(page):
            assert (site / script).is_file(), f"{name} asks for {script}"


def test_texts_are_packed_in_both_ways_when_the_site_is_built(site: Path) -> None:
    for file in site.rglob("*"):
        if file.suffix in TEXTS and file.stat().st_size >= SMALL:
            for suffix in (".br", ".gz"):
                assert Path(f"{file}{suffix}").is_file(), f"{file.name}{suffix}"


def test_nothing_of_a_backend_of_reflex_is_in_the_scripts(site: Path) -> None:
    for script in (site / "assets").glob("*.js"):
        text = script.read_text()
        for word in ("socket.io", "reflex___state", "data-emotion"):
            assert word not in text, f"{script.name}: {word}"
