"""What REST answers beyond the types of the operations.

The routes make it, `client.py` reads it without importing any server's code.
"""

from pydantic import BaseModel, ConfigDict, Field

from protocols.principals import Role

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One field of a request that breaks a rule."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="Dotted path: `limits.steps`, `query.limit`.")
    rule: str = Field(description="What was expected, in a sentence.")
    value: str | None = Field(default=None, description="What was sent, cut; null when absent.")


class Problem(BaseModel):
    """An error: RFC 9457 problem details, with the factory's own code."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:pygent:problem:not_found",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "there is no task 0199aaaa-0000-7000-8000-000000000000",
                    "code": "not_found",
                    "field": None,
                    "request_id": "0f2c7d5e9a1b4c3d",
                }
            ],
        },
    )

    type: str = Field(description="Names the kind of problem; made from `code`.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="The thing, the rule and the value, in a sentence.")
    code: str = Field(description="Stable, for programs.")
    field: str | None = Field(default=None, description="The part of the request it is about.")
    request_id: str | None = Field(default=None, description="As in the header X-Request-Id.")
    problems: list[FieldProblem] | None = Field(
        default=None,
        description="Each field that breaks a rule, when the request was not understood.",
    )


class Channels(BaseModel):
    """The feeds of the team, to subscribe to over the WebSocket."""

    model_config = ConfigDict(frozen=True)

    tasks: str
    agents: str
    overview: str
    knowledge: str


class Me(BaseModel):
    """The one who asks."""

    model_config = ConfigDict(frozen=True)

    name: str
    actor: str = Field(description="How they are named in events.")
    team: int
    role: Role
    channels: Channels


class ModelProvider(BaseModel):
    """A source of models, and whether this factory can reach it."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="What stands before the colon of a spec's `model`.")
    is_configured: bool
    variable: str | None = Field(description="The environment variable that configures it.")


class Models(BaseModel):
    """Where models can come from."""

    model_config = ConfigDict(frozen=True)

    items: list[ModelProvider]
