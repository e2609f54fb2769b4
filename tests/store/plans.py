"""Every statement of a store, with the plans Postgres makes for it and the rows they touched.

A cursor asks for the plan before it runs the statement: once for these values, and once for all
values where the driver may prepare it. Inside functions no plan is seen: there the server's own
counters are read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from psycopg import AsyncCursor, sql
from psycopg.abc import Params

from store.postgres.pool import Connection

BIG = 5000  # with 1,000 agents, those and their counters are smaller: a few dozen pages
EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
TOUCHED = """
    SELECT coalesce(sum(seq_tup_read) + sum(idx_tup_fetch), 0)::int
    FROM pg_stat_xact_user_tables
    WHERE schemaname = 'pygent' AND relid IN (SELECT oid FROM pg_class WHERE reltuples > 1000)
"""
_READS = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
_PLACE = re.compile(r"%\((\w+)\)[sb]|%[sb]|%%")

Node = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What Postgres does for one statement.

    Attributes:
        kind: `custom`, for the values given, or `generic`, for any.
        inside: Rows fetched in functions that it calls.
    """

    statement: str
    kind: str
    root: Node
    inside: int = 0

    def nodes(self) -> Iterator[Node]:
        """All of them, from the top."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.get("Plans", [])

    def scanned(self, rows: Mapping[str, float]) -> list[str]:
        """Tables of more than BIG rows that are read from one end."""
        names = [n["Relation Name"] for n in self.nodes() if n["Node Type"] == "Seq Scan"]
        return [name for name in names if rows.get(name, 0) > BIG]

    def touched(self) -> int:
        """Rows and entries of indexes that were looked at, those too that were thrown away."""
        return self.inside + round(sum(_looked_at(node) for node in self.nodes()))

    def sorted(self) -> int:
        """The most rows that one of its nodes puts in order."""
        sorts = [node for node in self.nodes() if node["Node Type"].endswith("Sort")]
        return max((round(_rows(child)) for node in sorts for child in node["Plans"]), default=0)

    def __str__(self) -> str:
        shape = " < ".join(
            f"{node['Node Type']} {node.get('Index Name') or node.get('Relation Name') or ''}"
            f" {_rows(node):.0f}"
            for node in self.nodes()
        )
        return f"{' '.join(self.statement.split())[:160]} … [{self.kind}] {shape}"


def _rows(node: Node) -> float:
    return float(node["Actual Rows"]) * float(node["Actual Loops"])


def _looked_at(node: Node) -> float:
    if not node["Node Type"].endswith("Scan"):
        return 0.0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return (float(node["Actual Rows"]) + removed) * float(node["Actual Loops"])


@dataclass
class Reader:
    """The plans of what the connections it was given to have run since they were taken last."""

    plans: list[Plan] = field(default_factory=list)

    def attend(self, connection: Connection) -> None:
        """From here on its statements are explained."""
        connection.cursor_factory = _explaining(self.plans)

    def take(self) -> list[Plan]:
        """What was run since the last time."""
        taken = list(self.plans)
        self.plans.clear()
        return taken


def _explaining(plans: list[Plan]) -> type[AsyncCursor[Any]]:
    class Explaining(AsyncCursor[Any]):
        async def execute(
            self,
            query: Any,
            params: Params | None = None,
            *,
            prepare: bool | None = None,
            binary: bool | None = None,
        ) -> "Explaining":
            text = query.decode() if isinstance(query, bytes) else str(query)
            if not _READS.match(text) or "set_config" in text:
                return cast(
                    "Explaining",
                    await super().execute(query, params, prepare=prepare, binary=binary),
                )
            plain = AsyncCursor[Any](self.connection)
            kinds = ["custom"] if prepare is False or not params else ["custom", "generic"]
            found = [(kind, await _planned(plain, text, params, kind=kind)) for kind in kinds]
            before = await _counted(plain)
            await super().execute(query, params, prepare=prepare, binary=binary)
            after = await _counted(plain)
            for kind, root in found:
                has_function = any(
                    node["Node Type"] == "Function Scan" and node["Function Name"] not in BUILT_IN
                    for node in Plan(statement=text, kind=kind, root=root).nodes()
                )
                inside = after - before if has_function else 0
                plans.append(Plan(statement=text, kind=kind, root=root, inside=inside))
            return self

    return Explaining


BUILT_IN = frozenset({"unnest", "generate_series", "jsonb_array_elements"})


async def _planned(
    cursor: AsyncCursor[Any], text: str, params: Params | None, *, kind: str
) -> Node:
    if kind == "custom":
        await cursor.execute((EXPLAIN + text).encode(), params, prepare=False)
        return (await _row(cursor))[0][0]["Plan"]
    values = _Values(params or ())
    statement = f"PREPARE explained AS {_PLACE.sub(values.place, text)}"
    await cursor.execute(statement.encode())
    await cursor.execute("SET plan_cache_mode = force_generic_plan")
    literals = sql.SQL(", ").join(sql.Literal(value) for value in values.given)
    call = sql.SQL("EXECUTE explained({})").format(literals)
    await cursor.execute(sql.SQL("{}{}").format(sql.SQL(EXPLAIN), call))
    root = (await _row(cursor))[0][0]["Plan"]
    await cursor.execute("RESET plan_cache_mode")
    await cursor.execute("DEALLOCATE explained")
    return root


class _Values:
    """Numbers the places of a statement as it is prepared, and their values in that order."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._names: list[str] = []
        self.given: list[object] = []

    def place(self, found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name = found[1]
        if name is None:
            self.given.append(cast("Sequence[object]", self._params)[len(self.given)])
            return f"${len(self.given)}"
        if name not in self._names:
            self._names.append(name)
            self.given.append(cast("Mapping[str, object]", self._params)[name])
        return f"${self._names.index(name) + 1}"


async def _counted(cursor: AsyncCursor[Any]) -> int:
    await cursor.execute(TOUCHED.encode())
    return int((await _row(cursor))[0])


async def _row(cursor: AsyncCursor[Any]) -> Any:
    row = await cursor.fetchone()
    assert row is not None
    return row
