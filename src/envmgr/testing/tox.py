"""Reading tox's configuration, in any of its files, by tox itself: `tox config --format json`, translated into cells.

tox and tox-uv run in an environment of envmgr's own. Nothing of tox's language is parsed here, and no tox environment
is made. https://tox.wiki/en/latest/reference/config.html
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import config, process
from envmgr.host.paths import Environ
from envmgr.testing.cell import Cell, Command, Settings
from envmgr.versions.request import VersionRequest

KEYS = (
    *("base_python", "runner", "package", "deps", "constraints", "extras", "dependency_groups", "skip_install"),
    *("commands_pre", "commands", "commands_post", "set_env", "pass_env", "change_dir", "depends", "labels"),
    *("ignore_outcome", "platform", "env_dir", "env_tmp_dir", "env_log_dir", "use_develop", "pip_pre"),
    *("commands_retry", "no_default_groups", "only_groups"),
)
CORE = ("env_list", "skip_missing_interpreters")
_ANY_PYTHON = "3"  # for environments that have no Python in their name: the newest installed
_NAMED = re.compile(r"(?P<name>py|python|cpython|pypy)?-?(?P<version>\d[\d.]*)?(?P<variant>t|d|td)?")
_OWN = re.compile(r"PYTHONHASHSEED|VIRTUAL_ENV|PIP_\w+|UV_\w+|TOX_(?!ENV_NAME|ENV_DIR)\w+|__TOX\w+")
_PACKAGES = {
    "wheel": "wheel",
    "uv": "wheel",
    "sdist": "sdist",
    "sdist-wheel": "sdist",
    "editable": "editable",
    "editable-legacy": "editable",
    "uv-editable": "editable",
    "deps-only": "deps-only",
    "skip": "none",
}


@dataclass(frozen=True)
class Imported:
    """The cells of another runner's configuration; `default` names the cells of its default run."""

    cells: tuple[Cell, ...]
    default: tuple[str, ...]
    notes: tuple[str, ...]
    skip_missing: bool = False


def find(project: Path) -> Path | None:
    """Return the file of a project that configures tox, in tox's order, or None."""
    for name, section in (("tox.ini", "[tox"), ("setup.cfg", "[tox:tox]"), ("pyproject.toml", ""), ("tox.toml", "")):
        file = project / name
        if name == "pyproject.toml" and "tox" in config.table(config.read(file), file, "tool"):
            return file
        if name == "tox.toml" and file.is_file():
            return file
        if section and file.is_file() and section in file.read_text(encoding="utf-8", errors="replace"):
            return file
    return None


def command(program: Path, output: Path, work: Path, arguments: Sequence[str]) -> list[str]:
    """Return the command that writes the whole configuration to `output`; `work` takes the place of `.tox`.

    All environments are asked for, with the keys that cells need: others make tox-uv create environments.
    """
    options = ["-q", "--runner", "virtualenv", "--format", "json", "-o", str(output), "--workdir", str(work)]
    return [
        str(program),
        "config",
        *options,
        "--core",
        "-e",
        "ALL",
        "-k",
        *KEYS,
        *CORE,
        *(("--", *arguments) if arguments else ()),
    ]


