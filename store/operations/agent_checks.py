"""What is wrong with an agent's spec: one judgement for creating, publishing and looking.

First the spec's own rules, then the names it uses. Whose agent it would become is decided in
`agents.py`.
"""

import re
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from protocols.agents import NAME, AgentSpec
from protocols.errors import InvalidRequest, NotFound
from protocols.operations.agents import SpecProblem
from protocols.operations.knowledge import Knowledge
from store.operations import catalogue
from store.operations.catalogue import Catalogue

MOST_PROBLEMS = 50
MAX_VALUE = 80  # characters of what was given
WHOLE = "spec"  # the field of what no single field is to blame for


async def refusals(
    spec: AgentSpec, known: Catalogue, knowledge: Knowledge | None
) -> list[InvalidRequest]:
    """Every name the spec uses that is not known, or not used once.

    Without `knowledge` collections are not looked up.
    """
    found = list(catalogue.problems(spec, known))
    if knowledge is None:
        return found
    for number, name in enumerate(spec.collections):
        try:
            await knowledge.get(name)
        except NotFound:
            found.append(
                InvalidRequest(
                    f"agent {spec.name}: there is no collection {name!r}",
                    field=f"collections.{number}",
                )
            )
    return found


def parsed(given: Mapping[str, object]) -> tuple[AgentSpec | None, list[SpecProblem]]:
    """The spec, or each field that breaks a rule of its own."""
    try:
        return AgentSpec.model_validate(given), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
    problems: list[SpecProblem] = []
    for item in found[:MOST_PROBLEMS]:
        field = ".".join(str(part)[:MAX_VALUE] for part in item["loc"]) or WHOLE
        is_absent = item["type"] == "missing" or field == WHOLE
        value = None if is_absent else repr(item["input"])[:MAX_VALUE]
        problems.append(SpecProblem(field=field, rule=item["msg"], value=value))
    return None, problems


def readable(given: Mapping[str, object], broken: Sequence[SpecProblem]) -> AgentSpec | None:
    """What is left of a spec without its broken fields, whose names can be looked at already."""
    fields = {problem.field.partition(".")[0] for problem in broken}
    rest = {name: value for name, value in given.items() if name not in fields}
    spec, _ = parsed({**rest, "name": "unnamed"})
    return spec and spec.model_copy(update={"name": _name(given)})


def _name(given: Mapping[str, object]) -> str:
    """What messages call it, however bad the name is."""
    name = given.get("name")
    if isinstance(name, str) and re.fullmatch(NAME, name):
        return name
    return repr(name)[:MAX_VALUE] if name else "without a name"


def problem(error: InvalidRequest, given: Mapping[str, object]) -> SpecProblem:
    """A refusal as a problem of the spec it is about."""
    field = error.field or WHOLE
    value: object = given
    for part in field.split("."):
        value = _inside(value, part)
    return SpecProblem(
        field=field,
        rule=error.message,
        value=None if value is None else repr(value)[:MAX_VALUE],
    )


def _inside(value: object, part: str) -> object:
    match value:
        case Mapping():
            return value.get(part)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  of whatever was given
        case list() | tuple() if part.isdecimal() and int(part) < len(value):  # pyright: ignore[reportUnknownArgumentType]  as above
            return value[int(part)]  # pyright: ignore[reportUnknownVariableType]  as above
        case _:
            return None
