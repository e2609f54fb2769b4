"""Fossil deltas: the official clients make the same text of them, and hostile ones are refused."""

import base64
import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from centrifuge.fossil import apply_delta

from protocols.centrifugal.delta import MAX_TARGET_BYTES, applied, checksum, delta, text
from protocols.errors import InvalidRequest
from tests.conformance.clients import NODE, install_js_client

SEED = 20261122
PAIRS = 600
KIB_64 = 65536
WORDS = ["alpha", "beta", "Größe", "発送", "🙂", "naïve", '{}[]"\\', "0123456789", "true", " "]
SCRIPT = """
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
const load = createRequire(`${process.argv[1]}/`);
const codec = (module) =>
  new (load(module).Centrifuge)("ws://127.0.0.1:1", { websocket: class {} })._codec;
const forms = { json: codec("centrifuge"), protobuf: codec("centrifuge/build/protobuf") };
for await (const line of createInterface({ input: process.stdin })) {
  const { form, before, delta } = JSON.parse(line);
  const bytes = Buffer.from(delta, "base64");
  const push = { delta: true, data: form === "json" ? bytes.toString() : bytes };
  const made = forms[form].applyDeltaIfNeeded(push, Buffer.from(before, "base64")).newPrevValue;
  process.stdout.write(`${Buffer.from(made).toString("base64")}\n`);
}
"""

Pair = tuple[str, bytes, bytes]


def _document(chance: random.Random) -> bytes:
    rows = [
        {"id": number, "name": chance.choice(WORDS), "value": chance.random()}
        for number in range(chance.choice((1, 5, 40, 200)))
    ]
    return json.dumps({"rows": rows}, ensure_ascii=chance.random() < 0.3).encode()


def _edited(before: bytes, chance: random.Random) -> bytes:
    characters = list(before.decode())
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(characters))
        characters[at : at + chance.randint(0, 8)] = chance.choice(WORDS)
    return "".join(characters).encode()


def _swapped(before: bytes, chance: random.Random) -> bytes:
    a, b, c = sorted(chance.randrange(len(before) + 1) for _ in range(3))
    return before[:a] + before[b:c] + before[a:b] + before[c:]


def _neighbours(before: bytes, chance: random.Random) -> bytes:
    """Other characters that share their first, or their last byte with those there were."""
    step = chance.choice((1, 64))
    characters = [
        chr(ord(each) + step) if ord(each) > 127 and chance.random() < 0.3 else each
        for each in before.decode()
    ]
    return "".join(characters).encode()


CHANGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "edited": _edited,
    "swapped": _swapped,
    "with other characters": _neighbours,
    "cut short": lambda before, chance: before[: chance.randrange(len(before))],
    "cut off in front": lambda before, chance: before[chance.randrange(len(before)) :],
    "grown": lambda before, chance: before + _document(chance),
    "grown in front": lambda before, chance: _document(chance) + before,
    "doubled": lambda before, _: before + before,
    "the same": lambda before, _: before,
    "emptied": lambda _before, _: b"",
    "another": lambda _, chance: _document(chance),
    "turned around": lambda before, _: before[::-1],
    "noise": lambda before, chance: chance.randbytes(len(before)),
    "noise in the middle": lambda before, chance: before[:99] + chance.randbytes(40) + before[99:],
}


def pairs() -> list[Pair]:
    chance = random.Random(SEED)
    made: list[Pair] = [
        ("of nothing, nothing", b"", b""),
        ("of nothing", b"", b"some text that is not so short"),
        ("to one byte", b"a" * 100, b"a"),
        ("runs of zeros", bytes(5000), bytes(3000) + b"x" + bytes(4000)),
        ("a period", b"abcdefg" * 500, (b"abcdefg" * 20 + b"x") * 30),
        ("only continuations", b"\x80" * 300, b"\x80" * 200 + b"x" + b"\x80" * 90),
        ("the same first byte", "a beginning ä".encode(), "a beginning å".encode()),
        ("the same last byte", "ä and an ending".encode(), "Ĥ and an ending".encode()),
    ]
    for number in range(PAIRS - len(made)):
        name = list(CHANGES)[number % len(CHANGES)]
        before = _document(chance)
        made.append((f"seed {SEED}, pair {number}, {name}", before, CHANGES[name](before, chance)))
    return made


