"""Real servers as children of this process: Postgres and Valkey, for `pygent up` and for the tests.

The door to the modules beside it, so that their users know one name. A supervisor runs

    sockets = socket_directory(data_dir)
    async with embedded_postgres(data_dir / "postgres", sockets=sockets) as postgres:
        await postgres.exited()

in a loop: the block may be entered again for the same directory after any crash. Both listen on
Unix sockets alone, and end with the process that has started them, however it ends. Whoever runs
servers of their own needs none of this.
"""

from store.embedded.directory import socket_directory as socket_directory
from store.embedded.postgres import embedded_postgres as embedded_postgres
from store.embedded.postgres import postgres_url as postgres_url
from store.embedded.server import EmbeddedServer as EmbeddedServer
from store.embedded.valkey import embedded_valkey as embedded_valkey
from store.embedded.valkey import valkey_url as valkey_url
