"""Templates: what environments are cloned from, one per interpreter build and home. The one home of virtualenv.

virtualenv is imported only when a template must be built; that takes a second or two, a clone some hundredths.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from envmgr import __version__
from envmgr.environments import scripts
from envmgr.errors import EnvironmentFailedError
from envmgr.host.paths import Environ, Home
from envmgr.pythons.store import Interpreter

ACTIVATORS = "bash,cshell,fish,nushell,powershell,python,xonsh"
_OLDEST = (3, 6)  # what virtualenv's discovery still understands
_OLDEST_SEEDED = (3, 9)  # what virtualenv still brings a pip for; below, the interpreter's own ensurepip does it

_OLDEST_PATCHED = (3, 8)  # what understands virtualenv's patch of distutils, which every start would complain about


@dataclass(frozen=True)
class Base:
    """What an environment runs on: `python` by the path that it remembers, and the `key` that names it.

    For an installed build that path goes through its alias, so that environments follow patch upgrades; for a linked
    interpreter it is the foreign program itself, and the key is the build.
    """

    interpreter: Interpreter
    python: Path
    key: str


def base(home: Home, interpreter: Interpreter) -> Base:
    """Return what an environment on `interpreter` runs on; raises EnvironmentFailedError where none can."""
    version = interpreter.build.version
    if version.release[:2] < _OLDEST:
        raise EnvironmentFailedError(
            f"environments cannot be made for Python {version}",
            hint="virtualenv supports 3.6 and newer; `envmgr run -p` and the shims still run this Python itself",
        )
    if interpreter.linked:
        found = Base(interpreter, Path(os.path.realpath(interpreter.executable)), str(interpreter.build))
    else:
        found = Base(interpreter, home.aliases / interpreter.alias / "bin" / "python", interpreter.alias)
    if not os.access(found.python, os.X_OK):
        raise EnvironmentFailedError(
            f"Python {interpreter.build} is gone: {found.python} does not run",
            hint="install it again, or `envmgr uninstall` it",
        )
    if "\n" in str(found.python):
        raise EnvironmentFailedError(
            f"{str(found.python)!a}: {scripts.CONFIG} cannot hold a path with a line break",
            hint="set ENVMGR_HOME to another directory",
        )
    return found


def place(home: Home, base: Base, *, pip: bool) -> Path:
    """Return where the template for `base` is, or would be; the name changes with all that goes into it."""
    seed = hashlib.sha256(f"{base.python}\n{base.interpreter.build}\n{__version__}".encode(errors="surrogateescape"))
    family = f"{base.key}-pip" if pip else base.key
    return home.templates / f"{family}-{seed.hexdigest()[:12]}"


def ensure(home: Home, base: Base, environ: Environ, *, pip: bool) -> Path:
    """Return the template for `base`, with or without pip, building it if need be; call it under the store's lock.

    Raises EnvironmentFailedError.
    """
    template = place(home, base, pip=pip)
    family = template.name.rpartition("-")[0]
    if template.is_dir():
        return template
    from envmgr.host import process

    staged = home.tmp / f"template-{os.getpid()}"
    try:
        _make(staged / "env", base, staged, process.plain(environ), pip=pip)
        home.templates.mkdir(parents=True, exist_ok=True)
        for old in home.templates.glob(f"{family}-" + "[0-9a-f]" * 12):
            old.rename(staged / old.name)
        (staged / "env").rename(template)
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or home.templates}: {error.strerror}") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return template


def _make(path: Path, base: Base, scratch: Path, environ: Environ, *, pip: bool) -> None:
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
            data = scripts.blank(file.name, file.read_bytes(), path)
            file.write_bytes(data.replace(os.fsencode(base.interpreter.prefix), os.fsencode(base.python.parent.parent)))
    _configure(path / scripts.CONFIG, base)
    _compile(path, environ)


def _virtualenv(path: Path, base: Base, scratch: Path, environ: Environ, *, seeded: bool) -> None:
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
    except (Exception, SystemExit) as error:  # its errors have no common class
        raise EnvironmentFailedError(f"virtualenv failed for {base.python}: {error}") from error


def _point(commands: Path, python: Path) -> None:
    """Make `python` a link to the base, by the path that it shall be remembered by."""
    for link in [entry for entry in commands.iterdir() if entry.is_symlink()]:
        link.unlink()
        link.symlink_to(python if link.name == "python" else "python")


def _configure(config: Path, base: Base) -> None:
    """Let `pyvenv.cfg` name the base by that path too; what is only about our staging goes."""
    home = base.python.parent
    ours = {
        "home": home,
        "executable": base.python,
        "base-prefix": home.parent,
        "base-exec-prefix": home.parent,
        "base-executable": base.python,
    }
    lines = []
    for line in config.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(" = ")
        if name != "command":
            lines.append(f"{name} = {ours.get(name, value)}\n")
    config.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")


def _compile(path: Path, environ: Environ) -> None:
    """Byte-compile what is installed, on all processors, so that the first `pip` of each clone is fast too."""
    if libraries := sorted(path.glob("lib/*/site-packages/*")):
        from envmgr.host import process

        options = ("-I", "-m", "compileall", "-q", "-j", "0")
        process.run([path / "bin" / "python", *options, *libraries], environ=environ)  # what fails is for other Pythons


def _checked(argv: list[str | Path], environ: Environ) -> None:
    from envmgr.host import process

    outcome = process.run(argv, environ=environ)
    if outcome.code:
        lines = outcome.text.strip().splitlines()
        raise EnvironmentFailedError(
            f"{' '.join(map(str, argv))}: exit code {outcome.code}", hint="\n".join(lines[-5:]) or None
        )
