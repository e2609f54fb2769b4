"""The tags filter: what the official client builds is understood, and what is unsound is named."""

import random
from collections.abc import Mapping

import msgspec
import pytest
from centrifuge import Filter
from centrifuge import FilterNode as BuiltNode
from centrifuge.protocol import client_pb2

from protocols.centrifugal.tags import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    FilterNode,
    TagsFilter,
    parse,
)
from protocols.errors import InvalidRequest

SEED = 20261122
TAGS = {"ticker": "AAPL", "source": "NASDAQ", "price": "150.25", "volume": "1000", "empty": ""}


def read(tree: object) -> TagsFilter:
    """As a subscribe request carries it."""
    return parse(msgspec.json.decode(msgspec.json.encode(tree), type=FilterNode))


@pytest.mark.parametrize(
    ("built", "wanted"),
    [
        (Filter.eq("ticker", "AAPL"), True),
        (Filter.eq("ticker", "aapl"), False),
        (Filter.eq("absent", "AAPL"), False),
        (Filter.neq("source", "TEST"), True),
        (Filter.neq("source", "NASDAQ"), False),
        (Filter.neq("absent", "anything"), True),
        (Filter.is_in("ticker", ["MSFT", "AAPL"]), True),
        (Filter.is_in("ticker", ["MSFT"]), False),
        (Filter.is_in("absent", ["MSFT"]), False),
        (Filter.is_in("absent", [""]), True),
        (Filter.not_in("ticker", ["MSFT"]), True),
        (Filter.not_in("ticker", ["MSFT", "AAPL"]), False),
        (Filter.not_in("absent", ["MSFT"]), True),
        (Filter.exists("price"), True),
        (Filter.exists("empty"), True),
        (Filter.exists("absent"), False),
        (Filter.exists(""), False),
        (Filter.not_exists("absent"), True),
        (Filter.not_exists("price"), False),
        (Filter.starts_with("ticker", "AA"), True),
        (Filter.starts_with("ticker", "PL"), False),
        (Filter.starts_with("absent", "AA"), False),
        (Filter.ends_with("source", "DAQ"), True),
        (Filter.ends_with("source", "NAS"), False),
        (Filter.contains("source", "ASDA"), True),
        (Filter.contains("source", "asda"), False),
        (Filter.gt("price", "150"), True),
        (Filter.gt("price", "150.25"), False),
        (Filter.gte("price", "150.250"), True),
        (Filter.gte("volume", "1e3"), False),
        (Filter.lt("volume", "1000.0000000000000000001"), True),
        (Filter.lt("price", "99"), False),
        (Filter.lte("volume", "+1000"), True),
        (Filter.lte("volume", "-1000"), False),
        (Filter.lte("ticker", "1000"), False),
        (Filter.gt("absent", "-1"), False),
        (Filter.gt("empty", "-1"), False),
        (Filter.negate(Filter.eq("source", "NYSE")), True),
        (Filter.negate(Filter.gt("ticker", "1")), True),
        (Filter.all(Filter.eq("ticker", "AAPL"), Filter.lt("price", "200")), True),
        (Filter.all(Filter.eq("ticker", "AAPL"), Filter.lt("price", "100")), False),
        (Filter.any(Filter.eq("ticker", "MSFT"), Filter.lt("price", "200")), True),
        (Filter.any(Filter.eq("ticker", "MSFT"), Filter.lt("price", "100")), False),
    ],
    ids=str,
)
def test_what_the_official_client_builds_matches_as_it_says(
    built: BuiltNode, *, wanted: bool
) -> None:
    assert read(built.node).matches(TAGS) is wanted


@pytest.mark.parametrize(
    "text",
    [
        *("1e3", "0x10", "NaN", "inf", "-inf", ".5", "5.", "1_000", "\N{ARABIC-INDIC DIGIT ONE}"),
        *(" 1", "1 ", "1\n", "--1", "+", "", "1,5", "1.00000000000000000001", "1" * 201),
    ],
)
def test_what_is_no_plain_number_is_neither_more_nor_less(text: str) -> None:
    for cmp in ("gt", "gte", "lt", "lte"):
        assert not read({"key": "n", "cmp": cmp, "val": "0"}).matches({"n": text})
        if text:
            assert not read({"key": "n", "cmp": cmp, "val": text}).matches({"n": "0"})


