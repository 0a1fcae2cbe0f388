"""Print docs/reference/cli.md, the help of every command.

usage: python scripts/make_cli_reference.py > docs/reference/cli.md
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from envmgr.cli import cli

INTRODUCTION = """\
# Commands

The output of `envmgr --help` and `envmgr VERB --help`; made by `scripts/make_cli_reference.py`. Exit codes are in
[exit-codes.md](exit-codes.md), the words for versions in [requests.md](requests.md).
"""


def pages(command: click.Command, words: tuple[str, ...], parent: click.Context | None = None) -> Iterator[str]:
    """Yield the Markdown of `command`, called by `words`, and of all commands below it."""
    settings = {**command.context_settings, "terminal_width": 100, "max_content_width": 100}
    context = click.Context(command, info_name=words[-1], parent=parent, **settings)
    yield f"\n{'#' * min(len(words) + 1, 4)} {' '.join(words)}\n\n```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if (below := command.get_command(context, name)) and not below.hidden:
                yield from pages(below, (*words, name), context)


def reference() -> str:
    """Return the page as Markdown."""
    return INTRODUCTION + "\n".join(pages(cli, ("envmgr",))) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
