"""The table's `active` column against the hooks of the other shells, one real shell each."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prepared_projects import ALLOWED, PreparedProjects, create_projects
from pty_shell import PtyShell
from rule_table import CASES, Case

from envmgr.shell import setup as rc
from envmgr.shell import shells, shims

NU = os.environ.get("ENVMGR_TEST_NU")  # no Debian package; scripts/test takes it from npm where that is there
VARIABLES = ("ENVMGR_VERSION", "ENVMGR_CEILING_DIRS")
REPORT = """#!/bin/sh
printf '%s\\0%s\\0' "${VIRTUAL_ENV-}" "${PATH%%:*}" >>"$ANSWERS"
"""
# in a file that nu sources, only what its hook wants can be seen: a variable that a command hides is not hidden there
NU_REPORT = (
    "let wanted = _envmgr_wanted; let first = if $wanted == '' { $'($_envmgr_home)/shims' } else { $'($wanted)/bin' }; "
    "$'($wanted)(char nul)($first)(char nul)' | save --append --raw $env.ANSWERS"
)
Answer = tuple[str, str]  # VIRTUAL_ENV and the first entry of PATH


@dataclass(frozen=True)
class Syntax:
    """The syntax of a shell for setting and unsetting a variable, and the cases in which it differs from the table."""

    set: str = "export {}={}"
    unset: str = "unset {}"
    unsupported: str = r"(?!)"  # texts that the shell cannot be given
    source: str = ""  # runs a file; without it the shell gets its lines through a pipe
    report: str = ""  # writes the answer where a program cannot
    otherwise: dict[str, str] = field(default_factory=dict)


SHELLS = {
    "ksh": Syntax(),
    "mksh": Syntax(),
    "tcsh": Syntax("setenv {} {}", "unsetenv {}", r"[\x00-\x1f\x7f\udc80-\udcff]"),
    "elvish": Syntax(
        "set-env {} {}", "unset-env {}", source="eval (slurp < {})", otherwise={"linked-up/shop": "shop"}
    ),  # its paths are physical
    "xonsh": Syntax("${{{0!r}}} = {1}", "${{{0!r}}} = ''", source="source {}"),
    **(
        {"nu": Syntax("$env.{} = {}", "$env.{} = ''", "[\x00-\x1f\udc80-\udcff]", "source {}", NU_REPORT)} if NU else {}
    ),
}


def lines(hooked: PreparedProjects, name: str) -> Iterator[tuple[Case, list[str]]]:
    """Yield each case, once for each directory and its variables, and the lines that lead there."""
    syntax, quoted = SHELLS[name], shells.shell_named(name).quoted
    done: set[tuple[str | None, ...]] = set()
    for case in CASES:
        key = (case.cwd, case.variable, case.ceiling)
        if key in done or re.search(syntax.unsupported, case.cwd + (case.variable or "")):
            continue
        done.add(key)
        environ = hooked.environ(case)
        yield (
            case,
            [
                *(syntax.set.format(one, quoted(environ[one])) for one in VARIABLES if one in environ),
                *(syntax.unset.format(one) for one in VARIABLES if one not in environ),
                f"cd {quoted(str(hooked.cwd(case)))}",
            ],
        )
    assert len(done) > 85


def expected(hooked: PreparedProjects, name: str, case: Case) -> Answer:
    """Return the answer of the table; these shells do not activate what `envmgr allow` granted."""
    active = SHELLS[name].otherwise.get(case.cwd, case.active)
    if active is None or active in ALLOWED:
        return "", str(hooked.home.shims)
    path = hooked.environment(active, case.cwd)
    return str(path), f"{path}/bin"


def answers_of(hooked: PreparedProjects, name: str, environ: dict[str, str], folder: Path) -> list[tuple[Case, Answer]]:
    """Run all cases in one shell; return what it has active in each."""
    syntax, cases = SHELLS[name], list(lines(hooked, name))
    report = syntax.report or str(folder / "report")
    text = os.fsencode("".join(f"{line}\n" for _, typed in cases for line in ("cd /", *typed, report)))
    if syntax.source:  # interactive on a terminal only
        (folder / "cases").write_bytes(text)
        with PtyShell([name], cwd=hooked.root / "none", environ=environ) as shell:
            shell.variables_after(syntax.source.format(folder / "cases"))
    else:
        cwd = hooked.root / "none"
        subprocess.run([name, "-i"], input=text, cwd=cwd, env=environ, capture_output=True, check=False, timeout=120)
    found = iter((folder / "answers").read_bytes().decode(errors="surrogateescape").split("\0"))
    return [(case, (next(found), next(found))) for case, _ in cases]


@pytest.fixture(scope="session")
def without_dollar(tmp_path_factory: pytest.TempPathFactory) -> PreparedProjects:
    """Prepared projects whose store has a path without `$`: xonsh expands `$` in entries of PATH."""
    prepared = create_projects(tmp_path_factory.mktemp("plain"), "the store's")
    (prepared.home.shell / shims.LAUNCHER).unlink()
    return prepared


@pytest.mark.parametrize("name", SHELLS)
def test_the_hook_activates_as_the_table_says(request: pytest.FixtureRequest, name: str, tmp_path: Path) -> None:
    prepared: PreparedProjects = request.getfixturevalue("without_dollar" if name == "xonsh" else "hooked")
    (tmp_path / "report").write_text(REPORT)
    (tmp_path / "report").chmod(0o755)
    environ = prepared.environ(CASES[0]) | {"HOME": str(tmp_path), "ENVMGR_HOME": str(prepared.home.root)}
    environ |= {"PATH": os.pathsep.join(["/usr/bin", "/bin", NU or "/"])}
    environ |= {"ANSWERS": str(tmp_path / "answers")}
    shell = shells.shell_named(name)
    for file in shell.select_files(shell.rc_files(environ)):
        rc.write(rc.plan_addition(file, shell.line(prepared.home)))
    answers = answers_of(prepared, name, environ, tmp_path)
    assert {str(case): found for case, found in answers if found != expected(prepared, name, case)} == {}
