"""What a project may do on entering only after `envmgr allow` there: bring its own `.venv`, and set variables.

Granted by copying into the project's record folder what was shown to the user; hooks compare with builtins, and data is
all they read (docs/reference/state-on-disk.md):

- `.allowed`: the real path of the environment and that of its Python, a line each, empty where none was granted; then
  the names of the variables, a line each;
- `.copies/`: the environment's pyvenv.cfg and the files that the variables were read from, verbatim;
- `.variables/<NAME>`: the value of one variable.

What differs from its copy is not allowed any more.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envmgr.environments import record, ties
from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import config, process
from envmgr.host.paths import Environ, Home
from envmgr.shell import dotenv

ALLOWED, COPIES, VARIABLES = ".allowed", ".copies", ".variables"
CONFIG = "pyvenv.cfg"
_FILES = ("pyproject.toml", ".env")
_LIMIT = 256 * 1024  # bytes of a source; hooks read it on entering
# fmt: off
_STEERING = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "PROMPT_COMMAND",
    "PS0", "PS1", "PS2", "PS3", "PS4", "PROMPT", "RPROMPT", "ZDOTDIR", "FPATH", "CDPATH", "GLOBIGNORE", "EDITOR",
    "VISUAL", "PAGER", "TERMINFO", "TERMINFO_DIRS", "TERMCAP", "NODE_OPTIONS", "PERL5LIB", "PERL5OPT", "RUBYOPT",
    "RUBYLIB", "JAVA_TOOL_OPTIONS", "SSH_ASKPASS", "SUDO_ASKPASS",
})
_EVALUATED = frozenset({  # assigning to these evaluates in some shell, or does more than set a value
    "BASHPID", "COLUMNS", "DIRSTACK", "EGID", "EPOCHREALTIME", "EPOCHSECONDS", "ERRNO", "EUID", "FUNCNAME", "GID",
    "GROUPS", "HISTCMD", "HISTFILE", "HISTFILESIZE", "HISTSIZE", "KEYTIMEOUT", "LINENO", "LINES", "MAILCHECK", "OPTERR",
    "OPTIND", "PIPESTATUS", "PPID", "RANDOM", "SAVEHIST", "SECONDS", "SHLVL", "SRANDOM", "TMOUT", "TRY_BLOCK_ERROR",
    "TTYIDLE", "UID", "argv", "cdpath", "fpath", "history", "options", "path", "pipestatus", "status", "umask",
    "version",
})
# fmt: on
_STEERING_PREFIXES = ("LD_", "DYLD_", "GIT_", "ENVMGR_", "VIRTUAL_ENV", "PYTHON", "BASH_FUNC_", "fish_", "__")


@dataclass(frozen=True)
class Offer:
    """What the project in `folder` would like to do on entering: activate its `venv`, set `variables` of `sources`."""

    folder: Path
    venv: Path | None = None
    config: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def maker(self) -> str:
        """Who made the `.venv`, by the marks that tools leave in pyvenv.cfg."""
        keys = {line.partition("=")[0].strip() for line in self.config.splitlines()}
        return next((tool for tool in ("uv", "virtualenv") if tool in keys), "venv")

    @property
    def steering(self) -> list[str]:
        """The names among the variables that steer shells, loaders or interpreters, sorted."""
        return sorted(name for name in self.variables if name in _STEERING or name.startswith(_STEERING_PREFIXES))


def offer(home: Home, folder: Path, environ: Environ) -> Offer:
    """Read, as data, what the project in `folder` offers; raises UsageError for what is unsafe or not understood."""
    venv, text = _foreign(home, folder)
    if venv and _tracked(folder, environ):
        raise UsageError(
            f"{folder / record.LINK}: tracked by git, so every pull may put programs on PATH",
            hint="run `git rm -r --cached .venv`, ignore it, and make it anew",
        )
    variables: dict[str, str] = {}
    sources: dict[str, str] = {}
    for name in _FILES:
        source = folder / name
        if not source.is_file():
            continue
        content = _read(source)
        found = dotenv.parse(content, source) if name == ".env" else _table(content, source)
        if refused := sorted(_EVALUATED.intersection(found)):
            raise UsageError(f"{source}: {', '.join(refused)} belong to the shell itself", hint="give them other names")
        if found:
            variables |= found
            sources[name] = content
    return Offer(folder, venv, text, variables, sources)


def _table(content: str, source: Path) -> dict[str, str]:
    """Return `[tool.envmgr.env]`: names to strings or whole numbers."""
    table = config.table(config.parse(content, source), source, "tool", "envmgr", "env")
    for name, value in table.items():
        if not dotenv.NAME.fullmatch(name) or not _plain(value):
            raise UsageError(
                f"{source}: [tool.envmgr.env] {name!a} must be a name with a string or a whole number",
                hint='write it as NAME = "value"',
            )
    return {name: str(value) for name, value in table.items()}


def _plain(value: object) -> bool:
    """Whether a TOML value can be a variable's: text without NUL, or an integer of 64 bits, as TOML has them."""
    if isinstance(value, str):
        return "\0" not in value
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64  # noqa: PLR2004


