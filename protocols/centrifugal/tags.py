"""The tags filter of a subscription: which publications a subscriber wants, by their tags.

A filter is a tree: a leaf compares one tag with a value or with several, `and`, `or` and `not` join
nodes. It is checked once, when somebody subscribes, and then asked for each publication. What a
filtered publication does to a subscriber's position is not known here; nor is a filter a
permission: whoever may subscribe may read everything.

Values are text. Only `gt`, `gte`, `lt` and `lte` compare numbers: a sign, digits, a point and up to
19 digits, no exponent, compared exactly; if one side is no such number, they do not match. A tag
that is absent is unlike any value (`neq` matches), and counts as empty for `in` and `nin`.

Source: the Centrifugal client protocol, `tf` of a subscribe request; what it leaves open is decided
as the reference server does.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from weakref import WeakValueDictionary

from protocols.centrifugal.wire.commands import FilterNode
from protocols.errors import InvalidRequest

MAX_DEPTH = 16
MAX_NODES = 128
MAX_BYTES = 8192  # of all keys and values together
MAX_NUMBER_CHARACTERS = 200

Tags = Mapping[str, str]
Match = Callable[[Tags], bool]

_OF_NONE = frozenset({"ex", "nex"})
_OF_SEVERAL = frozenset({"in", "nin"})
_OF_TEXT: dict[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "sw": str.startswith,
    "ew": str.endswith,
    "ct": operator.contains,
}
_OF_NUMBERS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_NEGATED = {"neq": "eq", "nin": "in", "nex": "ex"}
_COMPARISONS = _OF_NONE | _OF_SEVERAL | _OF_TEXT.keys() | _OF_NUMBERS.keys() | _NEGATED.keys()
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]{1,19})?")


@dataclass(frozen=True, slots=True, weakref_slot=True)
class TagsFilter:
    """A filter that was found sound.

    Attributes:
        node: What it was made of; equal for equal filters.
        matches: Whether a publication with these tags is wanted.
        number: Of the node, as its hash: for each publication all are looked up.
    """

    node: FilterNode
    matches: Match = field(compare=False, repr=False)
    number: int = field(compare=False, repr=False)

    def __hash__(self) -> int:
        """Equal for equal filters."""
        return self.number


_known: "WeakValueDictionary[FilterNode, TagsFilter]" = WeakValueDictionary()


def parse(root: FilterNode) -> TagsFilter:
    """The filter a tree describes; the same one for equal trees, as long as anybody has it.

    Raises:
        InvalidRequest: It is too large, or a node of it breaks a rule; `field` is the node's path.
    """
    _refuse_large(root)
    found = _known.get(root)
    if found is None:
        found = _known[root] = TagsFilter(root, _match(root, "tf"), hash(root))
    return found


def _refuse_large(root: FilterNode) -> None:
    nodes = 0
    size = 0
    level: list[FilterNode] = [root]
    depth = 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > MAX_DEPTH:
            raise InvalidRequest(f"a tags filter is at most {MAX_DEPTH} nodes deep", field="tf")
        if nodes > MAX_NODES:
            raise InvalidRequest(f"a tags filter has at most {MAX_NODES} nodes", field="tf")
        size += sum(_bytes(node) for node in level)
        if size > MAX_BYTES:
            raise InvalidRequest(
                f"a tags filter's keys and values have at most {MAX_BYTES} bytes", field="tf"
            )
        level = [child for node in level for child in node.nodes]


def _bytes(node: FilterNode) -> int:
    return sum(len(text.encode()) for text in (node.key, node.val, *node.vals))


def _match(node: FilterNode, path: str) -> Match:
    match node.op:
        case "":
            return _leaf(node, path)
        case "and":
            return _all(_children(node, path))
        case "or":
            return _any(_children(node, path))
        case "not":
            return _not(*_children(node, path))
        case _:
            raise _unsound(path, f"op is and, or, not or empty, not {_shown(node.op)}")


def _children(node: FilterNode, path: str) -> tuple[Match, ...]:
    if not node.nodes:
        raise _unsound(path, f"{node.op} has at least one node")
    if node.op == "not" and len(node.nodes) > 1:
        raise _unsound(path, f"not has one node, not {len(node.nodes)}")
    return tuple(
        _match(child, f"{path}.nodes[{number}]") for number, child in enumerate(node.nodes)
    )


def _leaf(node: FilterNode, path: str) -> Match:
    _refuse_unsound(node, path)
    if node.cmp in _NEGATED:
        return _not(_compare(_NEGATED[node.cmp], node))
    return _compare(node.cmp, node)


def _refuse_unsound(node: FilterNode, path: str) -> None:
    if node.cmp not in _COMPARISONS:
        known = ", ".join(sorted(_COMPARISONS))
        raise _unsound(path, f"cmp of a leaf is one of {known}, not {_shown(node.cmp)}")
    needs_values = node.cmp in _OF_SEVERAL
    needs_value = not needs_values and node.cmp not in _OF_NONE
    if bool(node.val) is not needs_value:
        raise _unsound(path, f"{node.cmp} takes {'a' if needs_value else 'no'} val")
    if bool(node.vals) is not needs_values:
        raise _unsound(path, f"{node.cmp} takes {'at least one of' if needs_values else 'no'} vals")
    if not node.key and node.cmp not in _OF_NONE:
        raise _unsound(path, f"{node.cmp} takes a key")


def _compare(cmp: str, node: FilterNode) -> Match:
    key, wanted = node.key, node.val
    if cmp == "ex":
        return lambda tags: key in tags
    if cmp == "in":
        values = frozenset(node.vals)
        return lambda tags: tags.get(key, "") in values
    if cmp in _OF_NUMBERS:
        return _compare_numbers(_OF_NUMBERS[cmp], key, _number(wanted))
    compare = _OF_TEXT[cmp]
    return lambda tags: (value := tags.get(key)) is not None and compare(value, wanted)


def _compare_numbers(
    compare: Callable[[Decimal, Decimal], bool], key: str, wanted: Decimal | None
) -> Match:
    def match(tags: Tags) -> bool:
        value = _number(tags.get(key, ""))
        return value is not None and wanted is not None and compare(value, wanted)

    return match


def _number(text: str) -> Decimal | None:
    if len(text) > MAX_NUMBER_CHARACTERS or not _NUMBER.fullmatch(text):
        return None
    return Decimal(text)


def _all(matches: tuple[Match, ...]) -> Match:
    return lambda tags: all(match(tags) for match in matches)


def _any(matches: tuple[Match, ...]) -> Match:
    return lambda tags: any(match(tags) for match in matches)


def _not(match: Match) -> Match:
    return lambda tags: not match(tags)


def _unsound(path: str, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{path}: {rule}", field=path)


def _shown(text: str) -> str:
    return repr(text[:20])
