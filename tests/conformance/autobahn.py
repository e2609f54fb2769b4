"""The Autobahn testsuite's fuzzing client against the server under the hub.

    python -m tests.conformance.autobahn WSTEST [CASES…]

WSTEST is the testsuite's command (`pip install autobahntestsuite` for Python 2.7; it runs on no
other, so it is no part of `make test`). Cases are those of RFC 6455: 1 to 7, 9 and 10 unless some
are named. What is served is an echo, which no build of the product has; messages and their pieces
may be larger and more than the hub takes, since the cases of 9 and 10 ask for that.
"""

import json
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from hub import server
from hub.server import HubServer, server_config

CASES = [f"{group}.*" for group in (1, 2, 3, 4, 5, 6, 7, 9, 10)]
LARGEST_BYTES = 64 * 1024 * 1024
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
SECONDS = 1800


async def echo(socket: WebSocket) -> None:
    """Say whatever is said."""
    await socket.accept()
    with suppress(WebSocketDisconnect):
        while (message := await socket.receive())["type"] == "websocket.receive":
            said = {key: message[key] for key in ("text", "bytes") if message.get(key) is not None}
            await socket.send({"type": "websocket.send", **said})


async def tried(wstest: str, cases: Sequence[str], directory: Path) -> dict[str, dict[str, Any]]:
    """What the testsuite says of each case."""
    config = server_config(Starlette(routes=[WebSocketRoute("/", echo)]))
    config.ws_max_size = LARGEST_BYTES
    server.MAX_PIECES = LARGEST_BYTES
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"ws://127.0.0.1:{listening.getsockname()[1]}/"
        running = HubServer(config, drain=anyio.lowlevel.checkpoint)
        async with anyio.create_task_group() as group:
            group.start_soon(running.serve, [listening])
            await anyio.to_thread.run_sync(_fuzz, wstest, url, cases, directory)
            running.should_exit = True
    return json.loads((directory / "index.json").read_text())["hub"]


def _fuzz(wstest: str, url: str, cases: Sequence[str], directory: Path) -> None:
    spec = directory / "spec.json"
    plan = {
        "outdir": str(directory),
        "servers": [{"agent": "hub", "url": url}],
        "cases": list(cases),
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    spec.write_text(json.dumps(plan))
    subprocess.run([wstest, "-m", "fuzzingclient", "-s", str(spec)], check=True, timeout=SECONDS)


def _main(wstest: str, *cases: str) -> int:
    with tempfile.TemporaryDirectory() as directory:
        found = anyio.run(tried, wstest, cases or CASES, Path(directory))
    print(len(found), "cases:", dict(Counter(case["behavior"] for case in found.values())))
    bad = {
        name: case
        for name, case in found.items()
        if case["behavior"] not in GOOD or case["behaviorClose"] not in GOOD
    }
    for name, case in sorted(bad.items()):
        print(f"{name}: {case['behavior']}, close {case['behaviorClose']}")
    return 1 if bad or not found else 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
