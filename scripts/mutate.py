"""Mutation testing: change one expression or statement at a time, run the module's unit tests, list the survivors.

    scripts/mutate [--again] [--step N] [MODULE...]        scripts/mutate versions host/archive

A mutant is killed when a test fails or takes too long; one that no test notices has survived. Outcomes are kept in
`.cache/mutate/`, so a run that was interrupted goes on where it was; when the tests change, survivors are tried again,
and when a module changes, all of its mutants are. The tests that run the changed line go first, the fastest of them
before the others. `--again` forgets what is kept. Survivors that cannot be killed stand
in `mutate-survivors.txt` with a reason each: mutants that do the same as the original. The exit code is 1 where the
rate of killed mutants is below the floor of a module.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import inspect
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "envmgr"
CACHE = ROOT / ".cache" / "mutate"
REASONS = Path(__file__).with_name("mutate-survivors.txt")
# module, or package for all of its modules -> its unit tests, in tests/, and the floor in percent
MODULES = {
    "versions/version.py": ("unit/test_version.py unit/test_request.py", 90),
    "versions/request.py": ("unit/test_request.py unit/test_version.py", 90),
    "versions/requires.py": ("unit/test_requires.py", 90),
    "versions/pins.py": ("unit/test_pins.py", 90),
    "versions/pinning.py": ("unit/test_pinning.py", 90),
    "pythons/resolve.py": ("unit/test_resolve.py", 90),
    "pythons/candidate.py": ("unit/test_candidate.py unit/test_index.py", 90),
    "pythons/index.py": ("unit/test_index.py", 90),
    "pythons/selection.py": ("unit/test_selection.py", 90),
    "host/archive.py": ("unit/test_archive.py", 90),
    "host/access.py": ("unit/test_access.py", 90),
    "host/git.py": ("unit/test_git.py", 90),
    "host/ownership.py": ("unit/test_ownership.py", 90),
    "shell/offer.py": ("unit/test_offer.py", 90),
    "shell/trust.py": ("unit/test_grant.py", 90),
    "shell/grant.py": ("unit/test_grant.py", 90),
    "shell/variables.py": ("unit/test_variables.py", 90),
    "shell/dotenv.py": ("unit/test_dotenv.py", 90),
    "shell/quoting.py": ("unit/test_quoting.py unit/test_shells.py", 90),
    "packages/requirements.py": ("unit/test_requirements.py", 90),
    "packages/engines.py": ("unit/test_requirements.py integration/test_sync.py", 90),
    "packages/wheels.py": ("unit/test_requirements.py integration/test_sync.py", 90),
    "packages/sync.py": ("unit/test_requirements.py integration/test_sync.py", 90),
    "testing/matrix.py": ("unit/test_test_table.py unit/test_test_defaults.py", 90),
    "testing/table.py": ("unit/test_test_table.py", 80),  # test_cli.py compares its help texts with the reference
    "testing/defaults.py": ("unit/test_test_defaults.py", 90),
    "testing/substitution.py": ("unit/test_test_values.py", 90),
}
_OUTCOMES = {0: "survived", -signal.SIGALRM: "slow"}  # by exit code; any other is a killed mutant
_REWRITE = "-Wignore::pytest.PytestAssertRewriteWarning"  # hypothesis is imported before pytest starts
COMPARISONS = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}


@dataclass(frozen=True)
class Mutant:
    """One change: `before` in `line`, in function `where`, becomes `after`; `text` is the changed module."""

    module: str
    where: str
    line: int
    before: str
    after: str
    number: int
    text: str

    @property
    def key(self) -> str:
        """The same while the function has the same text here, wherever it moves to in the module."""
        number = f" ({self.number})" if self.number > 1 else ""
        return f"{self.module} {self.where}{number}: {self.before} -> {self.after}"


def mutants(module: str, text: str) -> Iterator[Mutant]:
    """Yield the mutants of a module that are valid Python."""
    data = text.encode()
    lines = [0]
    for line in data.split(b"\n"):
        lines.append(lines[-1] + len(line) + 1)
    seen: Counter[tuple[str, str, str]] = Counter()
    for node, field, where in _nodes(ast.parse(text), ""):
        start = lines[node.lineno - 1] + node.col_offset
        end = lines[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = " ".join(data[start:end].decode().split())
        for replacement in _replacements(node, field):
            after = ast.unparse(replacement) if isinstance(replacement, ast.AST) else replacement
            spliced = after if isinstance(node, ast.stmt) else f"({after})"
            changed = (data[:start] + spliced.encode() + data[end:]).decode()
            seen[where, before, after] += 1
            try:
                compile(changed, module, "exec")
            except SyntaxError:
                continue
            yield Mutant(module, where or "<module>", node.lineno, before, after, seen[where, before, after], changed)


def _nodes(node: ast.AST, where: str) -> Iterator[tuple[ast.expr | ast.stmt, str, str]]:
    """Yield the nodes that may be changed, each with its place in its parent and its function.

    Docstrings, annotations, messages and the text between the values of an f-string stay.
    """
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "type_params", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr | ast.Import | ast.ImportFrom):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.keyword) and child.arg == "hint":
                continue
            inner = where
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{where}.{child.name}".lstrip(".")
            elif isinstance(child, ast.expr | ast.stmt):
                yield child, name, where
            if not isinstance(child, ast.Raise):
                yield from _nodes(child, inner)


def _replacements(node: ast.expr | ast.stmt, field: str) -> Iterator[ast.AST | str]:  # noqa: C901, PLR0912 - a table
    """Yield what may stand in the place of `node`, which is in the `field` of its parent."""
    if field in {"test", "ifs"}:
        yield from (ast.Constant(value=True), ast.Constant(value=False))
    match node:
        case ast.Compare(left, ops, comparators):
            for index, op in enumerate(ops):
                if other := COMPARISONS.get(type(op)):
                    yield ast.Compare(left, [*ops[:index], other(), *ops[index + 1 :]], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for index in range(len(values)):
                rest = [*values[:index], *values[index + 1 :]]
                yield ast.BoolOp(op, rest) if len(rest) > 1 else rest[0]
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            yield ast.BinOp(left, OPERATORS[type(op)](), right)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(str() as value):
            yield ast.Constant(value + "!")
        case ast.Constant(bytes() as value):
            yield ast.Constant(value + b"!")
        case ast.Return(ast.expr() as value) if ast.unparse(value) != "None":
            yield "return None"
        case ast.Raise() | ast.Expr() | ast.AugAssign():
            yield "pass"
        case ast.Continue():
            yield "break"
        case ast.Break():
            yield "continue"
        case ast.Call(func, [first, *rest], keywords):
            yield ast.Call(func, rest, keywords)
            if not rest and not keywords:
                yield first


class Recorder:
    """A pytest plugin that writes, per test, its seconds and the lines of `file` that it runs; and the loaded modules.

    Lines that run in another process are not recorded.
    """

    def __init__(self, file: Path, report: Path) -> None:
        self._file, self._report = str(file), report
        self._lines: set[int] = set()
        self.tests: Recorded = {}

    def pytest_runtest_setup(self) -> None:
        """Start to record a test."""
        self._start = time.monotonic()
        self._lines.clear()
        sys.settrace(self._trace)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Keep what was recorded of a test."""
        sys.settrace(None)
        self.tests[item.nodeid] = (time.monotonic() - self._start, sorted(self._lines))

    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        loaded = [
            name for name, module in sys.modules.items() if "site-packages" in (vars(module).get("__file__") or "")
        ]
        self._report.write_text(json.dumps({"tests": self.tests, "modules": loaded}), encoding="utf-8")

    def _trace(self, frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != self._file:
            return None
        if event == "line":
            self._lines.add(frame.f_lineno)
        return self._trace


Recorded = dict[str, tuple[float, list[int]]]  # test -> its seconds, and the lines that it runs


class Trial:
    """A pytest plugin that tries the mutants of functions, each in a fork of one session whose tests are collected.

    A fork replaces the code of the function, so that nothing is imported again. Mutants of other places are left out.
    """

    def __init__(
        self, file: Path, mutants: list[Mutant], recorded: Recorded, limit: int, keep: Callable[[str, str], None]
    ) -> None:
        self._file, self._mutants, self._recorded, self._limit, self._keep = file, mutants, recorded, limit, keep

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try the mutants in place of a run of the tests; keep the outcomes."""
        module = next(found for found in sys.modules.values() if vars(found).get("__file__") == str(self._file))
        for mutant in self._mutants:
            found = changed_function(mutant, module)
            if found is None:
                continue
            session.items.sort(key=Order(mutant.line, self._recorded).rank)
            with changed(self._file, mutant.text):
                code = fork(self._limit, partial(_run, session, *found))
            self._keep(mutant.key, _OUTCOMES.get(code, "killed"))
        return True


def _run(session: pytest.Session, function: FunctionType, code: CodeType) -> int:
    """Run the collected tests with another code in a function; returns 1 at the first that fails, else 0."""
    function.__code__ = code
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return 0


def changed_function(mutant: Mutant, module: ModuleType) -> tuple[FunctionType, CodeType] | None:
    """Return the function of the loaded module that a mutant changes, and its changed code; None for another place."""
    code: CodeType = compile(mutant.text, str(module.__file__), "exec")
    place: Any = module
    names = mutant.where.split(".")
    for depth, name in enumerate(names, 1):
        inner = [const for const in code.co_consts if isinstance(const, CodeType) and const.co_name == name]
        place = vars(place).get(name)
        if len(inner) != 1 or place is None:
            return None
        code = inner[0]
        place = inspect.unwrap(getattr(place, "fget", None) or getattr(place, "__func__", place))
        if isinstance(place, FunctionType):
            nested = depth < len(names)  # such a function may have been made while the module was imported
            return (place, code) if not nested and _replaces(code, place.__code__) else None
    return None


def _replaces(code: CodeType, original: CodeType) -> bool:
    """Return whether a code can take the place of another, and does another thing; not so for a default argument."""
    if code.co_freevars != original.co_freevars:
        return False
    return any(getattr(code, name) != getattr(original, name) for name in ("co_code", "co_consts", "co_names"))


class Order:
    """A pytest plugin that runs the tests that reach a line first, the fastest first."""

    def __init__(self, line: int, recorded: Recorded) -> None:
        self._line, self._recorded = line, recorded

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests."""
        items.sort(key=self.rank)

    def rank(self, item: pytest.Item) -> tuple[bool, float]:
        """Return the place of a test in the order."""
        seconds, lines = self._recorded.get(item.nodeid, (0.0, []))
        return self._line not in lines, seconds


@contextmanager
def changed(file: Path, text: str) -> Iterator[None]:
    """Let a file have another text meanwhile, for tests that start a process."""
    original = file.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(original, encoding="utf-8")


def run(place: Path, tests: list[str], limit: int, plugin: object) -> int:
    """Run `tests` with the package in `place`, at most `limit` seconds; returns pytest's exit code, or minus a signal.

    In a fork: pytest and hypothesis are imported once, envmgr anew each time.
    """

    def start() -> int:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        sys.path.insert(0, str(place))
        os.environ |= {"PYTHONPATH": str(place), "HYPOTHESIS_STORAGE_DIRECTORY": str(place.parent / "hypothesis")}
        import pytest

        without = [f"-pno:{name}" for name in ("cacheprovider", "xdist", "pytest_cov")]
        options = ["-x", "-q", *without, "--hypothesis-seed=0", "--tb=no", _REWRITE]
        return pytest.main([*options, f"--basetemp={place.parent / 'tmp'}", *tests], [plugin])

    return fork(limit, start)


def fork(limit: int, function: Callable[[], int]) -> int:
    """Call a function in a fork, at most `limit` seconds; returns its result, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            signal.alarm(limit)
            code = function()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # processes that its tests left running
    return os.waitstatus_to_exitcode(status)


def examine(module: str, *, again: bool, step: int = 1) -> bool:
    """Try each `step`-th mutant of a module, and print the survivors; returns whether the rate reaches the floor."""
    names, floor = MODULES[module]
    tests = [str(ROOT / "tests" / name) for name in names.split()]
    text = (SOURCE / module).read_text(encoding="utf-8")
    digests = [_digest(text), _digest("".join(Path(test).read_text(encoding="utf-8") for test in tests))]
    memory = CACHE / f"{module.replace('/', '-')}.json"
    kept = {} if again else _kept(memory, *digests)
    reasons = _reasons()
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        place = Path(folder, "src")
        shutil.copytree(SOURCE, place / "envmgr", ignore=shutil.ignore_patterns("__pycache__"))
        Path(folder, "shims").symlink_to(ROOT / "shims")
        limit, recorded = _run_unchanged(place, module, tests)
        every = [mutant for mutant in mutants(module, text) if mutant.key not in reasons][::step]
        missing = [mutant for mutant in every if mutant.key not in kept]
        file = place / "envmgr" / module

        def keep(key: str, outcome: str) -> None:
            kept[key] = outcome
            CACHE.mkdir(parents=True, exist_ok=True)
            memory.write_text(json.dumps([*digests, kept]), encoding="utf-8")

        run(place, tests, 86_400, Trial(file, missing, recorded, limit, keep))
        kept |= _kept(memory, *digests)  # by the fork
        for mutant in missing:
            if mutant.key not in kept:
                with changed(file, mutant.text):
                    code = run(place, tests, limit, Order(mutant.line, recorded))
                keep(mutant.key, _OUTCOMES.get(code, "killed"))
    survivors = [mutant for mutant in every if kept[mutant.key] == "survived"]
    count, killed = len(every), len(every) - len(survivors)
    for mutant in survivors:
        print(f"src/envmgr/{module}:{mutant.line}: in {mutant.where}\n  - {mutant.before}\n  + {mutant.after}")
    rate = 100 * killed / count if count else 100
    print(f"{module}: {killed} of {count} killed, {rate:.0f} % (floor {floor} %)", flush=True)
    return rate >= floor


def _run_unchanged(place: Path, module: str, tests: list[str]) -> tuple[int, Recorded]:
    """Run the tests of the unchanged module, which must pass; import the libraries that they load, for all forks.

    Returns the seconds that a mutant has, ten times those of the unchanged module; and the seconds and lines per test.
    """
    report = place.parent / "report.json"
    start = time.monotonic()
    if code := run(place, tests, 600, Recorder(place / "envmgr" / module, report)):
        sys.exit(f"the tests fail without any change, with code {code}: {' '.join(tests)}")
    limit = 10 + 10 * round(time.monotonic() - start)
    recorded = json.loads(report.read_text(encoding="utf-8"))
    for name in recorded["modules"]:
        with suppress(ImportError):
            importlib.import_module(name)
    return limit, recorded["tests"]


def _kept(memory: Path, module: str, tests: str) -> dict[str, str]:
    """Return the outcomes that still hold: of the same module; survivors only of the same tests."""
    try:
        before, before_tests, kept = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if before != module:
        return {}
    return {key: outcome for key, outcome in kept.items() if before_tests == tests or outcome != "survived"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _reasons() -> set[str]:
    """Return the keys of the mutants that cannot be killed; each stands on a line, the reason on the next, indented."""
    lines = REASONS.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith(("#", " "))}


def main() -> int:
    """Examine the modules that the command line names, or all; returns the exit code."""
    parser = argparse.ArgumentParser(
        usage="scripts/mutate [--again] [--step N] [MODULE...]", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--again", action="store_true", help="forget what is kept of earlier runs")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="try each Nth mutant only, for an estimate")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="versions, versions/pins, ...")
    options = parser.parse_args()
    wanted = [name for name in MODULES if not options.modules or name.startswith(tuple(options.modules))]
    if not wanted:
        parser.error(f"these can be examined: {' '.join(MODULES)}")
    import hypothesis  # noqa: F401 - here, once for all forks
    import pytest  # noqa: F401

    os.chdir(ROOT)
    results = [examine(module, again=options.again, step=options.step) for module in wanted]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
