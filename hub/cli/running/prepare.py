"""What `pygent up` does between its servers and its parts: migrate, a login for the parts, seeds.

The parts of an embedded factory never get the superuser's URL; they log in as `pygent_service`,
which may only take the roles of the application.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import anyio
import psycopg
from psycopg import sql

from hub.cli.data_directory import write_private
from hub.cli.settings import UpSettings
from hub.identity.keys import TeamKeys, create_key
from hub.identity.tickets import create_ticket
from hub.settings import HubSettings
from protocols.operations.keys import CreateKey
from protocols.principals import system
from store.addresses import Addresses
from store.connect import Store, open_store
from store.knowledge.embedders import choose_embedder
from store.operations.seed import seed
from store.postgres.failures import translated
from store.postgres.migrate import migrate

SERVICE = "pygent_service"
SERVICE_PASSWORD_FILE = "service-password"  # noqa: S105  the name of a file
DOCUMENTATION = Path(__file__).resolve().parents[3]  # README.md and docs/, beside the packages
KEY_FILE = "cli-key"
KEY_NAME = "pygent command on this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the parts and the first person need.

    Attributes:
        database_url: As which the parts log in.
        redis_url: Theirs.
        ticket: Logs the owner in, once.
        api_key: For the client commands on this machine.
    """

    database_url: str
    redis_url: str
    ticket: str
    api_key: str


async def prepare(
    settings: HubSettings, composition: UpSettings, *, database_url: str, redis_url: str
) -> Prepared:
    """The database has this version's shape, its seeds, and a way in.

    Raises:
        Unavailable: A server is out of reach, or its user may not migrate.
        InvalidRequest: The server is too old, or lacks pgvector.
    """
    await migrate(database_url)
    is_embedded = settings.database_url is None
    if is_embedded:
        database_url = await _service_login(settings.data_dir, database_url)
    addresses = Addresses(
        database=database_url,
        redis=redis_url,
        log=settings.database_log_url,
        app=settings.database_app_url,
        redis_prefix=settings.redis_prefix,
    )
    async with open_store(addresses, pool_size=2) as store:
        if composition.seed:
            await seed(store, choose_embedder(), directory=DOCUMENTATION)
        return Prepared(
            database_url=database_url,
            redis_url=redis_url,
            ticket=await create_ticket(store),
            api_key=await _command_key(store, settings.data_dir),
        )


async def _service_login(directory: Path, superuser_url: str) -> str:
    """The parts' login exists, with the password in the data directory; its URL."""
    password = await _kept(directory / SERVICE_PASSWORD_FILE)
    name = sql.Identifier(SERVICE)
    with translated():
        connection = await psycopg.AsyncConnection.connect(superuser_url, autocommit=True)
        async with connection:
            found = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (SERVICE,))
            verb = sql.SQL("CREATE" if await found.fetchone() is None else "ALTER")
            await connection.execute(
                sql.SQL("{} ROLE {} LOGIN NOSUPERUSER PASSWORD {}").format(
                    verb, name, sql.Literal(password)
                )
            )
            await connection.execute(sql.SQL("GRANT pygent_log, pygent_app TO {}").format(name))
    parts = urlsplit(superuser_url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{SERVICE}:{quote(password)}@{place}"))


async def _kept(path: Path) -> str:
    """The secret in the file; a new one when there is none."""
    try:
        return (await anyio.Path(path).read_text()).strip()
    except FileNotFoundError:
        secret = secrets.token_urlsafe(32)
        write_private(path, secret + "\n")
        return secret


async def _command_key(store: Store, directory: Path) -> str:
    """The key of this machine's client commands, kept in the data directory while it is good."""
    path = directory / KEY_FILE
    good = {key.prefix for key in await _keys(store).list() if key.revoked_at is None}
    try:
        token = (await anyio.Path(path).read_text()).strip()
        if any(token.startswith(f"pgk_{prefix}_") for prefix in good):
            return token
    except FileNotFoundError:
        pass
    created = await create_key(store, system(), CreateKey(name=KEY_NAME))
    write_private(path, created.token + "\n")
    return created.token


def _keys(store: Store) -> TeamKeys:
    return TeamKeys(store, system(), revoked=lambda: None)
