"""The parts that listen to nobody, alone against shared servers: worker, scheduler, and upkeep."""

from typing import Annotated

import typer

from hub.cli import answers, drawing
from hub.cli.answers import AsJson
from hub.cli.exits import command
from hub.cli.opened_store import opened_store
from hub.cli.reach import require_servers
from hub.cli.running import compose
from hub.cli.running.alone import Supervised, begin
from hub.settings import HubSettings
from protocols.errors import InvalidRequest
from store.postgres.log.epoch import rotate
from store.postgres.migrate import migrate as apply_migrations
from store.projector import rebuild as rebuild_projection

app = typer.Typer(rich_markup_mode="markdown")
projections = typer.Typer(
    help="Tables folded from the log.", no_args_is_help=True, rich_markup_mode="markdown"
)
app.add_typer(projections, name="projections")


@app.command()
@command
async def worker(supervised: Supervised = False) -> None:
    """Run a worker: claims tasks, makes attempts. Any number may run.

    Example: `PYGENT_DATABASE_URL=… PYGENT_REDIS_URL=… pygent worker`
    """
    await begin(HubSettings(), supervised=supervised)
    await compose.run_worker()


@app.command()
@command
async def scheduler(supervised: Supervised = False) -> None:
    """Run a scheduler: projections, rescue, partitions. One leads, others wait.

    Example: `PYGENT_DATABASE_URL=… PYGENT_REDIS_URL=… pygent scheduler`
    """
    await begin(HubSettings(), supervised=supervised)
    await compose.run_scheduler()


@app.command()
@command
async def migrate(as_json: AsJson = False) -> None:
    """Bring the database of PYGENT_DATABASE_URL to this version; repeating it is harmless.

    Example: `PYGENT_DATABASE_URL=postgresql://owner@db/pygent pygent migrate`
    """
    settings = HubSettings()
    if settings.database_url is None:
        raise InvalidRequest("PYGENT_DATABASE_URL is not set; `pygent up` migrates its own")
    await require_servers(settings)
    applied = await apply_migrations(settings.database_url)
    if as_json:
        answers.say({"applied": applied})
        return
    for name in applied:
        drawing.out.print(name, markup=False)
    drawing.err.print(f"{len(applied)} migrations applied" if applied else "nothing to do")


@app.command("rotate-epoch")
@command
async def rotate_epoch(
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Begin a new epoch of the log, after a restore that put back a copy of the same files.

    Then versions may mean other events than before, and nothing else can tell. Every running part
    notices within ten seconds; whoever watches a task or an agent is told to read it anew.
    Restores that Postgres knows of (another server, another timeline) do this by themselves.

    Example: `pygent rotate-epoch --yes`
    """
    if not yes:
        raise InvalidRequest(
            "this makes everybody who watches anything read it anew, and is needed only after files"
            " of the database were put back by hand; repeat it with --yes"
        )
    async with opened_store() as (store, _), store.log_pool.connection() as connection:
        epoch = await rotate(connection)
    if as_json:
        answers.say({"epoch": str(epoch)})
        return
    drawing.out.print(epoch, markup=False)
    drawing.err.print("a new epoch has begun; running parts notice within ten seconds")


@projections.command()
@command
async def rebuild(
    name: Annotated[str, typer.Argument(help="`tasks`, `agents` or `overview`.")],
    as_json: AsJson = False,
) -> None:
    """Fold a projection anew from the whole log; lists may lag meanwhile.

    Example: `pygent projections rebuild tasks`
    """
    async with opened_store() as (store, _):
        events = await rebuild_projection(store, name)
    if as_json:
        answers.say({"projection": name, "events": events})
        return
    drawing.err.print(f"{name} is rebuilt from {events} events", markup=False)
