"""`envmgr doctor`: check the setup, and print the next step for each problem."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from envmgr.cli import Context, console
from envmgr.shell import checks


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one array of objects.")
@click.pass_obj
def doctor_command(context: Context, *, as_json: bool) -> int:
    """Check shell, PATH, shims, Pythons and environments; the exit code is 1 where a check fails."""
    found = []
    for finding in checks.run_checks(checks.doctor_context(context.home, context.environ, context.cwd)):
        found.append(finding)
        if not as_json:
            console.data(console.printable(f"{finding.state:4}  {finding.subject}: {finding.message}"))
            if finding.step:
                console.data(console.printable(f"      -> {finding.step}"))
    if as_json:
        console.data(json.dumps([asdict(finding) for finding in found], indent=1))
    return int(any(finding.state == checks.FAIL for finding in found))
