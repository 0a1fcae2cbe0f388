"""Substitutions in a cell's settings: `{tmp}`, `{project}`, `{environment}`, `{args}`, `{env:NAME}`, `{AXIS}`, ...

Only these names are replaced; any other text in braces stays as it is, so that JSON or a set literal in a command needs
no escapes. `{args:DEFAULT}` and `{env:NAME:DEFAULT}` have a default.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from envmgr.errors import UsageError
from envmgr.host.paths import Environ
from envmgr.testing.cell import Command

_FIELD = re.compile(r"\{(?P<name>[A-Za-z_][A-Za-z0-9_-]*)(?::(?P<rest>[^{}]*))?\}")


@dataclass(frozen=True)
class Values:
    """The values to substitute: `names` by name, the arguments of the command line, and the caller's variables."""

    names: Mapping[str, str]
    arguments: Sequence[str] = ()
    environ: Environ = field(default_factory=dict)

    def text(self, text: str) -> str:
        """Return `text` with its fields replaced; raises UsageError for a variable that is unset and has no default."""
        return _FIELD.sub(self._replace, text)

    def command(self, command: Command) -> list[str]:
        """Return the words of `command`; a word that is `{args}` alone becomes one word for each argument."""
        words: list[str] = []
        for word in command:
            found = _FIELD.fullmatch(word)
            if found and found["name"] == "args":
                words += self.arguments or shlex.split(found["rest"] or "")
            else:
                words.append(self.text(word))
        return words

    def _replace(self, found: re.Match[str]) -> str:
        name, rest = found["name"], found["rest"]
        if name == "args":
            return shlex.join(self.arguments) if self.arguments else rest or ""
        if name == "env" and rest:
            return self._variable(*rest.split(":", 1))
        if rest is None and name in self.names:
            return self.names[name]
        return found[0]

    def _variable(self, name: str, default: str | None = None) -> str:
        value = self.environ.get(name, default)
        if value is None:
            raise UsageError(
                f"{{env:{name}}}: the variable is not set", hint=f"set it, or give a default: {{env:{name}:text}}"
            )
        return value


def uses_arguments(commands: Sequence[Command]) -> bool:
    """Return whether any of the commands says where the arguments of the command line belong."""
    return any(found["name"] == "args" for command in commands for word in command for found in _FIELD.finditer(word))
