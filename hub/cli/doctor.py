"""`pygent doctor`: looks at everything a factory needs and says what to do about what is wrong.

What is looked at stands in `checks/`; here it is put in order and shown.
"""

import sys
from collections.abc import AsyncIterator

import psutil
import typer
from pydantic import ValidationError
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hub.cli import answers, drawing
from hub.cli.answers import AsJson
from hub.cli.checks import disk, machine
from hub.cli.checks.finding import Finding, Report, Verdict, wrong
from hub.cli.checks.hub import named_hub, public_address, running_hub, stranger
from hub.cli.checks.models import models
from hub.cli.checks.postgres import postgres
from hub.cli.checks.production import production
from hub.cli.checks.proxy import proxy
from hub.cli.checks.redis import redis
from hub.cli.data_directory import RUN_FILE, Running, read_running
from hub.cli.exits import EXIT_FAILED, broken_rules, command
from hub.cli.settings import ClientSettings, UpSettings, base_urls
from hub.settings import HubSettings
from protocols.errors import InvalidRequest
from store.knowledge.embedders import choose_embedder

app = typer.Typer()

STYLE = {Verdict.FINE: ("✓", "green"), Verdict.NOTE: ("·", "yellow"), Verdict.WRONG: ("✕", "red")}
PART_WIDTH = 10


@app.command()
@command
async def doctor(as_json: AsJson = False) -> None:
    """Check this machine and the servers, and say the cure; exit code 1 when something is wrong.

    It changes nothing. Run it with the same environment and in the same folder as `pygent up`, or
    beside the other parts. Example: `PYGENT_DATABASE_URL=postgresql://… pygent doctor`
    """
    findings: list[Finding] = []
    async for finding in _findings():
        findings.append(finding)
        if not as_json:
            _draw(finding)
    report = Report(
        is_well=all(finding.verdict is not Verdict.WRONG for finding in findings),
        findings=findings,
    )
    if as_json:
        answers.say(report)
    if not report.is_well:
        raise typer.Exit(EXIT_FAILED)


async def _findings() -> AsyncIterator[Finding]:
    yield machine.python(sys.version_info[:3])
    try:
        settings, composition, client = HubSettings(), UpSettings(), ClientSettings()
        running = read_running(settings.data_dir)
    except ValidationError as error:
        yield wrong("settings", broken_rules(error), cure="set it to another value, or unset it")
        return
    except InvalidRequest as error:
        yield wrong("settings", error.message, cure="end the factory, and remove that file")
        return
    for finding in production(settings):
        yield finding
    yield machine.pages(composition)
    yield machine.embeddings(choose_embedder())
    yield machine.open_files()
    yield disk.data_directory(
        settings.data_dir,
        is_ours=running is not None,
        mounts=psutil.disk_partitions(all=True),
    )
    async for finding in _servers(settings, running):
        yield finding
    async for finding in _hubs(settings, client, running):
        yield finding


async def _servers(settings: HubSettings, running: Running | None) -> AsyncIterator[Finding]:
    database = settings.database_url or (running.database_url if running else None)
    app_url = settings.database_app_url if settings.database_url else None
    async for finding in postgres(database, app_url=app_url):
        yield finding
    yield await redis(settings.redis_url or (running.redis_url if running else None))


async def _hubs(
    settings: HubSettings, client: ClientSettings, running: Running | None
) -> AsyncIterator[Finding]:
    was_killed = running is None and (settings.data_dir / RUN_FILE).exists()
    async for finding in running_hub(running, was_killed=was_killed):
        yield finding
    if running is None:
        yield (
            await stranger(settings.host, settings.port)
            or machine.port(settings.host, settings.port)
        )
    for found in (proxy(settings), await public_address(settings.public_url, running)):
        if found is not None:
            yield found
    url, key = client.url, client.api_key
    if url is not None:
        yield await named_hub(url, key)
    elif running is not None:
        url, key = running.url, running.api_key
    async for finding in models(base_urls(), url=url, key=key):
        yield finding


def _draw(finding: Finding) -> None:
    icon, style = STYLE[finding.verdict]
    sentence, cure = drawing.plain(finding.sentence), drawing.plain(finding.cure or "")
    if not drawing.out.is_terminal:
        print(f"{icon} {finding.part:<{PART_WIDTH}} {sentence}")
        if cure:
            print(f"{'':<{PART_WIDTH + 2}} → {cure}")
        return
    lines = [Text(sentence), *([Text.assemble(("→ ", style), cure)] if cure else [])]
    drawn = Table.grid(padding=(0, 1, 0, 0))
    drawn.add_column(style=style)
    drawn.add_column(style="bold", min_width=PART_WIDTH)
    drawn.add_column(overflow="fold")
    drawn.add_row(icon, finding.part, Group(*lines))
    drawing.out.print(drawn, soft_wrap=False)
