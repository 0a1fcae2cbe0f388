"""The matrix: `[tool.envmgr.test]` of a pyproject.toml, read into what has to be run on which Pythons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import config
from envmgr.packages.declared import Declared, declared
from envmgr.versions.request import VersionRequest

PACKAGES = ("wheel", "editable", "none")
_KEYS = ("pythons", "groups", "extras", "requirements", "package", "commands")
_CLASSIFIER = "Programming Language :: Python :: 3."
EXAMPLE = '[tool.envmgr.test]\npythons = ["3.12", "3.13"]\ngroups = ["test"]\ncommands = [["python", "-m", "pytest"]]'


@dataclass(frozen=True)
class Matrix:
    """What to run in `project`, on which `pythons`.

    `package` says how the project itself is installed: as a wheel (built once), editable, or not at all.
    """

    project: Path
    pythons: tuple[VersionRequest, ...]
    commands: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    package: str = "wheel"

    def declared(self, wheel: Path | None = None) -> Declared:
        """Return what goes into each environment; `wheel` is the project's own. Raises UsageError."""
        own = {"wheel": "nothing", "editable": "project", "none": "dependencies"}[self.package]
        found = declared(self.project, requirements=self.requirements, groups=self.groups, extras=self.extras, own=own)
        if wheel is None:
            return found
        name = f"{wheel}[{','.join(self.extras)}]" if self.extras else str(wheel)
        return Declared((name, *found.arguments), found.files, (wheel,))

    def chosen(self, words: str) -> Matrix:
        """Return this matrix for the Pythons in `words`, separated by commas, alone. Raises UsageError."""
        return replace(self, pythons=tuple(VersionRequest.parse(word) for word in words.split(",") if word))

    def extended(self, arguments: Sequence[str]) -> Matrix:
        """Return this matrix with `arguments` added to its last command."""
        return replace(self, commands=(*self.commands[:-1], (*self.commands[-1], *arguments)))


def find(directory: Path) -> Path:
    """Return the nearest pyproject.toml, `directory` upwards; raises UsageError."""
    for folder in (directory, *directory.parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
    raise UsageError(f"no pyproject.toml in {directory} or above", hint=f"make one with\n{EXAMPLE}")


def read(file: Path) -> Matrix:
    """Read the matrix of a pyproject.toml; raises UsageError naming what is wrong with it."""
    tables = config.read(file)
    table = config.table(tables, file, "tool", "envmgr", "test")
    if not table:
        raise UsageError(f"{file} has no [tool.envmgr.test]", hint=f"add one:\n{EXAMPLE}")
    if unknown := [name for name in table if name not in _KEYS]:
        raise UsageError(f"{file}: [tool.envmgr.test] has {unknown[0]!a}", hint=f"it knows {', '.join(_KEYS)}")
    package = table.get("package", "wheel" if "build-system" in tables else "none")
    if package not in PACKAGES:
        raise UsageError(f"{file}: package = {package!a}", hint=f"it is one of {', '.join(PACKAGES)}")
    commands = _lists(table.get("commands"), file)
    pythons = _words(table, "pythons", file) or _classified(config.table(tables, file, "project"))
    if not pythons:
        raise UsageError(f"{file}: [tool.envmgr.test] names no pythons", hint='for example: pythons = ["3.12", "3.13"]')
    return Matrix(
        file.parent.resolve(),
        tuple(VersionRequest.parse(word) for word in dict.fromkeys(pythons)),
        commands,
        _words(table, "groups", file),
        _words(table, "extras", file),
        _words(table, "requirements", file),
        package,
    )


def _words(table: config.Table, name: str, file: Path) -> tuple[str, ...]:
    found = table.get(name, [])
    if not _is_words(found):
        raise UsageError(f"{file}: {name} in [tool.envmgr.test] must be a list of strings")
    return tuple(found)


def _lists(found: object, file: Path) -> tuple[tuple[str, ...], ...]:
    if not isinstance(found, list) or not found or not all(words and _is_words(words) for words in found):
        raise UsageError(
            f"{file}: commands in [tool.envmgr.test] must be lists of words",
            hint='for example: commands = [["python", "-m", "pytest", "-q"]]',
        )
    return tuple(tuple(words) for words in found)


def _is_words(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(word, str) and "\0" not in word for word in found)


def _classified(metadata: config.Table) -> tuple[str, ...]:
    """Return the minor versions that the project's classifiers name."""
    found = metadata.get("classifiers")
    classifiers = [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
    return tuple(f"3.{text.removeprefix(_CLASSIFIER)}" for text in classifiers if text.startswith(_CLASSIFIER))