def _foreign(home: Home, folder: Path) -> tuple[Path | None, str]:
    """Return the real path and the pyvenv.cfg of a `.venv` that is not ours, or (None, "")."""
    place = folder / record.LINK
    real = Path(os.path.realpath(place))
    if not (real / CONFIG).is_file() or real.is_relative_to(os.path.realpath(home.envs)):
        return None, ""
    for place in (real / "bin", real):
        check_owner(place)
    return real, _read(real / CONFIG)


def _tracked(folder: Path, environ: Environ) -> bool:
    """Whether git tracks anything in the project's `.venv`; the repository's own configuration must not run programs.

    Raises CommandNotFoundError or UsageError in a repository where there is no git to ask, or it will not answer.
    """
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return False
    careful = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    outcome = process.run([*careful, "ls-files", "--", record.LINK], environ=environ, cwd=folder)
    if outcome.code:
        raise UsageError(f"{folder}: git does not tell what it tracks: {outcome.text.strip()}")
    return bool(outcome.text)


def _read(path: Path) -> str:
    """Return a small text file that belongs to us and that nobody else can write; raises UsageError otherwise."""
    check_owner(path)
    with path.open("rb") as file:
        data = file.read(_LIMIT + 1)
    if len(data) > _LIMIT or b"\0" in data:
        raise UsageError(f"{path}: too large, or not text", hint=f"at most {_LIMIT // 1024} KiB are read")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text") from None


def check_owner(path: Path, *, user: int | None = None, group: int | None = None) -> None:
    """Raise UsageError unless `path` and its directory are ours (or root's) and closed to other writers.

    We are `user` and `group`, by default those of this process.
    A directory that others may write to is fine where it is sticky and the entry is ours; and so is what our own group
    may write to: many systems give each user a private one, and a umask of 002.
    """
    us, ours = os.geteuid() if user is None else user, os.getegid() if group is None else group
    for place in (path, path.parent):
        step = f"run `chmod go-w {shlex.quote(str(place))}` first"
        status = place.stat()
        foreign = stat.S_IWOTH if status.st_gid == ours else stat.S_IWOTH | stat.S_IWGRP
        others = status.st_mode & foreign and not (place != path and status.st_mode & stat.S_ISVTX)
        if status.st_uid not in (us, 0):
            raise UsageError(f"{place}: belongs to another user", hint="only what is yours can be allowed")
        if others:
            raise UsageError(f"{place}: other users can write to it", hint=step)


