"""The hub: the one that runs here, the one the client commands are told to use, its public address.

Asked over HTTP, as anybody would.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from hub.cli.checks.finding import Finding, fine, note, wrong
from hub.cli.data_directory import Running
from hub.cli.version import VERSION

ANSWER_SECONDS = 5.0
LIVE = {"status": "live"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address said: whether it is a hub, and how it is."""

    is_hub: bool
    reason: str  # why it is none
    readiness: str = ""


async def ask(url: str) -> Answer:
    """Whether a hub answers at an address."""
    try:
        async with httpx.AsyncClient(
            base_url=url, timeout=ANSWER_SECONDS, trust_env=False
        ) as client:
            live = await client.get("/health/live")
            if not live.is_success or _object(live) != LIVE:
                return Answer(is_hub=False, reason="something else than a hub answers there")
            ready = _object(await client.get("/health/ready"))
    except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        return Answer(is_hub=False, reason=f"no answer ({type(error).__name__})")
    return Answer(is_hub=True, reason="", readiness=str(ready.get("status", "")))


def _object(answer: httpx.Response) -> dict[str, object]:
    try:
        said: object = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}  # pyright: ignore[reportUnknownVariableType]  of a JSON object


async def running_hub(running: Running | None, *, was_killed: bool) -> AsyncIterator[Finding]:
    """The factory that `pygent up` runs on the data directory."""
    if running is None:
        seen = "it did not end by itself" if was_killed else "none runs on this data directory"
        yield note("hub", seen, cure="`pygent up` starts it")
        return
    if running.version and running.version != VERSION:
        yield wrong(
            "version",
            f"{running.version} runs, and this is {VERSION}",
            cure="end `pygent up` and start it again; it migrates what it finds",
        )
    answer = await ask(running.url)
    if not answer.is_hub:
        cure = f"read what `pygent up` (process {running.pid}) prints, or end it and start it again"
        yield wrong("hub", f"{running.url}: {answer.reason}", cure=cure)
    elif answer.readiness != "ready":
        cure = "see postgres and redis here; it goes on by itself when they are back"
        yield wrong("hub", f"{running.url} is {answer.readiness or 'not ready'}", cure=cure)
    else:
        yield fine("hub", f"ready at {running.url}")


async def stranger(host: str, port: int) -> Finding | None:
    """A hub of another data directory that listens where ours would."""
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if not (await ask(url)).is_hub:
        return None
    return wrong(
        "hub",
        f"{url} is a hub, and not of this data directory",
        cure="let PYGENT_DATA_DIR name the directory of the one that runs (default: .pygent in"
        " the folder where it was started), or set PYGENT_PORT for a second one",
    )


async def named_hub(url: str, key: str | None) -> Finding:
    """The factory that PYGENT_URL names for the client commands."""
    answer = await ask(url)
    if not answer.is_hub:
        cure = "mend PYGENT_URL, or unset it to use the factory that runs here"
        return wrong("client", f"PYGENT_URL {url}: {answer.reason}", cure=cure)
    cure = "make one where that factory runs: `pygent token create`, and set PYGENT_API_KEY"
    if key is None:
        return wrong("client", "PYGENT_URL is set, and PYGENT_API_KEY is not", cure=cure)
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {key}"}
            said = await client.get(f"{url.rstrip('/')}/api/v1/me", headers=headers)
    except httpx.TransportError as error:
        return wrong("client", f"{url} does not answer: {type(error).__name__}", cure=cure)
    if not said.is_success:
        return wrong("client", f"{url} refuses the key of PYGENT_API_KEY", cure=cure)
    return fine("client", f"PYGENT_API_KEY opens {url}")


async def public_address(public_url: str | None, running: Running | None) -> Finding | None:
    """Browsers that come by the public address reach a hub; their Origin is compared with it."""
    if public_url is None:
        return None
    answer = await ask(public_url)
    if answer.is_hub:
        return fine("public url", f"{public_url} leads to a hub")
    if running is None:
        return note("public url", f"{public_url}: {answer.reason}; no hub runs here either")
    return wrong(
        "public url",
        f"PYGENT_PUBLIC_URL {public_url}: {answer.reason}, and login links lead there",
        cure="set it to what stands in the browser's address line, port included, or unset it;"
        f" a proxy must pass everything on to {running.url}",
    )
