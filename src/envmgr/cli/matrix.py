"""`envmgr matrix`: print the cells of `envmgr test` for a CI system, or check them against the metadata."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from envmgr.cli import Context, console
from envmgr.host import config
from envmgr.testing import defaults, fan_out
from envmgr.testing import matrix as selection
from envmgr.testing.sources import Finder
from envmgr.versions import release_cycle


@click.command()
@click.option("--format", "form", type=click.Choice(list(fan_out.FORMATS)), default="json", show_default=True)
@click.option("--cell", "patterns", multiple=True, metavar="PATTERN", help="Only these cells; * stands for any text.")
@click.option("--label", "labels", multiple=True, help="Only the cells with this label.")
@click.option("--check", is_flag=True, help="Fail where cells, classifiers and requires-python disagree.")
@click.pass_obj
def matrix_command(
    context: Context, *, form: str, patterns: tuple[str, ...], labels: tuple[str, ...], check: bool
) -> int:
    """Print the cells of `envmgr test` as the matrix of a CI system: a job for each, `envmgr test --cell NAME`.

    github: for fromJSON in strategy.matrix. gitlab: a child pipeline. azure: variables by job. json: all settings.
    """
    today = datetime.now(tz=UTC).date()
    source = Finder(context.home, context.cache, context.environ, context.cwd, today).find(None)
    names = None if patterns or labels else source.default
    cells = selection.select(source.cells, patterns=patterns, labels=labels, names=names)
    if not check:
        console.data(fan_out.FORMATS[form](cells))
        return 0
    file = source.project / "pyproject.toml"
    metadata = config.table(config.read(file), file, "project")
    requires, supported = str(metadata.get("requires-python", "")), release_cycle.supported(today)
    found = fan_out.problems(cells, defaults.classifiers(metadata), requires, supported)
    for line in found:
        console.say(f"{file}: {line}")
    return 1 if found else 0
