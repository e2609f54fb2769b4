"""Keeps the database of a version, so that later versions can prove they lose nothing of it.

    python -m tests.shipping.keeping CHECKOUT NAME

Runs the `pygent up` of a checkout of that version on a new data directory, fills it over REST, and
writes two files to `earlier/`: `NAME.sql.gz`, the database while two tasks are being worked on and
one waits, and `NAME.json`, what that version answered then. Done once for each release; see
`docs/releasing.md`. Speaks plain REST, because clients change with the versions.
"""

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from store.embedded import socket_directory
from store.embedded.binaries import postgres_programs
from store.embedded.postgres import postgres_url
from tests.flows.product import Product, prepared
from tests.flows.speakers import scripted, spoken

EARLIER = Path(__file__).with_name("earlier")
QUERY = "Who lights the lamp when the keeper is ill?"
SECONDS = 60.0
DOCUMENTS = {
    "lamp.md": "# The lamp\n\n## Lighting it\n\nThe keeper lights the lamp at dusk. When the"
    " keeper is ill, the harbour master lights it.\n\n## Oil\n\nThe lamp burns forty litres of oil"
    " a week.",
    "fog.txt": "In fog the horn sounds twice a minute. The keeper counts ships by their bells.",
    "log.html": "<h1>The log</h1><p>Each night has one page; no page is ever torn out.</p>",
}
AGENTS = (
    scripted("echo"),
    scripted("breaks", {"fail": "the lamp is broken"}),
    scripted("slow", spoken(60, seconds=5.0)),
    scripted("gone"),
    {
        "name": "librarian",
        "model": "extractive",
        "strategy": "react",
        "tools": ["knowledge_search"],
        "collections": ["lighthouse"],
    },
)
OPEN = {"submitted", "working"}


def keep(checkout: Path, name: str) -> None:
    """See the module."""
    environment = {
        "PYTHONPATH": str(checkout),
        "PYTHONSAFEPATH": "1",
        "PYGENT_SEED": "false",
        "PYGENT_WORKER_TASKS": "2",
    }
    command = (sys.executable, "-m", "hub.cli.app")
    with prepared(command=command, environment=environment) as product:
        product.start()
        key = {"Authorization": f"Bearer {product.key}"}
        with httpx.Client(
            base_url=f"{product.url}/api/v1", headers=key, timeout=SECONDS, trust_env=False
        ) as client:
            fill(client)
            answers = answered(client)
            dump = dumped(product)
        product.stop()
    EARLIER.mkdir(exist_ok=True)
    (EARLIER / f"{name}.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    with gzip.GzipFile(EARLIER / f"{name}.sql.gz", "wb", mtime=0) as file:
        file.write(dump)


def fill(client: httpx.Client) -> None:
    """Something of each kind, two tasks at work and one that waits for them."""
    _post(client, "/collections", {"name": "lighthouse", "description": "For the keeper."})
    for source, content in DOCUMENTS.items():
        files = {"file": (source, content.encode())}
        client.post("/collections/lighthouse/documents", files=files).raise_for_status()
    _until(lambda: {d["state"] for d in _list(client, DOCUMENTS_OF)} == {"ready"})

    for spec in AGENTS:
        _post(client, "/agents", spec)
    again = {**AGENTS[-1], "description": "Knows the lighthouse."}
    client.put("/agents/librarian", json=again).raise_for_status()
    client.post("/agents/gone/retire").raise_for_status()

    for agent, text in (("echo", "hello"), ("librarian", QUERY), ("breaks", "try")):
        _post(client, "/tasks", {"agent": agent, "input": text})
    _until(lambda: not OPEN & _states(client))

    canceled = _post(client, "/tasks", {"agent": "slow", "input": "stop me"})["id"]
    _until(lambda: len(_events(client, canceled)) > 5)
    client.post(f"/tasks/{canceled}/cancel").raise_for_status()
    _until(lambda: not OPEN & _states(client))

    for number in (1, 2, 3):
        _post(client, "/tasks", {"agent": "slow", "input": f"go on {number}"})
    _until(lambda: _states(client) >= OPEN)


DOCUMENTS_OF = "/collections/lighthouse/documents"


def answered(client: httpx.Client) -> dict[str, Any]:
    """What this version says of everything; of what is open, what is true already."""
    tasks = _list(client, "/tasks")
    agents = _list(client, "/agents")
    return {
        "agents": [_get(client, f"/agents/{agent['name']}") for agent in agents],
        "versions": {a["name"]: _list(client, f"/agents/{a['name']}/versions") for a in agents},
        "collections": _list(client, "/collections"),
        "documents": _list(client, DOCUMENTS_OF),
        "search": _post(client, "/search", {"query": QUERY, "collections": ["lighthouse"]}),
        "tasks": [_get(client, f"/tasks/{t['id']}") for t in tasks if t["state"] not in OPEN],
        "open": sorted(task["id"] for task in tasks if task["state"] in OPEN),
        "events": {task["id"]: _events(client, task["id"]) for task in tasks},
    }


def dumped(product: Product) -> bytes:
    """The database as SQL that any client can run: without commands of psql."""
    directory = product.data_dir
    done = subprocess.run(
        [
            postgres_programs() / "pg_dump",
            *("--no-owner", "--inserts", "--rows-per-insert=100", "--no-comments"),
            postgres_url(directory / "postgres", sockets=socket_directory(directory)),
        ],
        capture_output=True,
        check=True,
    )
    lines = done.stdout.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"\\"))


def _post(client: httpx.Client, path: str, body: object) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.is_success, f"{path}: {answer.text}"
    return answer.json()


def _get(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.is_success, f"{path}: {answer.text}"
    return answer.json()


def _list(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    read = _get(client, path)
    return read["items"] if isinstance(read, dict) else read


def _events(client: httpx.Client, task: str) -> list[dict[str, Any]]:
    return _get(client, f"/tasks/{task}/events?limit=1000")["events"]


def _states(client: httpx.Client) -> set[str]:
    return {task["state"] for task in _list(client, "/tasks")}


def _until(condition: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.05)


if __name__ == "__main__":
    keep(Path(sys.argv[1]).resolve(), sys.argv[2])
