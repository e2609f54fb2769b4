"""Documents of every kind become text, and bad ones a sentence that says what is wrong."""

import csv
import io
import time
import zlib

import pytest
from pypdf import PdfWriter

from protocols.errors import InvalidRequest, LimitExceeded
from store.knowledge import sandbox
from store.knowledge.chunks import Cutter
from store.knowledge.loader import Loaded
from store.knowledge.reading import read_document

MARKDOWN = b"""---
title: "The guide"
---
# Start

Before all else.

## On `Linux`

```sh
# not a heading
make run
```

Setext
------

Under a line.
"""

HTML = b"""<!doctype html><html><head><title>The &amp; page</title>
<style>p {color: red}</style></head>
<body><h1>Start</h1><p>One <b>bold</b> word.</p><script>alert("no")</script>
<h2>List</h2><ul><li>first<li>second</ul><pre>a
  b</pre></body></html>"""


def pdf(*pages: str, title: str = "") -> bytes:
    """A PDF with these lines, one a page, written by hand."""
    lines = [f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("latin-1") for text in pages]
    return pdf_of(*((b"", line) for line in lines), title=title)


def pdf_of(*streams: tuple[bytes, bytes], title: str = "") -> bytes:
    """A PDF with these streams, one a page: what their dictionary says besides, and bytes."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids: list[str] = []
    for entries, stream in streams:
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        font = "<< /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
        page = f"/Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font {font} >>"
        objects.append(f"<< {page} /Contents {number + 1} 0 R >>".encode())
        dictionary = b"<< /Length %d %s >>" % (len(stream), entries)
        objects.append(b"%s\nstream\n%s\nendstream" % (dictionary, stream))
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    objects.append(f"<< /Title ({title}) >>".encode())

    written, places = b"%PDF-1.4\n", list[int]()
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R /Info %d 0 R >>" % (size, size - 1)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % size
    return written + head + table + trailer + b"\nstartxref\n%d\n%%%%EOF" % len(written)


def encrypted_pdf() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


async def read(content: bytes, media_type: str) -> Loaded:
    return await read_document(content, name="it", media_type=media_type)


async def test_markdown_has_a_section_for_each_heading_and_none_in_code() -> None:
    loaded = await read(MARKDOWN, "text/markdown")
    assert loaded.title == "The guide"
    assert [(section.location, section.text) for section in loaded.sections] == [
        ("Start", "Before all else."),
        ("Start \u203a On Linux", "```sh\n# not a heading\nmake run\n```"),
        ("Start \u203a Setext", "Under a line."),
    ]


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("# One ##", "One"),
        ("###### Six", "Six"),
        ("   # [A *link*](https://example.org) `x`", "A link x"),
        ("# C#", "C#"),
        ("#no", ""),
        ("####### Seven", ""),
        ("    # code", ""),
        ("# " + " " * 1_000_000 + "far", "far"),
        ("# a" + "_" * 1_000_000 + "b", "a"),
    ],
)
async def test_a_heading_is_what_markdown_says_it_is(line: str, heading: str) -> None:
    loaded = await read(f"Before.\n\n{line}\n\nText.".encode(), "text/markdown")
    location = loaded.sections[-1].location
    assert location.startswith(heading) if heading else not location


async def test_html_is_text_with_headings_and_without_what_nobody_reads() -> None:
    loaded = await read(HTML, "text/html")
    assert loaded.title == "The & page"
    assert [(section.location, section.text) for section in loaded.sections] == [
        ("Start", "One bold word."),
        ("Start \u203a List", "- first\n- second\n\na\n  b"),
    ]


# As the tool that builds the documentation writes it, shortened.
SITE_PAGE = """<!doctype html><html lang="en"><head><title>Pumps - Handbook</title></head>
<body dir="ltr"><input type="checkbox" id="__drawer"><label for="__drawer"></label>
<a href="#pumps" class="md-skip">Skip to content</a>
<header class="md-header"><nav aria-label="Header"><a href="." title="Handbook">
<svg viewBox="0 0 24 24"><path d="M12 8"/></svg></a><div role="search"><form><label>Search</label>
</form><div><div>Type to start searching</div></div></div></nav></header>
<div class="md-container"><main class="md-main"><div class="md-main__inner">
<div class="md-sidebar"><nav aria-label="Navigation"><ul><li><a href="./">Home</a><li>
<nav><ul><li><a href="valves/">Valves</a></ul></nav></ul></nav></div>
<div class="md-content"><article><nav class="md-path"><ol><li>Handbook</ol></nav>
<h1 id="pumps">Pumps<a class="headerlink">¶</a></h1><p>Prime it before the first start.</p>
<h2>Seals</h2><aside><p>A seal lasts a year.</p></aside><p>Change both.</p></article></div></div>
<button>Back to top</button></main>
<footer class="md-footer"><p>Made with care by somebody</p></footer></div>
<script>console.log("bye")</script></body></html>"""


async def test_of_a_page_of_a_site_the_main_content_is_read_and_no_navigation() -> None:
    loaded = await read(SITE_PAGE.encode(), "text/html")
    assert loaded.title == "Pumps - Handbook"
    assert [section.text for section in loaded.sections] == [
        "Prime it before the first start.",
        "A seal lasts a year.\n\nChange both.",
    ]
    assert loaded.sections[1].location == "Pumps \u203a Seals"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<nav>Home</nav><h1>A</h1><p>Text.</p><footer>Call 12</footer>", "Text.\n\nCall 12"),
        ("<header><h1>A</h1><p>Why.</p></header><p>Text.</p>", "Why.\n\nText."),
        ("<main></main><p>Text.</p>", "Text."),  # a place that scripts fill
        ("<main>ok</main><p>Much longer text beside it.</p>", "ok\n\nMuch longer text beside it."),
        ("<article>One.</article><article>Two.</article><p>Ad</p>", "One.\n\nTwo."),
        ("<div role=main><div>In.</div> After.</div><p>Out</p>", "In.\n\n After."),
        ("<div role=navigation><div>Up</div> Down</div><p>Text.</p>", "Text."),
        ("<nav>Home<p>Never closed.", "Home\n\nNever closed."),
        ("<nav>All there is</nav>", "All there is"),
        ("<article>Never closed.", "Never closed."),
    ],
)
async def test_of_other_pages_nothing_but_navigation_is_lost(page: str, text: str) -> None:
    loaded = await read(page.encode(), "text/html")
    assert [section.text for section in loaded.sections] == [text]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
async def test_each_row_of_a_csv_says_its_columns(mark: str) -> None:
    rows = [
        ["Pump", "Price, \u20ac", ""],
        ["P-1", 'a "dear" one\nof 90', "!"],
        [],
        ["P-2", "", "?"],
    ]
    table = io.StringIO(newline="")
    csv.writer(table, delimiter=mark).writerows(rows)
    loaded = await read(table.getvalue().encode("utf-8-sig"), "text/csv")
    assert [(section.location, section.text) for section in loaded.sections] == [
        ("rows 1\u20132", '- Pump: P-1; Price, \u20ac: a "dear" one of 90; !\n- Pump: P-2; ?')
    ]


async def test_a_long_csv_says_where_its_rows_stand_and_is_cut_between_them() -> None:
    rows = "".join(f"row-{number},{number * 7}\n" for number in range(1, 46))
    loaded = await read(f"name,value\n{rows}".encode(), "text/csv")
    assert [section.location for section in loaded.sections] == [
        "rows 1\u201320",
        "rows 21\u201340",
        "rows 41\u201345",
    ]
    cutter = Cutter(loaded.form, count_tokens=lambda text: len(text.split()))
    passages = [text for section in loaded.sections for text in cutter.cut(section.text)]
    assert all(line.startswith("- name: row-") for text in passages for line in text.splitlines())


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (b'a,b\n"never closed,1\n', "it is no CSV: unexpected end of data, at line 2"),
        (b"a,b\n" + b"x" * 100_001, "it is no CSV: field larger than field limit"),
        (b",,\n,,\n", "it has no text"),
        ((b"n" * 60 + b",") * 20_000 + b"\n" + (b"1," * 20_000 + b"\n") * 400, "more than 60 MiB"),
    ],
)
async def test_a_csv_that_cannot_be_read_is_refused_with_the_reason(
    table: bytes, reason: str
) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        await read(table, "text/csv")


async def test_a_csv_of_names_alone_is_their_text() -> None:
    assert (await read(b"name,value\n", "text/csv")).sections[0].text == "name; value"


async def test_each_page_of_a_pdf_is_a_section() -> None:
    loaded = await read(pdf("First page.", "", "Third page.", title="A paper"), "application/pdf")
    assert loaded.title == "A paper"
    assert [(section.location, section.text) for section in loaded.sections] == [
        ("page 1", "First page."),
        ("page 3", "Third page."),
    ]


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
async def test_text_is_read_in_its_own_encoding(charset: str) -> None:
    loaded = await read("Größe, façade".encode(charset), "text/plain")
    assert loaded.sections[0].text == "Größe, façade"


async def test_html_is_read_in_the_encoding_it_declares() -> None:
    page = '<meta charset="windows-1251"><p>Привет</p>'.encode("windows-1251")
    assert (await read(page, "text/html")).sections[0].text == "Привет"


@pytest.mark.parametrize("charset", ["punycode", "idna", "undefined", "unicode_escape", "nonsense"])
async def test_a_declared_encoding_that_is_none_of_the_web_is_passed_over(charset: str) -> None:
    text = f"<meta charset={charset}>\\N{{BULLET}} caf\xe9 " + "a" * 50_000 + "-" + "ba" * 50_000
    began = time.process_time()
    loaded = await read(text.encode("latin-1"), "text/plain")
    assert loaded.sections[0].text == text
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("content", "media_type", "why"),
    [
        (b"", "text/markdown", "it is empty"),
        (b" \n\t ", "text/plain", "it is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "text/markdown", "it is binary: byte 8 is NUL"),
        (b"\x01\x02\x03\x04text", "text/plain", "it is binary: 4 of 8 bytes are control"),
        (b"\xff\xfe\x00\xd8", "text/plain", "it begins as utf-16 and is not, at byte 2"),
        (b"---\ntitle: none\n---\n", "text/markdown", "it has no text"),
        (b"<script>all()</script>", "text/html", "it has no text"),
        (b"%PDF-1.7 and so on", "text/plain", "it is a PDF, not text/plain"),
        (b"PK\x03\x04", "application/zip", "it is application/zip, which cannot be read"),
        (b"not a PDF", "application/pdf", "it is no PDF"),
        (b"%PDF-1.7\nnothing of it", "application/pdf", "it is a broken PDF"),
        (pdf("cut")[:300], "application/pdf", "it is a broken PDF"),
        (pdf("", ""), "application/pdf", "it has no text on its 2 pages: scanned"),
        (encrypted_pdf(), "application/pdf", "it is encrypted: remove its password"),
    ],
)
async def test_a_bad_document_is_refused_with_its_reason(
    content: bytes, media_type: str, why: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(content, media_type)
    assert refused.value.message.startswith(why)


async def test_a_too_large_document_is_refused_with_the_limit() -> None:
    with pytest.raises(LimitExceeded, match=r"it has 21\.0 MiB; a document has at most 20 MiB"):
        await read(b"a" * (21 * 1024 * 1024), "text/plain")


async def test_a_pdf_that_unfolds_to_more_than_memory_is_refused() -> None:
    packer = zlib.compressobj(1)
    megabyte = b"BT /F1 12 Tf (word) Tj ET ".ljust(1_000_000)
    packed = b"".join(packer.compress(megabyte) for _ in range(600)) + packer.flush()
    bomb = pdf_of((b"/Filter /FlateDecode", packed))
    with pytest.raises(InvalidRequest, match=r"it (is a broken PDF|cannot be read within)"):
        await read(bomb, "application/pdf")


async def test_the_sandbox_ends_a_reader_that_takes_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox, "MEMORY_BYTES", 96 * 1024 * 1024)
    with pytest.raises(InvalidRequest, match=r"it cannot be read within 96 MiB"):
        await read(b"<p>word</p>" * 1_500_000, "text/html")