def test_numbers_are_compared_exactly() -> None:
    large = "9" * 180
    assert read(Filter.gt("n", large + ".1").node).matches({"n": large + ".2"})
    assert not read(Filter.gt("n", "0.1000000000000000001").node).matches({"n": "0.1"})
    assert read(Filter.gte("n", "-0").node).matches({"n": "0"})


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({}, "tf: cmp of a leaf is one of ct, eq, ew, ex, gt, gte, in, lt, lte, neq, nex, nin, sw"),
        ({"key": "a"}, "tf: cmp of a leaf"),
        ({"key": "a", "cmp": "EQ", "val": "b"}, "tf: cmp of a leaf .* not 'EQ'"),
        ({"key": "a", "cmp": "regex" * 99, "val": "b"}, "not 'regexregexregexregex'"),
        ({"key": "a", "cmp": "eq"}, "tf: eq takes a val"),
        ({"key": "a", "cmp": "eq", "vals": ["b"]}, "tf: eq takes a val"),
        ({"key": "a", "cmp": "eq", "val": "b", "vals": ["b"]}, "tf: eq takes no vals"),
        ({"key": "a", "cmp": "gt"}, "tf: gt takes a val"),
        ({"cmp": "eq", "val": "b"}, "tf: eq takes a key"),
        ({"key": "a", "cmp": "in"}, "tf: in takes at least one of vals"),
        ({"key": "a", "cmp": "in", "vals": []}, "tf: in takes at least one of vals"),
        ({"key": "a", "cmp": "nin", "val": "b"}, "tf: nin takes no val"),
        ({"cmp": "in", "vals": ["b"]}, "tf: in takes a key"),
        ({"key": "a", "cmp": "ex", "val": "b"}, "tf: ex takes no val"),
        ({"key": "a", "cmp": "nex", "vals": ["b"]}, "tf: nex takes no vals"),
        ({"op": "xor", "nodes": [{"key": "a", "cmp": "ex"}]}, "tf: op is and, or, not or empty"),
        ({"op": "and"}, "tf: and has at least one node"),
        ({"op": "or", "nodes": []}, "tf: or has at least one node"),
        ({"op": "not"}, "tf: not has at least one node"),
        ({"op": "not", "nodes": [{"cmp": "ex"}] * 2}, "tf: not has one node, not 2"),
        (
            {"op": "or", "nodes": [{"cmp": "ex"}, {"op": "not", "nodes": [{"cmp": "?"}]}]},
            r"tf\.nodes\[1\]\.nodes\[0\]: cmp of a leaf",
        ),
    ],
)
def test_an_unsound_node_is_named_with_its_rule(tree: object, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as refused:
        read(tree)
    assert refused.value.field == refused.value.message.partition(":")[0]


def test_a_filter_is_bounded_in_depth_nodes_and_bytes() -> None:
    leaf: dict[str, object] = {"key": "a", "cmp": "ex"}

    def nested(depth: int) -> dict[str, object]:
        return leaf if depth == 1 else {"op": "not", "nodes": [nested(depth - 1)]}

    assert read(nested(MAX_DEPTH)).matches({}) is bool(MAX_DEPTH % 2 == 0)
    with pytest.raises(InvalidRequest, match=f"at most {MAX_DEPTH} nodes deep"):
        read(nested(MAX_DEPTH + 1))

    read({"op": "or", "nodes": [leaf] * (MAX_NODES - 1)})
    with pytest.raises(InvalidRequest, match=f"at most {MAX_NODES} nodes"):
        read({"op": "or", "nodes": [leaf] * MAX_NODES})

    read({"key": "ä", "cmp": "in", "vals": ["ä" * 10] * ((MAX_BYTES - 2) // 20)})
    with pytest.raises(InvalidRequest, match=f"at most {MAX_BYTES} bytes"):
        read({"key": "ä", "cmp": "in", "vals": ["ä" * 10] * (MAX_BYTES // 20 + 1)})


def test_what_stands_in_a_leaf_unread_counts_too() -> None:
    leaf = {"key": "a", "cmp": "ex"}
    assert read({**leaf, "nodes": [leaf]}).matches({"a": ""})
    with pytest.raises(InvalidRequest, match="nodes"):
        read({**leaf, "nodes": [leaf] * MAX_NODES})


def test_equal_filters_are_one_filter() -> None:
    tree = {"op": "and", "nodes": [{"key": "a", "cmp": "in", "vals": ["1", "2"]}]}
    assert read(tree) == read(tree)
    assert len({read(tree), read(tree), read({"key": "a", "cmp": "ex"})}) == 2


def test_both_forms_of_the_wire_spell_the_same_fields() -> None:
    fields = client_pb2.DESCRIPTOR.message_types_by_name["FilterNode"].fields_by_name
    assert tuple(fields) == FilterNode.__struct_fields__


def test_random_filters_decide_as_the_reference_server_does() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    decided = set[bool]()
    for number in range(3000):
        tree = _random_tree(chance, depth=chance.randint(1, 4))
        tags = {key: chance.choice(VALUES) for key in ("a", "b", "c") if chance.random() < 0.7}
        expected = _reference(tree, tags)
        decided.add(expected)
        assert read(tree).matches(tags) is expected, f"seed {SEED}, filter {number}"
    assert decided == {True, False}


VALUES = ["", "1", "10", "9", "1.5", "-1", "a", "ab", "ba", "1a"]
LEAVES = ["eq", "neq", "in", "nin", "ex", "nex", "sw", "ew", "ct", "lt", "lte", "gt", "gte"]


def _random_tree(chance: random.Random, *, depth: int) -> dict[str, object]:
    if depth > 1 and chance.random() < 0.8:
        op = chance.choice(["and", "or", "not"])
        count = 1 if op == "not" else chance.randint(1, 3)
        return {"op": op, "nodes": [_random_tree(chance, depth=depth - 1) for _ in range(count)]}
    leaf: dict[str, object] = {"key": chance.choice("abc"), "cmp": chance.choice(LEAVES)}
    if leaf["cmp"] in ("in", "nin"):
        leaf["vals"] = chance.sample(VALUES, chance.randint(1, 4))
    elif leaf["cmp"] not in ("ex", "nex"):
        leaf["val"] = chance.choice(VALUES[1:])
    return leaf


def _reference(tree: Mapping[str, object], tags: Mapping[str, str]) -> bool:  # noqa: C901  one case each
    """What the reference server's documentation says of each comparison, without our tables."""
    nodes = tree.get("nodes")
    if isinstance(nodes, list):
        verdicts = [_reference(node, tags) for node in nodes]
        return {"and": all(verdicts), "or": any(verdicts), "not": not verdicts[0]}[str(tree["op"])]
    tag = tags.get(str(tree["key"]))
    val = str(tree.get("val", ""))
    vals = tree.get("vals", [])
    assert isinstance(vals, list)
    match tree["cmp"]:
        case "eq":
            return tag == val
        case "neq":
            return tag != val
        case "in":
            return (tag or "") in vals
        case "nin":
            return (tag or "") not in vals
        case "ex":
            return tag is not None
        case "nex":
            return tag is None
        case "sw":
            return tag is not None and tag[: len(val)] == val
        case "ew":
            return tag is not None and tag[len(tag) - len(val) :] == val and len(val) <= len(tag)
        case "ct":
            return tag is not None and tag.find(val) >= 0
        case cmp:
            return _numbers(str(cmp), tag or "", val)


def _numbers(cmp: str, tag: str, val: str) -> bool:
    try:
        left, right = float(tag), float(val)
    except ValueError:
        return False
    return {"lt": left < right, "lte": left <= right, "gt": left > right, "gte": left >= right}[cmp]