def read(project: Path, program: Path, work: Path, environ: Environ, arguments: Sequence[str] = ()) -> Imported:
    """Return the cells of the project's tox configuration, read by the tox at `program`.

    Exit code 255 of tox means that some keys have errors and all others are right. Raises EnvmgrError.
    """
    work.mkdir(parents=True, exist_ok=True)
    output = work / "config.json"
    output.unlink(missing_ok=True)
    done = process.run(command(program, output, work, arguments), environ=environ, cwd=project, timeout=300)
    try:
        data = json.loads(output.read_text(encoding="utf-8"))
        environments, core = data["env"], data.get("tox", {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        text = done.text.strip()[-2000:]
        raise EnvmgrError(
            f"tox cannot read its configuration in {project} (exit code {done.code})",
            hint=f"{text}\n`envmgr run tox` runs tox itself, on the same Pythons".strip(),
        ) from error
    return translate(environments, core, project)


def translate(environments: Mapping[str, Any], core: Mapping[str, Any], project: Path) -> Imported:
    """Return the cells for tox's environments; raises UsageError for a malformed configuration."""
    notes: list[str] = []
    cells = []
    for name, keys in environments.items():
        if name.startswith("."):  # environments that tox packages in
            continue
        problems = list(_problems(name, keys))
        notes += problems
        if not problems:
            cells.append(_cell(name, keys, project))
    names = {cell.name for cell in cells}
    cells = [_without_unknown_dependencies(cell, names) for cell in cells]
    listed = core.get("env_list")
    default = tuple(name for name in listed if name in names) if isinstance(listed, list) else tuple(names)
    return Imported(tuple(cells), default, tuple(notes), core.get("skip_missing_interpreters") is True)


def _problems(name: str, keys: Mapping[str, Any]) -> Iterator[str]:
    """Yield why an environment cannot be run as a cell."""
    for key, value in keys.items():
        if isinstance(value, dict) and "error" in value and key != "set_env":
            yield f"{name}: tox cannot resolve {key}: {value['error']}"
    platform = keys.get("platform")
    if platform and isinstance(platform, str) and not re.search(platform, sys.platform):
        yield f"{name}: for {platform}, not for {sys.platform}"
    if not any(keys.get(key) for key in ("commands_pre", "commands", "commands_post")):
        yield f"{name}: has no commands"
    package = keys.get("package")
    if isinstance(package, str) and package not in _PACKAGES and not keys.get("skip_install"):
        yield f"{name}: package = {package} is not supported; `envmgr run tox -e {name}` runs it"


def _cell(name: str, keys: Mapping[str, Any], project: Path) -> Cell:
    move = _mover(keys)
    locked = "lock" in str(keys.get("runner", ""))
    deps = [move(each) for each in _texts(keys, "deps") if each.strip()]
    settings = Settings(
        groups=tuple(_texts(keys, "only_groups") or _texts(keys, "dependency_groups")),
        extras=tuple(_texts(keys, "extras")),
        deps=(*deps, *(["--pre"] if keys.get("pip_pre") and deps else [])),
        constraints=tuple(os.path.relpath(project / each, project) for each in _texts(keys, "constraints")),
        env={key: move(str(value)) for key, value in dict(keys.get("set_env", {})).items() if not _OWN.fullmatch(key)},
        pass_env=tuple(_texts(keys, "pass_env")),
        cwd=_directory(keys, project),
        commands=_commands(keys, "commands", move),
        commands_before=_commands(keys, "commands_pre", move),
        commands_after=_commands(keys, "commands_post", move),
        package=_package(keys),
        lock=locked,
        retries=keys.get("commands_retry") or 0,
        allow_failure=bool(keys.get("ignore_outcome")),
        labels=tuple(_texts(keys, "labels")),
        depends=tuple(_texts(keys, "depends")),
    )
    return Cell(name, _python(_texts(keys, "base_python")), {}, settings)


def _texts(keys: Mapping[str, Any], key: str) -> list[str]:
    value = keys.get(key)
    found = value if isinstance(value, list) else [] if value is None else [value]
    return [each for each in found if isinstance(each, str)]


def _mover(keys: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a function from text to text
    """Return the function that puts the cell's own directories in the place of tox's.

    The temporary directory comes first: it may be inside the environment's, or beside it.
    """
    pairs = [(str(keys.get(key) or ""), ours) for key, ours in _MOVED]

    def move(text: str) -> str:
        for theirs, ours in pairs:
            if theirs:
                text = text.replace(theirs, ours)
        return text

    return move


_MOVED = (("env_tmp_dir", "{tmp}"), ("env_log_dir", "{tmp}/log"), ("env_dir", "{environment}"))


def _commands(keys: Mapping[str, Any], key: str, move: Any) -> tuple[Command, ...]:  # noqa: ANN401
    """Return commands, which tox prints as quoted lines; prefixes are words of their own."""
    try:
        return tuple(tuple(move(word) for word in shlex.split(line)) for line in _texts(keys, key) if line.strip())
    except ValueError as error:
        raise UsageError(f"tox: {key}: {error}") from error


def _package(keys: Mapping[str, Any]) -> str:
    if keys.get("skip_install"):
        return "none"
    return "editable" if keys.get("use_develop") else _PACKAGES.get(str(keys.get("package", "sdist")), "wheel")


def _directory(keys: Mapping[str, Any], project: Path) -> str:
    """Return the directory of the commands, relative to the project where it is in it."""
    text = str(keys.get("change_dir") or project)
    return os.path.relpath(text, project) if Path(text).is_relative_to(project) else _mover(keys)(text)


def _python(names: Sequence[str]) -> str:
    """Return the request for tox's `base_python`: `py312`, `python3.12`, `3.12`, `pypy3.11`; a path is tox's own."""
    for name in names:
        found = _NAMED.fullmatch(name)
        if found and found["version"]:
            version = found["version"]
            if "." not in version and len(version) > 1:
                version = f"{version[0]}.{version[1:]}"
            word = f"{'pypy' if found['name'] == 'pypy' else ''}{version}{found['variant'] or ''}"
            VersionRequest.parse(word)
            return word
    return _ANY_PYTHON


def _without_unknown_dependencies(cell: Cell, names: set[str]) -> Cell:
    from dataclasses import replace
    from fnmatch import fnmatchcase

    known = [each for each in cell.settings.depends if any(fnmatchcase(name, each) for name in names - {cell.name})]
    return replace(cell, settings=replace(cell.settings, depends=tuple(known)))
