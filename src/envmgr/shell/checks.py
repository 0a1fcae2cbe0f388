"""The checks of `envmgr doctor`, one function per subject; each yields findings and changes nothing.

A child process cannot see whether its shell has loaded the hook. So the function `envmgr` of the hooks sets
`_ENVMGR_SHELL` for the call: the shell's name and process id. It counts only where that process is an ancestor of this
one, because other processes may inherit the variable.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from envmgr.environments import record
from envmgr.environments.health import check_health
from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import ownership, process
from envmgr.host.paths import Environ, Home
from envmgr.host.variables import HOOK, SHELL
from envmgr.pythons.probe import probe
from envmgr.pythons.store import Interpreter, Store
from envmgr.shell import detect, setup, shells, shims
from envmgr.shell.active import ActivePython, active_python
from envmgr.shell.shells import SHELLS, Shell

OK, WARN, FAIL = "ok", "warn", "fail"
_START_TIMEOUT = 20.0  # seconds for a Python to start
_INSTALL_STEP = "run `envmgr install 3.13` or `envmgr link --from pyenv`"
_REPUBLISH_STEP = "run `envmgr setup`, which writes it again"
_PYTHON_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "__PYVENV_LAUNCHER__")
_COMMANDS = ("python", "python3", "pip", "pip3")
# tool -> a variable that its hook exports, and the end of the path of its shims
_OTHER_TOOLS = {
    "pyenv": ("PYENV_SHELL", "/.pyenv/shims"),
    "mise": ("__MISE_SESSION", "/mise/shims"),
    "asdf": ("ASDF_DIR", "/.asdf/shims"),
    "direnv": ("DIRENV_DIFF", ""),
    "conda": ("CONDA_SHLVL", "/condabin"),
}


@dataclass(frozen=True)
class Finding:
    """A result of a check: `state` is ok, warn or fail; `step` is the next step, empty where none is needed."""

    state: str
    subject: str
    message: str
    step: str = ""


@dataclass(frozen=True)
class DoctorContext:
    """The input of all checks: the store, the variables and the shell of this process.

    `shell` is None where it has no hook. `active` is the active Python, or the error of an invalid pin.
    """

    home: Home
    environ: Environ
    shell: Shell | None
    active: ActivePython | EnvmgrError | None = None

    @property
    def path(self) -> list[str]:
        """Return the entries of PATH, without empty ones."""
        return [entry for entry in self.environ.get("PATH", "").split(os.pathsep) if entry]


def doctor_context(home: Home, environ: Environ, directory: Path) -> DoctorContext:
    """Return the context of this process in `directory`."""
    here: ActivePython | EnvmgrError
    try:
        here = active_python(home, directory, environ)
    except EnvmgrError as error:
        here = error
    try:
        return DoctorContext(home, environ, shells.shell_named(detect.current_shell(environ)), here)
    except EnvmgrError:
        return DoctorContext(home, environ, None, here)


def run_checks(context: DoctorContext) -> Iterator[Finding]:
    """Yield the findings of all checks."""
    checks = (
        check_store,
        check_shell_files,
        check_launcher,
        check_rc_files,
        check_hook,
        check_path,
        check_directory,
        check_variables,
        check_other_tools,
        check_aliases,
        check_interpreters,
        check_environments,
    )
    for check in checks:
        yield from check(context)


def check_store(context: DoctorContext) -> Iterator[Finding]:
    """Check that the store exists, belongs to the user, and can be written."""
    root = context.home.root
    try:
        ownership.ensure_usable(context.home)
    except UsageError as error:
        yield Finding(FAIL, "store", error.message, error.hint or "")
        return
    if not root.exists():
        yield Finding(WARN, "store", f"{root} does not exist yet", _INSTALL_STEP)
    elif not os.access(root, os.W_OK | os.X_OK):
        yield Finding(FAIL, "store", f"{root} cannot be written", "change its permissions, or set ENVMGR_HOME")
    else:
        yield Finding(OK, "store", str(root))


def check_shell_files(context: DoctorContext) -> Iterator[Finding]:
    """Check that the shell files in the store are those of this envmgr."""
    stale = sorted(file.name for file in shims.files().iterdir() if _differs(file, context.home.shell / file.name))
    if stale:
        few = 3  # an envmgr of another version changes most of them
        named = ", ".join(stale) if len(stale) <= few else f"{len(stale)} files in {context.home.shell}"
        yield Finding(WARN, "shell files", f"of another version of envmgr: {named}", "run `envmgr setup`")
    else:
        yield Finding(OK, "shell files", str(context.home.shell))


def _differs(ours: Path, published: Path) -> bool:
    """Return whether a file of the package is to be published and has not been."""
    if not ours.is_file() or ours.suffix == ".md":
        return False
    try:
        return ours.read_bytes() != published.read_bytes()
    except OSError:
        return True


def check_launcher(context: DoctorContext) -> Iterator[Finding]:
    """Check that the launcher, which shims and hooks call, starts."""
    program = context.home.shell / shims.LAUNCHER
    try:
        done = process.run([program, "--version"], environ=context.environ, timeout=_START_TIMEOUT)
    except EnvmgrError as error:
        yield Finding(FAIL, "launcher", error.message, _REPUBLISH_STEP)
        return
    if done.code == 0:
        yield Finding(OK, "launcher", f"{program} starts {done.text.strip()}")
    else:
        yield Finding(FAIL, "launcher", f"{program}: {done.text.strip()[-200:]}", _REPUBLISH_STEP)


def check_rc_files(context: DoctorContext) -> Iterator[Finding]:
    """Check that the rc files of the shell load the hook."""
    if context.shell is None:
        yield Finding(WARN, "rc file", "this shell has no hook", f"there is one for {', '.join(SHELLS)}")
        return
    step = f"run `envmgr setup {context.shell.name}`"
    for file in context.shell.select_files(context.shell.rc_files(context.environ)):
        try:
            edit = setup.plan_addition(file, context.shell.line(context.home))
        except EnvmgrError as error:
            yield Finding(WARN, "rc file", error.message, error.hint or "")
            continue
        if edit.before == edit.after or (edit.before and str(context.shell.hook(context.home)) in edit.before):
            yield Finding(OK, "rc file", f"{file} loads the hook")
        else:
            yield Finding(WARN, "rc file", f"{file} does not load the hook", step)


def check_hook(context: DoctorContext) -> Iterator[Finding]:
    """Check that the hook is loaded in the calling shell, and not switched off."""
    name, _, pid = context.environ.get(SHELL, "").partition(" ")
    if pid in map(str, detect.process_ids(os.getpid(), context.environ)):
        if context.environ.get(HOOK) == "off":
            yield Finding(WARN, "hook", f"loaded in this {name}, and switched off", "unset ENVMGR_HOOK")
        else:
            yield Finding(OK, "hook", f"loaded in this {name}")
    elif context.shell:
        yield Finding(
            WARN,
            "hook",
            f"not loaded in this {context.shell.name}",
            f"open a new one, or run here: {context.shell.load(context.home)}",
        )


def check_path(context: DoctorContext) -> Iterator[Finding]:
    """Check that the shims come before every other Python on PATH."""
    entries = context.path
    if str(context.home.shims) not in entries:
        step = f"run `envmgr setup`, open a new shell; in scripts: PATH={context.home.shims}:$PATH"
        yield Finding(FAIL, "PATH", f"{context.home.shims} is not on PATH", step)
        return
    before = [entry for entry in entries[: entries.index(str(context.home.shims))] if not _is_active(context, entry)]
    shadows = [f"{entry}/{name}" for entry in before for name in _COMMANDS if os.access(f"{entry}/{name}", os.X_OK)]
    if shadows:
        more = f" and {len(shadows) - 3} more" if len(shadows) > 3 else ""  # noqa: PLR2004 - the first ones matter
        step = "put what adds that to PATH before envmgr's line in your rc file"
        if any(entry == f"{context.environ.get('VIRTUAL_ENV')}/bin" for entry in before):
            step = "you activated this environment yourself; `deactivate` leaves it"
        yield Finding(WARN, "PATH", f"before the shims: {', '.join(shadows[:3])}{more}", step)
    else:
        yield Finding(OK, "PATH", "no other python or pip comes before the shims")


def _is_active(context: DoctorContext, entry: str) -> bool:
    """Return whether an entry of PATH belongs to an environment of the store, or to the allowed one."""
    allowed = context.active.external if isinstance(context.active, ActivePython) else None
    return Path(entry).is_relative_to(context.home.envs) or (allowed is not None and Path(entry) == allowed.bin)


def check_directory(context: DoctorContext) -> Iterator[Finding]:
    """Check that the pin of this directory is valid, and that an allowed `.venv` matches it."""
    if isinstance(context.active, EnvmgrError):
        yield Finding(FAIL, "directory", context.active.message, context.active.hint or "")
    elif context.active and context.active.problem:
        yield Finding(FAIL, "directory", context.active.problem.message, context.active.problem.hint or "")
    elif context.active and context.active.mismatch:
        yield Finding(WARN, "directory", context.active.mismatch, "recreate the .venv, or run `envmgr deny`")
    elif context.active and context.active.external:
        yield Finding(OK, "directory", f"{context.active.external.path} is active, because you allowed it")


def check_variables(context: DoctorContext) -> Iterator[Finding]:
    """Check that no variable changes the prefix or the packages of every Python."""
    for name in _PYTHON_VARIABLES:
        if value := context.environ.get(name):
            yield Finding(WARN, "variables", f"{name}={value} affects every Python", f"unset {name}")


def check_other_tools(context: DoctorContext) -> Iterator[Finding]:
    """Yield the other tools with a hook or shims in this shell; they may stay, but an active conda is a warning."""
    for tool, (variable, folder) in _OTHER_TOOLS.items():
        if context.environ.get(variable):
            yield Finding(OK, "other tools", f"{tool} has a hook in this shell")
        elif folder and any(entry.rstrip("/").endswith(folder) for entry in context.path):
            yield Finding(OK, "other tools", f"{tool} is on PATH")
    if prefix := context.environ.get("CONDA_PREFIX"):
        step = "`conda config --set auto_activate_base false` keeps it from activating itself"
        yield Finding(WARN, "other tools", f"the conda environment {prefix} is active", step)


def check_aliases(context: DoctorContext) -> Iterator[Finding]:
    """Check that every alias links to an interpreter."""
    links = sorted(context.home.aliases.glob("*"))
    for link in links:
        if not (link / "bin").is_dir():
            yield Finding(FAIL, "aliases", f"{link} is a broken link", f"run `envmgr install {link.name}`")
    if links and all((link / "bin").is_dir() for link in links):
        yield Finding(OK, "aliases", f"{len(links)} link to an interpreter")


def check_interpreters(context: DoctorContext) -> Iterator[Finding]:
    """Check that every installed interpreter starts and has the version of its name."""
    builds = Store(context.home)
    found = [builds.interpreter(build) for build in sorted(builds.builds(), reverse=True)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        for interpreter, problem in zip(
            found, pool.map(lambda one: _problem(one, context.environ), found), strict=True
        ):
            if problem:
                yield Finding(
                    FAIL, "pythons", f"{interpreter.build}: {problem}", interpreter.missing_error().hint or ""
                )
            elif interpreter.replaced:
                path = interpreter.receipt_value("path")
                yield Finding(WARN, "pythons", f"{path} was replaced since it was linked", f"run `envmgr link {path}`")
            else:
                yield Finding(OK, "pythons", f"{interpreter.build} starts")
    if not found:
        yield Finding(WARN, "pythons", "none is installed", _INSTALL_STEP)


def _problem(interpreter: Interpreter, environ: Mapping[str, str]) -> str:
    """Return why an interpreter cannot be used, an empty string where it can."""
    try:
        found = probe(interpreter.executable, environ, timeout=_START_TIMEOUT)
    except EnvmgrError as error:
        return error.message
    same = found.version == str(interpreter.build.version) or found.implementation != "cpython"
    return "" if same else f"reports version {found.version}"


_REMEDIES = {
    "broken": "run `envmgr use` in it",
    "orphaned": "if the project was moved, run `envmgr use` there; else run `envmgr env remove --all-missing`",
    "changed": "run `envmgr env repair --all`",
}


def check_environments(context: DoctorContext) -> Iterator[Finding]:
    """Check that every environment works and has a project."""
    count = 0
    for environment in record.environments(context.home):
        state = check_health(context.home, environment, thorough=True)
        if state.reason:
            name = f"{environment.name}/{environment.key} of {environment.project}"
            yield Finding(WARN, "environments", f"{name}: {state.reason.partition(';')[0]}", _REMEDIES[state.state])
        else:
            count += 1
    if count:
        yield Finding(OK, "environments", f"{count} work")
