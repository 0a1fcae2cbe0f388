"""Print docs/reference/test-table.md from the keys that the code reads.

usage: python scripts/make_test_table_reference.py > docs/reference/test-table.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envmgr.testing import variables
from envmgr.testing.table import MATRIX, SETTINGS, Key

INTRODUCTION = """# The table of `envmgr test`

`[tool.envmgr.test]` in `pyproject.toml`, or `[test]` in `envmgr.toml`, which goes first. This page is made by
`scripts/make_test_table_reference.py` from the code that reads the table. An unknown key is an error.

## The matrix

Its cells are all combinations of the values of its axes. A cell is named after its values: `3.12-django4.2`."""
SETTINGS_TEXT = """## Settings of the cells

At the top of the table they hold for all combinations of the axes; in `when` for those that its `if` matches
(values, patterns such as `3.1*`, or version ranges such as `>=3.12`); in `include` for that combination; in
`[...cells.NAME]` for that cell, which has no others. Lists and `env` add to earlier settings, other values
replace them."""
SUBSTITUTIONS = """## Substitutions

In `commands`, `env` and `cwd`; any other text in braces stays as it is.

| text | is replaced by |
|---|---|
| `{args}`, `{args:DEFAULT}` | the arguments after `--`; without `{args}` they go to the last command |
| `{cell}` | the name of the cell |
| `{environment}` | the directory of the cell's environment |
| `{env:NAME}`, `{env:NAME:DEFAULT}` | a variable of the caller |
| `{project}` | the directory of the project, or of its copy |
| `{python}` | the path of the cell's Python |
| `{tmp}` | a directory of the cell's own, empty at the start of each run |
| `{AXIS}` | the value of an axis |

A command may begin with the word `-` (its failure is ignored) or `!` (it must fail).

## Variables that are passed

"""


def reference() -> str:
    """Return the whole page."""
    return "\n".join(page()) + "\n"


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    yield from (INTRODUCTION, "", *rows(MATRIX), "", SETTINGS_TEXT, "", *rows(SETTINGS), "", SUBSTITUTIONS.rstrip())
    names = ", ".join(f"`{name}`" for name in variables.PASSED)
    yield from ("", f"Beyond `pass-env`, the variables that match: {names}.")


def rows(keys: Mapping[str, Key]) -> Iterator[str]:
    """Yield the lines of a table of keys."""
    yield from ("| key | meaning |", "|---|---|")
    yield from (f"| `{name}` | {key.help} |" for name, key in keys.items())


if __name__ == "__main__":
    print(reference(), end="")
