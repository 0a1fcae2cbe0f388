"""The requirements of a project: from requirements files, a lock (PEP 751) or pyproject.toml (PEP 621, PEP 735).

Reads only; must not resolve them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import config
from envmgr.host.files import NotRegularError, read_text

_PYPROJECT = "pyproject.toml"
_INCLUDED = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[ =]?\s*([^\s#]+)")
_URL = re.compile(r"[\w.-]*:")


@dataclass(frozen=True)
class Requirements:
    """`arguments` for `pip install` or `uv pip install` in the project, and all `files` that they were read from.

    `wheels` are the arguments that are installed even if their version is installed already.
    """

    arguments: tuple[str, ...]
    files: tuple[Path, ...]
    wheels: tuple[Path, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 hash of the arguments and of the contents of the files, in hexadecimal."""
        total = hashlib.sha256("\0".join(self.arguments).encode(errors="surrogateescape"))
        for file in self.files:
            total.update(b"\0" + file.read_bytes())
        return total.hexdigest()


def read_requirements(
    project: Path,
    *,
    requirements: Sequence[str] = (),
    groups: Sequence[str] = (),
    extras: Sequence[str] = (),
    include: str = "project",
) -> Requirements:
    """Return the requirements of `project` and of its dependency `groups`.

    They come from the `requirements` files where those are given, else from its lock, else from requirements.txt, else
    from its pyproject.toml with `extras`. `include` selects the "project" itself (editable, where it can be built),
    its "dependencies" alone, or "nothing". Raises UsageError for a file that is missing or malformed, and for an
    unknown group or extra.
    """
    files = [project / name for name in requirements] or (
        _default_files(project, extras) if include != "nothing" else []
    )
    tables = config.read(project / _PYPROJECT)
    arguments = [word for file in files for word in ("-r", str(file))]
    if not files and include != "nothing":
        arguments += _project_arguments(project, tables, extras, editable=include == "project")
    arguments += group_requirements(project, tables, groups)
    sources = [source for file in files for source in _included_files(file)]
    if groups or not files:
        sources.append(project / _PYPROJECT)
    return Requirements(tuple(arguments), tuple(dict.fromkeys(source for source in sources if source.is_file())))


def _default_files(project: Path, extras: Sequence[str]) -> list[Path]:
    """Return the lock or requirements.txt, at most one file; none with `extras`, which only pyproject.toml defines."""
    names = () if extras else ("pylock.toml", "requirements.txt")
    return [project / name for name in names if (project / name).is_file()][:1]


def _project_arguments(project: Path, tables: config.Table, extras: Sequence[str], *, editable: bool) -> list[str]:
    """Return the arguments for the project itself if `editable` and it has a build system, else its dependencies."""
    file = project / _PYPROJECT
    metadata = config.table(tables, file, "project")
    extra_tables = config.table(tables, file, "project", "optional-dependencies")
    optional = {normalize(name): found for name, found in extra_tables.items()} if extras else {}
    for extra in extras:
        if normalize(extra) not in optional:
            raise _unknown("extra", extra, project, optional)
    if editable and "build-system" in tables:
        return ["-e", f".[{','.join(extras)}]" if extras else "."]
    lists = [metadata.get("dependencies", []), *(optional[normalize(extra)] for extra in extras)]
    return [_requirement(file, one) for found in lists for one in _entries(file, found)]


def _entries(file: Path, found: object) -> list[object]:
    """Return the entries of an array; raises UsageError for any other value, such as a string."""
    if not isinstance(found, list):
        raise UsageError(f"{file}: dependencies must be an array, not {found!a}")
    return found


def _requirement(file: Path, entry: object) -> str:
    """Return an entry as text; raises UsageError for one that is no requirement, which pip might take for an option."""
    text = " ".join(entry.split()) if isinstance(entry, str) else "-"
    if text.startswith("-") or not text.isprintable():
        raise UsageError(f"{file}: {entry!a} is not a requirement", hint='write it as "name>=1.0" (PEP 508)')
    return text


def group_requirements(project: Path, tables: config.Table, groups: Sequence[str]) -> list[str]:
    """Return the requirements of dependency groups and the groups that they include (PEP 735). Raises UsageError."""
    known = config.table(tables, project / _PYPROJECT, "dependency-groups")
    if not groups:
        return []
    from packaging.dependency_groups import DependencyGroupResolver  # late: most calls have no groups

    for group in groups:
        if normalize(group) not in map(normalize, known):
            raise _unknown("dependency group", group, project, known)
    try:
        resolver = DependencyGroupResolver(known)
        return [str(requirement) for group in groups for requirement in resolver.resolve(group)]
    except ExceptionGroup as error:
        raise UsageError(f"{project / _PYPROJECT}: {'; '.join(map(str, error.exceptions))}") from error
    except RecursionError as error:
        raise UsageError(f"{project / _PYPROJECT}: dependency groups include each other too deeply") from error


def normalize(name: str) -> str:
    """Return the normalized form of the name of a project, an extra or a dependency group (PEP 503)."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def _unknown(kind: str, name: str, project: Path, known: Iterable[str]) -> UsageError:
    """Return the error for an extra or dependency group that pyproject.toml does not define."""
    return UsageError(
        f"{project / _PYPROJECT} has no {kind} {name!a}", hint=f"it has: {', '.join(sorted(known)) or 'none'}"
    )


def _included_files(file: Path) -> Iterator[Path]:
    """Yield the requirements file `file` and each file that it includes, once. Raises UsageError."""
    pending, seen = [file], set[Path]()
    while pending:
        source = pending.pop()
        if source in seen:
            continue
        seen.add(source)
        try:
            lines = read_text(source).splitlines()
        except NotRegularError as error:
            raise UsageError(f"{source}: {error.strerror}") from error
        except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a NUL in an included file's name
            raise UsageError(f"{source}: cannot be read: {error}") from error
        yield source
        included = (found[1] for found in map(_INCLUDED.match, lines) if found)
        pending += [source.parent / name for name in included if not _URL.match(name)]
