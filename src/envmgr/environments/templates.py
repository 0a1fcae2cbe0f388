"""Making templates, the trees that environments are cloned from: one per store path and interpreter build.

The only module that imports virtualenv, and only when a template is made: that takes 1 to 2 seconds, a clone some
hundredths.
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
_OLDEST_SEEDED = (3, 9)  # virtualenv ships a pip for these; older ones use their own ensurepip
_OLDEST_PATCHED = (3, 8)  # older ones print an error about virtualenv's distutils patch at each start


def make_template(template: Path, home: Home, base: BasePython, environ: Environ, *, pip: bool) -> None:
    """Make the template for `base` and publish it as `template`, replacing its predecessors and a changed one.

    The caller must hold the store's lock. Raises EnvironmentFailedError.
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
    """Return the variables for programs of `base`; a linked interpreter must not write byte code beside its library."""
    variables = process.without_python_variables(environ)
    return variables | {"PYTHONDONTWRITEBYTECODE": "1"} if base.interpreter.linked else variables


def _make(path: Path, base: BasePython, scratch: Path, environ: Environ, *, pip: bool) -> None:
    """Make an environment at `path` with placeholders for its path and the alias in place of the base's real prefix."""
    seeded = pip and base.interpreter.build.version.release[:2] >= _OLDEST_SEEDED
    _virtualenv(path, base, scratch, environ, seeded=seeded)
    if base.interpreter.build.version.release[:2] < _OLDEST_PATCHED:
        for file in path.glob("lib/*/site-packages/_virtualenv.*"):
            file.unlink()
    if pip and not seeded:
        _run([path / "bin" / "python", "-m", "ensurepip", "--default-pip"], environ)
    _link_python(path / "bin", base.python)
    for file in (path / scripts.CONFIG, *(path / "bin").iterdir()):
        if not file.is_symlink():
            data = scripts.to_template(file.name, file.read_bytes(), path)
            file.write_bytes(data.replace(os.fsencode(base.interpreter.prefix), os.fsencode(base.prefix)))
    _configure(path / scripts.CONFIG, base)
    _compile(path, environ)
    _protect(path)


def _protect(path: Path) -> None:
    """Make the files that clones share read-only, and write the manifest."""
    for name, state in manifest.scan(path).files.items():
        if manifest.is_shared(name):
            (path / name).chmod(stat.S_IMODE(state[2]) & ~0o222)
    files.write_atomically(path / manifest.NAME, manifest.dump(manifest.scan(path)))


def _virtualenv(path: Path, base: BasePython, scratch: Path, environ: Environ, *, seeded: bool) -> None:
    """Run virtualenv for the directory `path`, with pip if `seeded`; raises EnvironmentFailedError."""
    import logging

    import virtualenv

    logging.getLogger("virtualenv").addHandler(logging.NullHandler())  # keeps its log off stderr
    options = ["--python", str(base.python), "--app-data", str(scratch / "app-data"), "--prompt", scripts.PROMPT]
    options += ["--no-venv-redirect", "--activators", ACTIVATORS]
    if not seeded:
        options.append("--no-seed")
    settings = {"VIRTUALENV_NO_PERIODIC_UPDATE": "1", "VIRTUALENV_CONFIG_FILE": str(scratch / "none.ini")}
    try:
        virtualenv.cli_run([*options, str(path)], setup_logging=False, env={**environ, **settings})
    except (Exception, SystemExit) as error:  # its errors have no common class; some contain a traceback as text
        reason = [type(error).__name__, *str(error).strip().splitlines()][-1]
        raise EnvironmentFailedError(f"virtualenv failed for {base.python}: {reason}") from error


def _link_python(commands: Path, python: Path) -> None:
    """Make `bin/python` a link to `python`, and the other names of the interpreter links to `bin/python`."""
    for link in [entry for entry in commands.iterdir() if entry.is_symlink()]:
        link.unlink()
        link.symlink_to(python if link.name == "python" else "python")


def _configure(config: Path, base: BasePython) -> None:
    """Write the paths of `base` into `pyvenv.cfg`, and remove the key `command`, which names the staging directory."""
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
    """Byte-compile the installed packages, on all processors, so that the first run of pip in a clone is fast."""
    if libraries := sorted(path.glob("lib/*/site-packages/*")):
        options = ("-I", "-B", "-m", "compileall", "-q", "-j", "0")
        process.run(
            [path / "bin" / "python", *options, *libraries], environ=environ
        )  # files that fail are for other Pythons


def _run(argv: list[str | Path], environ: Environ) -> None:
    """Run a program; raises EnvironmentFailedError with the end of its output where it fails."""
    outcome = process.run(argv, environ=environ)
    if outcome.code:
        lines = outcome.text.strip().splitlines()
        raise EnvironmentFailedError(
            f"{' '.join(map(str, argv))}: exit code {outcome.code}", hint="\n".join(lines[-5:]) or None
        )
