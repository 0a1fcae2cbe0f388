"""Templates: what environments are cloned from, one per interpreter build and home. The one home of virtualenv.

virtualenv is imported only when a template must be built; that takes a second or two, a clone some hundredths.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from envmgr.environments import manifest, scripts
from envmgr.environments.base_interpreter import BasePython
from envmgr.errors import EnvironmentFailedError
from envmgr.host import files, process
from envmgr.host.paths import Environ, Home

ACTIVATORS = "bash,cshell,fish,nushell,powershell,python,xonsh"
_OLDEST_SEEDED = (3, 9)  # what virtualenv still brings a pip for; below, the interpreter's own ensurepip does it
_OLDEST_PATCHED = (3, 8)  # what understands virtualenv's patch of distutils, which every start would complain about


def make_template(template: Path, home: Home, base: BasePython, environ: Environ, *, pip: bool) -> None:
    """Make the template that belongs at `template`, in place of its predecessors and of one that was changed.

    Call it under the store's lock.

    Raises EnvironmentFailedError.
    """
    staged = home.tmp / f"template-{os.getpid()}"
    try:
        _make(staged / "env", base, staged, _environ(environ, base), pip=pip)
        home.templates.mkdir(parents=True, exist_ok=True)
        for old in home.templates.glob(f"{base.name_prefix(pip=pip)}-" + "[0-9a-f]" * 12):
            old.rename(staged / old.name)
        (staged / "env").rename(template)
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or home.templates}: {error.strerror}") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _environ(environ: Environ, base: BasePython) -> Environ:
    """Return what programs are started with; those of a linked interpreter write no byte code into what is not ours."""
    plain = process.without_python_variables(environ)
    return plain | {"PYTHONDONTWRITEBYTECODE": "1"} if base.interpreter.linked else plain


def _make(path: Path, base: BasePython, scratch: Path, environ: Environ, *, pip: bool) -> None:
    """Make an environment at `path`; put marks where it holds its own path, and the base's alias for its prefix."""
    seeded = pip and base.interpreter.build.version.release[:2] >= _OLDEST_SEEDED
    _virtualenv(path, base, scratch, environ, seeded=seeded)
    if base.interpreter.build.version.release[:2] < _OLDEST_PATCHED:
        for file in path.glob("lib/*/site-packages/_virtualenv.*"):
            file.unlink()
    if pip and not seeded:
        _checked([path / "bin" / "python", "-m", "ensurepip", "--default-pip"], environ)
    _point(path / "bin", base.python)
    for file in (path / scripts.CONFIG, *(path / "bin").iterdir()):
        if not file.is_symlink():
            data = scripts.to_template(file.name, file.read_bytes(), path)
            file.write_bytes(data.replace(os.fsencode(base.interpreter.prefix), os.fsencode(base.prefix)))
    _configure(path / scripts.CONFIG, base)
    _compile(path, environ)
    _protect(path)


def _protect(path: Path) -> None:
    """Make what clones share read-only, and write down how every file is now: nobody but an installer changes them."""
    for name, state in manifest.scan(path).files.items():
        if manifest.is_shared(name):
            (path / name).chmod(stat.S_IMODE(state[2]) & ~0o222)
    files.write_atomically(path / manifest.NAME, manifest.dump(manifest.scan(path)))


def _virtualenv(path: Path, base: BasePython, scratch: Path, environ: Environ, *, seeded: bool) -> None:
    import logging

    import virtualenv

    logging.getLogger("virtualenv").addHandler(logging.NullHandler())  # what it skips is skipped for clones, too
    options = ["--python", str(base.python), "--app-data", str(scratch / "app-data"), "--prompt", scripts.PROMPT]
    options += ["--no-venv-redirect", "--activators", ACTIVATORS]
    if not seeded:
        options.append("--no-seed")
    settings = {"VIRTUALENV_NO_PERIODIC_UPDATE": "1", "VIRTUALENV_CONFIG_FILE": str(scratch / "none.ini")}
    try:
        virtualenv.cli_run([*options, str(path)], setup_logging=False, env={**environ, **settings})
    except (Exception, SystemExit) as error:  # its errors have no common class; some hold a traceback as text
        reason = [type(error).__name__, *str(error).strip().splitlines()][-1]
        raise EnvironmentFailedError(f"virtualenv failed for {base.python}: {reason}") from error


def _point(commands: Path, python: Path) -> None:
    """Make `python` a link to the base, by the path that it shall be remembered by."""
    for link in [entry for entry in commands.iterdir() if entry.is_symlink()]:
        link.unlink()
        link.symlink_to(python if link.name == "python" else "python")


def _configure(config: Path, base: BasePython) -> None:
    """Let `pyvenv.cfg` name the base by that path too; what is only about our staging goes."""
    ours = {
        "home": base.python.parent,
        "executable": base.python,
        "base-prefix": base.prefix,
        "base-exec-prefix": base.prefix,
        "base-executable": base.python,
    }
    lines = []
    for line in config.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        name, _, value = line.partition(" = ")
        if name != "command":
            lines.append(f"{name} = {ours.get(name, value)}\n")
    config.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")


def _compile(path: Path, environ: Environ) -> None:
    """Byte-compile what is installed, on all processors, so that the first `pip` of each clone is fast too."""
    if libraries := sorted(path.glob("lib/*/site-packages/*")):
        options = ("-I", "-B", "-m", "compileall", "-q", "-j", "0")
        process.run([path / "bin" / "python", *options, *libraries], environ=environ)  # what fails is for other Pythons


def _checked(argv: list[str | Path], environ: Environ) -> None:
    outcome = process.run(argv, environ=environ)
    if outcome.code:
        lines = outcome.text.strip().splitlines()
        raise EnvironmentFailedError(
            f"{' '.join(map(str, argv))}: exit code {outcome.code}", hint="\n".join(lines[-5:]) or None
        )