def test_the_official_python_client_makes_the_same_text() -> None:
    print(f"seed {SEED}")
    deltas = 0
    for name, before, after in pairs():
        made = delta(before, after)
        if made is None:
            continue
        deltas += 1
        assert apply_delta(before, made) == after, name
        assert applied(before, made) == after, name
        assert len(made) < len(after), name
    assert deltas >= 300


@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_the_official_javascript_client_makes_the_same_text(form: str) -> None:
    print(f"seed {SEED}")
    installed = install_js_client()
    asked = [
        (name, before, after, made)
        for name, before, after in (_as_json(pairs()) if form == "json" else pairs())
        if (made := delta(before, after)) is not None
    ]
    lines = [
        json.dumps({"form": form, "before": _base64(before), "delta": _base64(made)})
        for _, before, _, made in asked
    ]
    client = subprocess.run(
        [NODE / "node", "--input-type=module", "-e", SCRIPT, installed],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert client.returncode == 0, client.stderr
    answers = client.stdout.splitlines()
    assert len(answers) == len(asked) >= 300
    for (name, _, after, _), answer in zip(asked, answers, strict=True):
        assert answer == _base64(after), name


def _as_json(of_bytes: list[Pair]) -> Iterator[Pair]:
    """The pairs that are text, each text as a payload of JSON, some in ASCII and some not."""
    for number, (name, before, after) in enumerate(of_bytes):
        texts = text(before), text(after)
        if None not in texts:
            old, new = (json.dumps(each, ensure_ascii=number % 2 == 0).encode() for each in texts)
            yield name, old, new


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_delta_between_texts_is_a_text_whatever_the_alphabet() -> None:
    for name, before, after in pairs():
        made = delta(before, after)
        if made is not None and text(before) is not None and text(after) is not None:
            assert text(made) is not None, name


def test_what_is_no_text_is_told_apart() -> None:
    made = delta(b"a" * 50, b"a" * 50 + b"\xff")
    assert made is not None
    assert text(made) is None
    assert text("wörtlich".encode()) == "wörtlich"


def test_two_changes_in_one_payload_cost_little_more_than_they_are_long() -> None:
    rows = [{"id": number, "name": f"row {number}", "price": 100.25} for number in range(200)]
    before = json.dumps(rows).encode()
    rows[20]["price"] = 99.75
    rows[180]["name"] = "another name"
    after = json.dumps(rows).encode()

    made = delta(before, after)

    assert made is not None
    assert len(made) < 80 < len(after) // 100
    assert applied(before, made) == after


def test_what_moved_is_found_again() -> None:
    chance = random.Random(SEED)
    parts = [chance.randbytes(1000) for _ in range(20)]
    chance.shuffle(moved := parts.copy())
    made = delta(b"".join(parts), b"".join(moved))
    assert made is not None
    assert len(made) < 800


def test_every_piece_of_32_bytes_is_found_where_little_is_new() -> None:
    chance = random.Random(SEED)
    before = chance.randbytes(2000)
    places = [chance.randrange(1968) for _ in range(60)]
    after = b"".join(before[at : at + 32] + chance.randbytes(8) for at in places)
    made = delta(before, after)
    assert made is not None
    assert len(made) < 60 * (8 + 10)


def test_a_long_new_part_does_not_hide_what_comes_after_it() -> None:
    chance = random.Random(SEED)
    before = chance.randbytes(20_000)
    new = chance.randbytes(20_000)
    after = b"x" + before[:10_000] + new + before[10_000:] + b"x"
    made = delta(before, after)
    assert made is not None
    assert len(made) < len(new) + 100


def test_what_is_not_shorter_is_no_delta() -> None:
    assert delta(b"", b"") is None
    assert delta(b"abc", b"abc") is None
    assert delta(b"a" * 1000, bytes(range(64))) is None
    assert delta(b"the very same text", b"the very same text") is not None


def test_the_format_is_fossils() -> None:
    before = b"The quick brown fox jumps over the lazy dogs of the town"
    after = before.replace(b"lazy", b"idle")
    words = [after[at : at + 4].ljust(4, b"\0") for at in range(0, len(after), 4)]
    total = sum(int.from_bytes(word, "big") for word in words) % 2**32
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
    ending = "".join(digits[total >> shift & 63] for shift in range(30, -1, -6)).lstrip("0")

    assert delta(before, after) == f"t\nZ@0,4:idleH@c,{ending};".encode()


ABCD = b"1XObD_"  # 0x61626364 in base 64


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (b"", "begins with"),
        (b"4", "begins with"),
        (b"\n", "begins with"),
        (b"-4\n", "begins with"),
        (b"4 \n", "begins with"),
        (b"0000000\n0;", "begins with"),
        (b"~~~~~~\n0;", "at most"),
        (b"4\n", "no command at byte 2"),
        (b"4\n4", "no command at byte 2"),
        (b"4\n4@", "no command at byte 2"),
        (b"4\n4@0", "no command at byte 2"),
        (b"4\n4@0;", "no command at byte 2"),
        (b"4\n@0,", "no command at byte 2"),
        (b"4\n4!abcd", "no command at byte 2"),
        (b"4\n4:abcd", "no command at byte 8"),
        (b"4\n4:abc", "reads past the end"),
        (b"4\n4@7,", "reads past the end"),
        (b"4\n1@~~~~~~,", "reads past the end"),
        (b"4\n5:abcde", "exceeds"),
        (b"4\n~~~~~~@0,", "exceeds"),
        (b"4\n4@0,1@0,", "exceeds"),
        (b"4\n3@0,0;", "makes 3 bytes and says 4"),
        (b"4\n4@0,0;", "checksum"),
        (b"4\n4@0,%s;0;" % ABCD, "goes on"),
        (b"0\n1;", "checksum"),
    ],
)
def test_a_delta_that_lies_is_refused(made: bytes, rule: str) -> None:
    with pytest.raises(InvalidRequest, match=rule):
        applied(b"abcdefghij", made)


