"""`--json`: what a command answers as the REST interface would, for programs.

One document on standard output, or one on each line where there is a stream of them. Errors go to
standard error as the problems of REST, with the same exit code as without it.
"""

import importlib
import sys
from http import HTTPStatus
from typing import Annotated

import msgspec
import typer
from pydantic import BaseModel

from protocols.errors import FactoryError
from protocols.rest.resources import Problem

AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, as REST answers it; errors are problems.")
]
Cursor = Annotated[
    str | None, typer.Option(help="What the page before said as `next`: the page after it.")
]
AsJsonLines = Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")]


def say(answer: BaseModel | dict[str, object]) -> None:
    """One document, indented for whoever looks."""
    if isinstance(answer, BaseModel):
        text = answer.model_dump_json(indent=2)
    else:
        text = msgspec.json.format(msgspec.json.encode(answer)).decode()
    sys.stdout.write(text + "\n")


def say_raw(document: bytes) -> None:
    """One document that is JSON already."""
    sys.stdout.write(msgspec.json.format(document).decode() + "\n")


def say_line(answer: BaseModel | bytes) -> None:
    """One document of a stream, on a line, at once."""
    text = answer.model_dump_json() if isinstance(answer, BaseModel) else answer.decode()
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_problem(error: FactoryError) -> None:
    """An error as a problem, on a line of standard error."""
    # Imported when something failed: it brings the server's framework, a quarter of a second.
    problems = importlib.import_module("protocols.rest.problems")
    status: int = problems.status_of(error)
    problem = Problem(
        type=f"urn:pygent:problem:{error.code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.message,
        code=error.code,
        field=error.field,
    )
    sys.stderr.write(problem.model_dump_json(exclude={"problems"}) + "\n")
