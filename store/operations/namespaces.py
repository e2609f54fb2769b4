"""Namespaces, made and changed while the factory runs. Keeps `NamespaceOperations`."""

from collections.abc import Callable

import msgspec

from protocols import namespaces
from protocols.errors import Conflict, Forbidden, InvalidRequest, NotFound
from protocols.namespaces import ApplicationNamespace, Namespaces
from protocols.operations.namespaces import Namespace, NamespaceRules
from protocols.principals import FIRST_TEAM, Principal
from store.access import Operation, allow
from store.connect import Store
from store.postgres.namespaces import NamespaceRow, NamespaceTable


class StoredNamespaces:
    """The namespaces, as one principal may see and change them.

    Args:
        store: The store.
        principal: Who asks.
        fixed: Those that the settings have.
        changed: Called after a change, so that it is taken up at once.
    """

    def __init__(
        self,
        store: Store,
        principal: Principal,
        *,
        fixed: Namespaces,
        changed: Callable[[], None],
    ) -> None:
        self._table = NamespaceTable(store.log_pool)
        self._principal = principal
        self._fixed = {one.name: one for one in fixed}
        self._changed = changed

    async def list(self) -> list[Namespace]:
        """See the promise."""
        allow(self._principal, Operation.NAMESPACES_READ)
        kept = [_kept(row) for row in await self._table.all() if row.name not in self._fixed]
        return sorted([*map(_fixed, self._fixed.values()), *kept], key=lambda one: one.name)

    async def put(self, name: str, rules: NamespaceRules) -> Namespace:
        """See the promise."""
        self._allow_change(name)
        sound = namespaces.make(name, rules.root)
        text = msgspec.json.encode(rules_of(sound)).decode()
        row = await self._table.put(name, text, actor=self._principal.actor)
        self._changed()
        return _kept(row)

    async def delete(self, name: str) -> Namespace:
        """See the promise."""
        self._allow_change(name)
        row = await self._table.delete(name)
        if row is None:
            raise NotFound(f"there is no namespace {name[:80]!r}")
        self._changed()
        return _kept(row)

    def _allow_change(self, name: str) -> None:
        allow(self._principal, Operation.NAMESPACES_MANAGE)
        if self._principal.team != FIRST_TEAM:
            raise Forbidden("namespaces are the factory's: owners of its first team change them")
        if name in self._fixed:
            raise Conflict(f"namespace {name!r} is fixed by PYGENT_NAMESPACES; change it there")


def rules_of(namespace: ApplicationNamespace) -> dict[str, object]:
    """All its rules, also those that are as by default."""
    rules = msgspec.to_builtins(namespace)
    del rules["name"]
    return rules


def _fixed(namespace: ApplicationNamespace) -> Namespace:
    return Namespace(
        name=namespace.name,
        rules=NamespaceRules(rules_of(namespace)),
        is_fixed=True,
        changed_by=None,
        changed_at=None,
    )


def _kept(row: NamespaceRow) -> Namespace:
    return Namespace(
        name=row.name,
        rules=NamespaceRules(_whole(row)),
        is_fixed=False,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


def _whole(row: NamespaceRow) -> dict[str, object]:
    """All the rules, in their order; of a newer version's what there is."""
    rules = msgspec.json.decode(row.rules, type=dict[str, object])
    try:
        return rules_of(namespaces.make(row.name, rules))
    except InvalidRequest:
        return rules
