"""Every `pygent` command with its arguments and options, as its help says."""

import re
from collections.abc import Iterator
from typing import Any

import typer.main
from typer.core import TyperGroup

from deploy.reference.tables import NONE, cell, table
from hub.cli.app import COMMANDS, LateGroup, app

NOT_OURS = frozenset({"--install-completion", "--show-completion", "--help"})
_EXAMPLE = re.compile(r"Examples?: (?P<example>.*)", re.DOTALL)
_COMMAND = re.compile(r"`([^`]+)`")


def commands() -> str:
    """The commands under the headings of `pygent --help`."""
    panels = dict.fromkeys(command.panel for command in COMMANDS.values())
    told: list[str] = []
    for panel in panels:
        told.append(f"## {panel}")
        for name, listed in COMMANDS.items():
            if listed.panel == panel:
                told += (_section(path, command) for path, command in described(name))
    return "\n\n".join(told)


def described(name: str) -> Iterator[tuple[str, Any]]:
    """A command, or the commands of a group, each with its whole name."""
    command = command_of(name)
    if isinstance(command, TyperGroup):
        yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
    else:
        yield name, command


def command_of(name: str) -> Any:
    """A command or a group, as it is called."""
    group = typer.main.get_command(app)
    if not isinstance(group, LateGroup):
        raise TypeError(f"the command is a {type(group).__name__}")
    _, command, _ = group.resolve_command(None, [name])
    return command


def options(command: Any) -> list[Any]:
    """Those that are shown."""
    return [
        one
        for one in command.params
        if one.param_type_name == "option" and not one.hidden and NOT_OURS.isdisjoint(one.opts)
    ]


def arguments(command: Any) -> list[Any]:
    """In their order."""
    return [one for one in command.params if one.param_type_name == "argument"]


def _section(path: str, command: Any) -> str:
    said = command.help or ""
    example = _EXAMPLE.search(said)
    text = (said[: example.start()] if example else said).strip()
    told = [f"### `pygent {path}`", text, f"```\n{_usage(path, command)}\n```"]
    if rows := [*map(_argument, arguments(command)), *map(_option, options(command))]:
        told.append(table(("argument or option", "meaning", "default"), rows))
    if example:
        lines = [" ".join(one.split()) for one in _COMMAND.findall(example["example"])]
        told.append("\n".join(["For example:\n\n```sh", *lines, "```"]))
    return "\n\n".join(told)


def _usage(path: str, command: Any) -> str:
    names = [_shown(one) for one in arguments(command)]
    return " ".join(["pygent", path, *names, *(["[OPTIONS]"] if options(command) else [])])


def _shown(argument: Any) -> str:
    name = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _argument(argument: Any) -> tuple[str, str, str]:
    return f"`{argument.name.upper()}`", cell(argument.help or ""), _default(argument)


def _option(option: Any) -> tuple[str, str, str]:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return names, cell(option.help or ""), _default(option)


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    return NONE if value is None or value is False or callable(value) else f"`{value}`"
