"""The REST interface from its OpenAPI document: every operation, what it takes and gives."""

import json
import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from deploy.reference.tables import anchor, cell, table
from protocols.rest import openapi, routes
from protocols.rest.openapi import PROBLEMS

_METHODS = ("get", "post", "put", "patch", "delete")
_REFERENCE = re.compile(r"#/components/schemas/(\w+)")
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
}


def operations() -> str:
    """Sections by tag; an operation is a heading with its parameters, body and answers."""
    document = _document()
    told: list[str] = []
    for tag in document["tags"]:
        told += [f"## {tag['name'].capitalize()}", tag["description"]]
        for path, methods in document["paths"].items():
            told += (
                _operation(method, f"/api{path}", methods[method])
                for method in _METHODS
                if method in methods and tag["name"] in methods[method]["tags"]
            )
    return "\n\n".join(told)


def schemas() -> str:
    """The shapes by name."""
    found = _document()["components"]["schemas"]
    return "\n\n".join(_schema(name, found[name]) for name in sorted(found))


@cache
def _document() -> dict[str, Any]:
    application: FastAPI = routes.application()
    return openapi.describe(application)


def problems() -> str:
    """What any operation may answer instead, by status."""
    rows = [(f"`{status}`", cell(told["description"])) for status, told in PROBLEMS.items()]
    return table(("status", "when"), rows)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    told = [f"### `{method.upper()} {path}`", operation["description"]]
    if rows := [_parameter(one) for one in operation.get("parameters", ())]:
        told.append(table(("parameter", "in", "type", "meaning"), rows))
    body = operation.get("requestBody")
    takes = [f"Takes {_content(body)}."] if body else []
    gives = [
        f"Answers `{status}` with {_content(answer)}."
        for status, answer in operation["responses"].items()
        if int(status) < HTTPStatus.BAD_REQUEST
    ]
    return "\n\n".join([*told, " ".join([*takes, *gives])])


def _parameter(parameter: dict[str, Any]) -> tuple[str, str, str, str]:
    schema = parameter["schema"]
    said = parameter.get("description") or schema.get("description") or ""
    needed = "Required. " if parameter.get("required") and parameter["in"] != "path" else ""
    return (
        f"`{parameter['name']}`",
        parameter["in"],
        _type(schema),
        f"{needed}{cell(said)} {_rule(schema)}".strip(),
    )


def _content(one: dict[str, Any]) -> str:
    shapes = [
        f"{_type(content.get('schema', {}))} as `{media}`"
        for media, content in one.get("content", {}).items()
    ]
    return " or ".join(shapes) or "nothing"


def _schema(name: str, schema: dict[str, Any]) -> str:
    told = [f"### {name}"]
    is_given = name in _given()
    if said := schema.get("description"):
        told.append(" ".join(said.split("\n\nAttributes:")[0].split()))
    if values := schema.get("enum"):
        told.append(f"One of {', '.join(f'`{value}`' for value in values)}.")
    if rows := list(_fields(schema, is_given=is_given)):
        told.append(table(("field", "type", "meaning"), rows))
    return "\n\n".join(told)


def _fields(schema: dict[str, Any], *, is_given: bool) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", ()) if is_given else ()
    for name, field in schema.get("properties", {}).items():
        said = cell(field.get("description", ""))
        default = field.get("default")
        told = [said, "Required." if name in required and "default" not in field else ""]
        told += [f"Default `{_shown(default)}`." if default not in (None, "", [], {}) else ""]
        told += [_rule(field)]
        yield f"`{name}`", _type(field), " ".join(filter(None, told))


@cache
def _given() -> frozenset[str]:
    """The shapes that are sent to the factory, where it matters what must be there."""
    document = _document()
    bodies = [
        one["requestBody"]
        for path in document["paths"].values()
        for one in path.values()
        if "requestBody" in one
    ]
    found: set[str] = set()
    waiting = set(_REFERENCE.findall(json.dumps(bodies)))
    while waiting:
        found |= waiting
        inside = json.dumps([document["components"]["schemas"][name] for name in waiting])
        waiting = set(_REFERENCE.findall(inside)) - found
    return frozenset(found)


def _shown(value: Any) -> str:
    return json.dumps(value) if not isinstance(value, str) else value


def _rule(schema: dict[str, Any]) -> str:
    """Least and most, where there are any."""
    rules = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "exclusiveMinimum": "above {}",
        "maxLength": "at most {} characters",
        "maxItems": "at most {} of them",
    }
    inner = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), {})
    both = {**inner, **schema}
    told = [text.format(f"{both[name]:,}") for name, text in rules.items() if name in both]
    return f"({', '.join(told)})" if told else ""


def _type(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if one := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(_type(each) for each in one)
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema.get('items', {}))}"
        case "null":
            return "nothing"
        case str(kind):
            return _WORDS.get(kind, kind)
        case _:
            return "any JSON"
