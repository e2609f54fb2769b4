"""A hub as the official clients' own suites expect their server, while one of them runs.

    python -m tests.suites python FOLDER    # of `centrifuge-python`'s source distribution
    python -m tests.suites js FOLDER        # of a checkout of `centrifuge-js`, after `npm install`

The suites are not carried here: whoever runs one brings its folder. They want a server on port 8000
that signs with a secret of six bytes, and the one for JavaScript one that lets in whoever comes and
takes a known key; no setting of the product allows either, so both are put in from here.
What does not pass, and why, stands in `docs/clients.md`.
"""

import json
import sys
import tempfile
from pathlib import Path

import anyio

from protocols.centrifugal import caller, tokens
from protocols.centrifugal.grants import ConnectionGrants
from protocols.centrifugal.server import routes
from protocols.centrifugal.visitor import Visitor, guest
from protocols.principals import FIRST_TEAM
from store.addresses import Addresses
from store.embedded import embedded_postgres, embedded_valkey, socket_directory
from store.postgres.migrate import migrate
from tests.serving import serving

PORT = 8000
KEYS = [{"id": "suite", "algorithm": "HS256", "key": "secret"}]
API_KEY = "test-api-key"
KEPT = {"history_size": 100, "history_seconds": 300, "publish": "subscribers"}
FEW = {**KEPT, "name": "smallhistory", "history_size": 2}
TOLD = {"presence": True, "join_leave": True, "force_push_join_leave": True}
PYTHON = [
    {**KEPT, **TOLD, "name": "", "subscribe": "token", "delta": True, "personal": True},
    {**FEW, "subscribe": "token"},
]
OPEN = {**KEPT, "subscribe": "anyone", "publish": "anyone", "see_presence": "anyone"}
JS = [
    {**OPEN, "name": "", "presence": True, "delta": True},
    {**OPEN, "name": "delta", "delta": True},
    {**OPEN, "name": "recovery"},
    {**OPEN, **FEW},
]
JS_FILES = ("centrifuge", "centrifuge.protobuf", "recovery", "delta", "getstate")
COMMANDS = {
    "python": [sys.executable, "-m", "unittest", "discover", "-s", "tests"],
    "js": [
        *("npx", "jest", "--verbose", "--runInBand", "--forceExit"),
        *("-t", "^(?!map)"),  # another kind of subscription, which is not served
        *(f"src/{name}.test.ts" for name in JS_FILES),
    ],
}


def _let_anybody_in(key: str) -> None:
    """Who comes without a token is an anonymous guest, and the suite's key is a key of ours."""
    identify, read_key = caller.Caller.identify, routes._key

    async def identified(self: caller.Caller, token: str | None) -> Visitor:
        if token:
            return await identify(self, token)
        return guest(FIRST_TEAM, ConnectionGrants(user=""))

    caller.Caller.identify = identified
    routes._key = lambda headers: key if headers.get("x-api-key") == API_KEY else read_key(headers)


async def run(suite: str, folder: Path) -> int:
    """Runs it; its exit code."""
    tokens.MIN_SECRET_BYTES = 6
    namespaces = PYTHON if suite == "python" else JS
    limits = {"namespaces": json.dumps(namespaces), "realtime_keys": json.dumps(KEYS)}
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        place = Path(name)
        sockets = socket_directory(place)
        async with (
            embedded_postgres(place / "postgres", sockets=sockets) as postgres,
            embedded_valkey(place / "valkey", sockets=sockets) as valkey,
        ):
            await migrate(postgres.url)
            addresses = Addresses(database=postgres.url, redis=valkey.url, redis_prefix="suite:")
            async with serving(addresses, port=PORT, limits=limits) as served:
                if suite == "js":
                    _let_anybody_in(await served.key())
                done = await anyio.run_process(
                    COMMANDS[suite], cwd=folder, check=False, stdout=None, stderr=None
                )
                return done.returncode


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(anyio.run(run, sys.argv[1], Path(sys.argv[2]), backend_options={"use_uvloop": True}))
