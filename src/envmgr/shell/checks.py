"""What `envmgr doctor` looks at, one function a subject; each yields findings and changes nothing.

Whether the hook is loaded cannot be seen from outside a shell. So the function `envmgr` of the hooks tells it, for that
one call, in `_ENVMGR_SHELL`: the shell's name and process. A process that is not above ours told it to somebody else.
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
HOOKED = SHELL
_PATIENCE = 20.0  # seconds for a Python to start
_FIRST = "run `envmgr install 3.13` or `envmgr link --from pyenv`"
_ANEW = "run `envmgr setup`, which writes it anew"
_BENDING = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "__PYVENV_LAUNCHER__")
_PYTHONS = ("python", "python3", "pip", "pip3")
# tool -> a variable that its hook exports, and a directory on PATH of its shims, each as a part of the text
_NEIGHBOURS = {
    "pyenv": ("PYENV_SHELL", "/.pyenv/shims"),
    "mise": ("__MISE_SESSION", "/mise/shims"),
    "asdf": ("ASDF_DIR", "/.asdf/shims"),
    "direnv": ("DIRENV_DIFF", ""),
    "conda": ("CONDA_SHLVL", "/condabin"),
}


@dataclass(frozen=True)
class Finding:
    """What one check saw: `state` is ok, warn or fail; `step` is what to do next, empty when nothing is."""

    state: str
    subject: str
    message: str
    step: str = ""


@dataclass(frozen=True)
class DoctorContext:
    """Where the checks are made: one store, as one process of one shell sees it.

    `active` is what is active in its directory, or why that cannot be told.
    """

    home: Home
    environ: Environ
    shell: Shell | None
    active: ActivePython | EnvmgrError | None = None

    @property
    def path(self) -> list[str]:
        """The entries of PATH that mean something."""
        return [entry for entry in self.environ.get("PATH", "").split(os.pathsep) if entry]


def doctor_context(home: Home, environ: Environ, directory: Path) -> DoctorContext:
    """Return the scene of this process in `directory`; its shell is None where that has no hook."""
    here: ActivePython | EnvmgrError
    try:
        here = active_python(home, directory, environ)
    except EnvmgrError as error:
        here = error
    try:
        return DoctorContext(home, environ, shells.shell_named(detect.current_shell(environ)), here)
    except EnvmgrError:
        return DoctorContext(home, environ, None, here)


def run_checks(scene: DoctorContext) -> Iterator[Finding]:
    """Yield what all checks see."""
    checks = (store, files, launcher, rc, hook, path, here, variables, neighbours, aliases, interpreters, environments)
    for check in checks:
        yield from check(scene)


def store(scene: DoctorContext) -> Iterator[Finding]:
    """Whether the store is there, is ours, and can be written."""
    root = scene.home.root
    try:
        ownership.ensure_usable(scene.home)
    except UsageError as error:
        yield Finding(FAIL, "store", error.message, error.hint or "")
        return
    if not root.exists():
        yield Finding(WARN, "store", f"{root} does not exist yet", _FIRST)
    elif not os.access(root, os.W_OK | os.X_OK):
        yield Finding(FAIL, "store", f"{root} cannot be written", "give yourself the right to, or set ENVMGR_HOME")
    else:
        yield Finding(OK, "store", str(root))


def files(scene: DoctorContext) -> Iterator[Finding]:
    """Whether the shell files in the store are those of this envmgr."""
    stale = sorted(file.name for file in shims.files().iterdir() if _differs(file, scene.home.shell / file.name))
    if stale:
        yield Finding(WARN, "shell files", f"not those of this envmgr: {', '.join(stale)}", "run `envmgr setup`")
    else:
        yield Finding(OK, "shell files", str(scene.home.shell))


def _differs(ours: Path, published: Path) -> bool:
    if not ours.is_file() or ours.suffix == ".md":
        return False
    try:
        return ours.read_bytes() != published.read_bytes()
    except OSError:
        return True


def launcher(scene: DoctorContext) -> Iterator[Finding]:
    """Whether what shims and hooks call does start."""
    program = scene.home.shell / shims.LAUNCHER
    try:
        done = process.run([program, "--version"], environ=scene.environ, timeout=_PATIENCE)
    except EnvmgrError as error:
        yield Finding(FAIL, "launcher", error.message, _ANEW)
        return
    if done.code == 0:
        yield Finding(OK, "launcher", f"{program} starts {done.text.strip()}")
    else:
        yield Finding(FAIL, "launcher", f"{program}: {done.text.strip()[-200:]}", _ANEW)


def rc(scene: DoctorContext) -> Iterator[Finding]:
    """Whether the rc files of the shell load the hook."""
    if scene.shell is None:
        yield Finding(WARN, "rc file", "this shell has no hook", f"there is one for {', '.join(SHELLS)}")
        return
    step = f"run `envmgr setup {scene.shell.name}`"
    for file in scene.shell.select_files(scene.shell.rc_files(scene.environ)):
        try:
            edit = setup.plan_addition(file, scene.shell.line(scene.home))
        except EnvmgrError as error:
            yield Finding(WARN, "rc file", error.message, error.hint or "")
            continue
        if edit.before == edit.after or (edit.before and str(scene.shell.hook(scene.home)) in edit.before):
            yield Finding(OK, "rc file", f"{file} loads the hook")
        else:
            yield Finding(WARN, "rc file", f"{file} does not load the hook", step)


def hook(scene: DoctorContext) -> Iterator[Finding]:
    """Whether the hook is loaded in the shell that called us, and on."""
    name, _, pid = scene.environ.get(HOOKED, "").partition(" ")
    if pid in map(str, detect.process_ids(os.getpid(), scene.environ)):
        if scene.environ.get(HOOK) == "off":
            yield Finding(WARN, "hook", f"loaded in this {name}, and off", "unset ENVMGR_HOOK")
        else:
            yield Finding(OK, "hook", f"loaded in this {name}")
    elif scene.shell:
        yield Finding(
            WARN,
            "hook",
            f"not loaded in this {scene.shell.name}",
            f"open a new one, or run here: {scene.shell.load(scene.home)}",
        )


def path(scene: DoctorContext) -> Iterator[Finding]:
    """Whether the shims come before every other Python on PATH."""
    entries = scene.path
    if str(scene.home.shims) not in entries:
        step = f"run `envmgr setup`, open a new shell; in scripts: PATH={scene.home.shims}:$PATH"
        yield Finding(FAIL, "PATH", f"{scene.home.shims} is not on PATH", step)
        return
    before = [entry for entry in entries[: entries.index(str(scene.home.shims))] if not _ours(scene, entry)]
    shadows = [f"{entry}/{name}" for entry in before for name in _PYTHONS if os.access(f"{entry}/{name}", os.X_OK)]
    if shadows:
        more = f" and {len(shadows) - 3} more" if len(shadows) > 3 else ""  # noqa: PLR2004 - the first are the ones to move
        step = "put what adds that to PATH before envmgr's line in your rc file"
        if any(entry == f"{scene.environ.get('VIRTUAL_ENV')}/bin" for entry in before):
            step = "an environment that you activated yourself; `deactivate` leaves it"
        yield Finding(WARN, "PATH", f"before the shims: {', '.join(shadows[:3])}{more}", step)
    else:
        yield Finding(OK, "PATH", "no other python or pip comes before the shims")


def _ours(scene: DoctorContext, entry: str) -> bool:
    """Whether an entry of PATH is an environment of ours, or the one that is active here because it was allowed."""
    allowed = scene.active.external if isinstance(scene.active, ActivePython) else None
    return Path(entry).is_relative_to(scene.home.envs) or (allowed is not None and Path(entry) == allowed.bin)


def here(scene: DoctorContext) -> Iterator[Finding]:
    """Whether the pin of this directory is understood, and an allowed `.venv` answers it."""
    if isinstance(scene.active, EnvmgrError):
        yield Finding(FAIL, "directory", scene.active.message, scene.active.hint or "")
    elif scene.active and scene.active.problem:
        yield Finding(FAIL, "directory", scene.active.problem.message, scene.active.problem.hint or "")
    elif scene.active and scene.active.mismatch:
        yield Finding(WARN, "directory", scene.active.mismatch, "make the .venv anew, or `envmgr deny` it")
    elif scene.active and scene.active.external:
        yield Finding(OK, "directory", f"{scene.active.external.path} is active, as you allowed")


def variables(scene: DoctorContext) -> Iterator[Finding]:
    """Whether variables bend every Python."""
    for name in _BENDING:
        if value := scene.environ.get(name):
            yield Finding(WARN, "variables", f"{name}={value} bends every Python", f"unset {name}")


def neighbours(scene: DoctorContext) -> Iterator[Finding]:
    """Which other tools have a hook, or shims, here; they may stay."""
    for tool, (variable, folder) in _NEIGHBOURS.items():
        if scene.environ.get(variable):
            yield Finding(OK, "neighbours", f"{tool} has its hook in this shell")
        elif folder and any(entry.rstrip("/").endswith(folder) for entry in scene.path):
            yield Finding(OK, "neighbours", f"{tool} is on PATH")
    if prefix := scene.environ.get("CONDA_PREFIX"):
        step = "`conda config --set auto_activate_base false` keeps it from activating itself"
        yield Finding(WARN, "neighbours", f"the conda environment {prefix} is active", step)


def aliases(scene: DoctorContext) -> Iterator[Finding]:
    """Whether every alias leads to a Python."""
    links = sorted(scene.home.aliases.glob("*"))
    for link in links:
        if not (link / "bin").is_dir():
            yield Finding(FAIL, "aliases", f"{link} leads nowhere", f"run `envmgr install {link.name}`")
    if links and all((link / "bin").is_dir() for link in links):
        yield Finding(OK, "aliases", f"{len(links)} lead to a Python")


def interpreters(scene: DoctorContext) -> Iterator[Finding]:
    """Whether every installed Python starts, and is the version that its name says."""
    builds = Store(scene.home)
    found = [builds.interpreter(build) for build in sorted(builds.builds(), reverse=True)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        for interpreter, problem in zip(found, pool.map(lambda one: _problem(one, scene.environ), found), strict=True):
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
        yield Finding(WARN, "pythons", "none is installed", _FIRST)


def _problem(interpreter: Interpreter, environ: Mapping[str, str]) -> str:
    """Return why an interpreter cannot be used, empty when it can."""
    try:
        said = probe(interpreter.executable, environ, patience=_PATIENCE)
    except EnvmgrError as error:
        return error.message
    right = said.version == str(interpreter.build.version) or said.implementation != "cpython"
    return "" if right else f"says that it is {said.version}"


_REMEDIES = {
    "broken": "run `envmgr use` in it",
    "orphaned": "if it was moved, run `envmgr use` where it is now; else run `envmgr env remove --all-missing`",
    "changed": "run `envmgr env repair --all`",
}


def environments(scene: DoctorContext) -> Iterator[Finding]:
    """Whether every environment works and has a project."""
    count = 0
    for environment in record.environments(scene.home):
        state = check_health(scene.home, environment, thorough=True)
        if state.reason:
            place = f"{environment.name}/{environment.key} of {environment.project}"
            yield Finding(WARN, "environments", f"{place}: {state.reason.partition(';')[0]}", _REMEDIES[state.state])
        else:
            count += 1
    if count:
        yield Finding(OK, "environments", f"{count} in order")