def test_a_delta_of_another_text_is_refused() -> None:
    made = delta(b"one text, rather long" * 9, b"one text, rather long" * 9 + b"!")
    assert made is not None
    with pytest.raises(InvalidRequest, match="not made for this text"):
        applied(b"two texts, both longer" * 9, made)


def test_a_delta_cannot_make_more_than_allowed() -> None:
    bomb = b"~~~~~\n" + b"1000@0," * 10_000 + b"0;"
    with pytest.raises(InvalidRequest, match=f"at most {MAX_TARGET_BYTES} bytes"):
        applied(bytes(KIB_64), bomb)
    with pytest.raises(InvalidRequest, match="at most 10 bytes"):
        applied(b"", b"B\nB:12345678901;", max_bytes=10)


def test_every_cut_and_changed_delta_is_refused_or_right() -> None:
    chance = random.Random(SEED)
    before = _document(chance)
    after = _edited(before, chance)
    made = delta(before, after)
    assert made is not None
    for end in range(len(made)):
        with pytest.raises(InvalidRequest):
            applied(before, made[:end])
    for _ in range(2000):
        broken = bytearray(made)
        broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            assert checksum(applied(before, bytes(broken))) == checksum(after), bytes(broken)
        except InvalidRequest:
            continue


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (bytes(KIB_64), bytes(KIB_64)),
        (bytes(KIB_64), bytes(40) + (b"x" + bytes(39)) * (KIB_64 // 40)),
        (bytes(32), bytes(KIB_64)),
        (b"ab" * (KIB_64 // 2), (b"ab" * 100 + b"c") * 326),
        (b"abcdefg" * 9362, (b"abcdefg" * 20 + b"x") * 465),
        (random.Random(1).randbytes(KIB_64), random.Random(2).randbytes(KIB_64)),
        (random.Random(1).randbytes(KIB_64), random.Random(1).randbytes(KIB_64)[::-1]),
    ],
    ids=[
        "zeros",
        "zeros and x",
        "a few zeros",
        "two letters",
        "seven letters",
        "noise",
        "reversed",
    ],
)
def test_hostile_payloads_of_64_kib_cost_no_more_than_their_size(
    before: bytes, after: bytes
) -> None:
    began = time.process_time()
    made = delta(before, after)
    spent = time.process_time() - began

    assert made is None or applied(before, made) == after
    assert spent < 0.2  # 2 to 10 ms where it was measured; work that is quadratic takes seconds
