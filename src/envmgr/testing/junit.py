"""JUnit reports: those that pytest wrote in each cell, merged into one; a cell without one is a test case itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envmgr.errors import EnvmgrError
from envmgr.testing.context import RunContext
from envmgr.testing.result import BROKEN, FAILED, SKIPPED, Result


def write(file: Path, results: Sequence[Result], context: RunContext) -> None:
    """Write the merged report of a run to `file`. Raises EnvmgrError where that cannot be written."""
    from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

    whole = JUnitXml("envmgr test")
    for result in results:
        suites = _suites(context.file("junit", result.cell, ".xml"))
        if not suites:
            case = TestCase("cell", classname=result.cell.name, time=result.seconds)
            kind = {FAILED: Failure, BROKEN: Error, SKIPPED: Skipped}.get(result.state)
            if kind:
                case.result = [kind(result.message)]
            suite = TestSuite(result.cell.name)
            suite.add_testcase(case)
            suites = [suite]
        for suite in suites:
            if result.proof:
                suite.add_property("python", str(result.proof))
            whole.add_testsuite(suite)
    whole.update_statistics()  # type: ignore[no-untyped-call]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        whole.write(str(file), pretty=True)
    except OSError as error:
        raise EnvmgrError(f"{file}: cannot be written: {error.strerror}") from error


def _suites(file: Path) -> list:  # type: ignore[type-arg]  # of junitparser, which is imported late
    from junitparser import JUnitXml, JUnitXmlError

    try:
        return list(JUnitXml.fromfile(str(file)))
    except (OSError, JUnitXmlError, SyntaxError):  # no report, or one that was cut off: a SyntaxError of its parser
        return []
