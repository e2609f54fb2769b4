"""API keys: made, listed and revoked by owners, over REST or beside the database."""

import uuid
from collections.abc import Callable

from hub.identity.audit import Happened, note
from hub.identity.secrets import hashed, new_key
from protocols.errors import NotFound
from protocols.operations.keys import ApiKey, CreatedKey, CreateKey
from protocols.principals import Principal, Role
from store.access import Operation, allow
from store.connect import Store
from store.postgres.identity import IdentityTable

KEY_ROLE = Role.OPERATOR  # a key works; it makes no other keys


async def create_key(store: Store, principal: Principal, request: CreateKey) -> CreatedKey:
    """A key exists; its token is in the answer and nowhere else.

    Raises:
        Forbidden: The principal is no owner.
        LimitExceeded: The team has its maximum.
    """
    allow(principal, Operation.KEYS_MANAGE)
    token, prefix = new_key()
    key = await IdentityTable(store.log_pool, store.app).create_key(
        team=principal.team,
        name=request.name,
        prefix=prefix,
        hashed=hashed(token),
        role=KEY_ROLE,
        actor=principal.actor,
    )
    note(Happened.KEY_CREATED, principal, key=key.prefix, role=key.role.value)
    return CreatedKey(**key.model_dump(), token=token)


class TeamKeys:
    """The keys of one principal's team. Keeps `protocols.operations.keys.Keys`.

    Args:
        store: The store.
        principal: Who asks.
        revoked: Called after a key was revoked, so that this process cuts it at once.
    """

    def __init__(self, store: Store, principal: Principal, *, revoked: Callable[[], None]) -> None:
        self._store = store
        self._table = IdentityTable(store.log_pool, store.app)
        self._principal = principal
        self._revoked = revoked

    async def create(self, request: CreateKey) -> CreatedKey:
        """A key exists that may do what an operator may."""
        return await create_key(self._store, self._principal, request)

    async def list(self) -> list[ApiKey]:
        """All keys of the team, newest first, revoked ones too."""
        allow(self._principal, Operation.KEYS_MANAGE)
        return list(await self._table.keys(self._principal.team))

    async def revoke(self, key_id: str) -> ApiKey:
        """The key opens nothing within five seconds; repeating it changes nothing."""
        allow(self._principal, Operation.KEYS_MANAGE)
        if not _is_uuid(key_id):
            raise NotFound(f"there is no key {key_id[:64]!r}")
        key = await self._table.revoke_key(key_id, team=self._principal.team)
        note(Happened.KEY_REVOKED, self._principal, key=key.prefix)
        self._revoked()
        return key


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