def allow(home: Home, offered: Offer, *, unsafe: bool = False) -> None:
    """Grant what `offered` holds; raises UsageError for variables that steer the shell unless `unsafe`."""
    if offered.steering and not unsafe:
        raise UsageError(
            f"{offered.folder}: sets {', '.join(offered.steering)}, which steer the shell or its programs",
            hint="remove them, or allow them with --unsafe",
        )
    base = os.path.realpath(offered.venv / "bin" / "python") if offered.venv else ""
    lines = [str(offered.venv or ""), base, *offered.variables]
    if any("\n" in line for line in lines):
        raise UsageError(f"{str(offered.venv)!a}: a path with a line break cannot be allowed")
    deny(home, offered.folder)
    folder = record.records(home, _real(offered.folder))
    copies = {**offered.sources, CONFIG: offered.config} if offered.venv else offered.sources
    try:
        ties.enter(home, offered.folder)
        _write(folder / COPIES, copies)
        _write(folder / VARIABLES, offered.variables)
        staged = folder / f"{ALLOWED}.{os.getpid()}"
        staged.write_bytes(b"".join(os.fsencode(line) + b"\n" for line in lines))
        staged.replace(folder / ALLOWED)
    except OSError as error:
        raise EnvmgrError(f"{folder}: {error.strerror}", hint="nothing was allowed") from error


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())


@dataclass(frozen=True)
class Grant:
    """What is allowed in a directory and still is what was shown: its own environment, and variables.

    `place` is the directory that it was allowed in, None where nothing was.
    """

    venv: Path | None
    variables: Mapping[str, str]
    place: Path | None = None


def granted(home: Home, directory: Path, project: Path | None, ceilings: Collection[Path] = ()) -> Grant:
    """Return what is allowed in the nearest directory from `directory` up to `project`, without what has changed."""
    for place in (directory, *directory.parents):
        if place in ceilings:
            break
        folder = record.records(home, _real(place))
        try:
            venv, python, *names = _lines(folder / ALLOWED)
            return Grant(
                _same_venv(folder, Path(venv), python) if venv else None, _same_variables(folder, place, names), place
            )
        except (OSError, ValueError):
            if place == project:
                break
    return Grant(None, {})


def _same_venv(folder: Path, venv: Path, python: str) -> Path | None:
    same = os.path.realpath(venv / "bin" / "python") == python
    return venv if same and _text(venv / CONFIG) == _text(folder / COPIES / CONFIG) else None


def _same_variables(folder: Path, place: Path, names: list[str]) -> dict[str, str]:
    copies = [folder / COPIES / name for name in _FILES if (folder / COPIES / name).exists()]
    if any(_text(place / copy.name) != _text(copy) for copy in copies):
        return {}
    return {name: os.fsdecode((folder / VARIABLES / name).read_bytes()) for name in names}


def _lines(file: Path) -> list[str]:
    r"""Return lines as shells read them: of any bytes, and ended by `\n` alone. Raises OSError."""
    return os.fsdecode(file.read_bytes()).removesuffix("\n").split("\n")


def _text(file: Path) -> bytes | None:
    try:
        return file.read_bytes() if file.is_file() else None  # a FIFO would never end
    except OSError:
        return None


def deny(home: Home, project: Path) -> bool:
    """Revoke all that was allowed in `project`; returns whether there was anything."""
    import shutil  # late: hooks and shims ask what is granted

    folder = record.records(home, _real(project))
    there = (folder / ALLOWED).exists()
    (folder / ALLOWED).unlink(missing_ok=True)
    for name in (COPIES, VARIABLES):
        shutil.rmtree(folder / name, ignore_errors=True)
    return there


def allowed(home: Home) -> Iterator[tuple[Path, list[str]]]:
    """Yield each project in which something is allowed, with what: an environment's path, names of variables."""
    for file in sorted(home.projects.rglob(f"{record.FOLDER}/{ALLOWED}")):
        if not file.parent.is_symlink():
            venv, _, *names = _lines(file)
            yield Path("/", file.parent.parent.relative_to(home.projects)), [venv, *names] if venv else names


def _real(folder: Path) -> Path:
    return Path(os.path.realpath(folder))
