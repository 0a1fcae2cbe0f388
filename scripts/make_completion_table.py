"""Print shims/completion.tsv, the completions for all shells, so that the Tab key never starts Python.

usage: python scripts/make_completion_table.py > shims/completion.tsv

A row has a command, by its words after `envmgr`, its help, the kind of its arguments, and its options. An option with a
value has its kind after a colon. A kind is `version`, `command`, `-` for anything (files), or a list of values.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from envmgr.cli import HOOK_COMMANDS, VERBS, cli
from envmgr.shell.shells import SHELLS

_KINDS = {"request": "version", "requests": "version", "version": "version", "python": "version", "pythons": "version"}
_KINDS |= {"command": "command", "shell": ",".join(SHELLS)}


_IN_SHELL = tuple(
    (name, text, *(("version", "--unset") if name == "shell" else ("-", "-h"))) for name, text in HOOK_COMMANDS.items()
)


def table() -> str:
    """Return the table, with the commands that only the hooks implement."""
    root, *others = rows(cli, (), None)
    names = ",".join([root[2], *(row[0] for row in _IN_SHELL)])
    return "".join("\t".join(row) + "\n" for row in ((*root[:2], names, root[3]), *others, *_IN_SHELL))


def rows(command: click.Command, words: tuple[str, ...], parent: click.Context | None) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `command`, called by `words`, and of all commands below it."""
    context = click.Context(command, info_name=" ".join(words), parent=parent)
    names = command.list_commands(context) if isinstance(command, click.Group) else []
    arguments = [param for param in command.params if isinstance(param, click.Argument)]
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    kind = ",".join(names) or (value(arguments[0]) if arguments else "-")
    below = [
        found for name in names if isinstance(command, click.Group) and (found := command.get_command(context, name))
    ]
    yield (
        " ".join(words) or "-",
        VERBS.get(context.info_name or "") or command.get_short_help_str(limit=80),
        kind,
        " ".join(["-h --help", *(spelled(option) for option in options)]),
    )
    for name, found in zip(names, below, strict=True):
        yield from rows(found, (*words, name), context)


def spelled(option: click.Option) -> str:
    """Return the names of an option, each with the kind of its value."""
    after = "" if option.is_flag or option.count else f":{value(option)}"
    return " ".join(name + after for name in (*option.opts, *option.secondary_opts))


def value(param: click.Parameter) -> str:
    """Return the kind of a parameter's value."""
    if isinstance(param.type, click.Choice):
        return ",".join(map(str, param.type.choices))
    return _KINDS.get(param.name or "", "-")


if __name__ == "__main__":
    print(table(), end="")
