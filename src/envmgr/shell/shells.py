"""The shells that have a hook, one row each: quoting, the line that loads the hook, the rc files.

The line is in the user's own rc file. So it must do nothing where the store was removed, be one line for any path, and
change neither `$?` nor options.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import files, process
from envmgr.host.paths import Environ, Home
from envmgr.shell import quoting

_READS_BASHRC = re.compile(r"^[^#\n]*\.bashrc\b", re.MULTILINE)
_READS_PROFILE = re.compile(r"^[^#\n]*\.profile\b", re.MULTILINE)


@dataclass(frozen=True)
class Shell:
    """One shell; its hook is `hook.<suffix>`.

    `source` is the command that loads the hook, with `{hook}` for its quoted path. `guard` is the line that runs it if
    the hook exists, with `{source}` for the command. `quoted` quotes a value. `files` returns the rc files that may
    have the line, `select_files` those that should, by default the first.
    """

    name: str
    suffix: str
    source: str
    guard: str
    quoted: Callable[[str], str]
    files: Callable[[Path, Environ], list[Path]]
    select_files: Callable[[list[Path]], list[Path]] = lambda files: files[:1]

    def hook(self, home: Home) -> Path:
        """Return the hook file in the store."""
        return home.shell / f"hook.{self.suffix}"

    def load(self, home: Home) -> str:
        """Return the command that loads the hook."""
        return self.source.format(hook=self.quoted(str(self.hook(home))))

    def line(self, home: Home) -> str:
        """Return the line for an rc file, without a newline: it loads the hook if that exists."""
        return self.guard.format(hook=self.quoted(str(self.hook(home))), source=self.load(home))

    def rc_files(self, environ: Environ) -> list[Path]:
        """Return every rc file of this user that may have the line."""
        return self.files(Path(environ.get("HOME") or Path.home()), environ)


def _bash(user: Path, _: Environ) -> list[Path]:
    return [user / name for name in (".bashrc", ".bash_profile", ".bash_login", ".profile")]


def _select_bash_files(files: list[Path]) -> list[Path]:
    """Return .bashrc, and the first existing file of login shells (ssh, tmux, macOS) unless that reads .bashrc."""
    bashrc, *others = files
    profile = others[-1]
    login = next((file for file in others if file.exists()), profile)  # a new .profile has the lowest priority
    text = _read(login)
    if _READS_PROFILE.search(text):
        text += _read(profile)
    return [bashrc] if _READS_BASHRC.search(text) else [bashrc, login]


def _zsh(user: Path, environ: Environ) -> list[Path]:
    """Return .zshrc in ZDOTDIR; where .zshenv sets that without exporting it, zsh is run to print it."""
    folder = _folder(environ, "ZDOTDIR", user)
    if "ZDOTDIR" not in environ and "ZDOTDIR" in _read(user / ".zshenv"):
        with suppress(EnvmgrError):
            output = process.run(["zsh", "-c", "print -r -- $ZDOTDIR"], environ=environ, timeout=5).text
            folder = _folder({"ZDOTDIR": output.removesuffix("\n").rpartition("\n")[2]}, "ZDOTDIR", user)
    return [folder / ".zshrc"]


def _fish(user: Path, environ: Environ) -> list[Path]:
    return [_config(user, environ) / "fish" / "conf.d" / "envmgr.fish"]


def _elvish(user: Path, environ: Environ) -> list[Path]:
    return [_config(user, environ) / "elvish" / "rc.elv"]


def _xonsh(user: Path, environ: Environ) -> list[Path]:
    return [_config(user, environ) / "xonsh" / "rc.xsh", user / ".xonshrc"]


def _nu(user: Path, environ: Environ) -> list[Path]:
    return [_config(user, environ) / "nushell" / "autoload" / "envmgr.nu"]


def _pwsh(user: Path, environ: Environ) -> list[Path]:
    return [_config(user, environ) / "powershell" / "profile.ps1"]


def _tcsh(user: Path, _: Environ) -> list[Path]:
    return [user / ".tcshrc", user / ".cshrc"]


def _select_existing(files: list[Path]) -> list[Path]:
    """Return the first file that exists: tcsh does not read .cshrc where there is a .tcshrc."""
    return [next((file for file in files if file.exists()), files[0])]


def _ksh(user: Path, environ: Environ) -> list[Path]:
    return [_folder(environ, "ENV", user / ".kshrc")]


def _mksh(user: Path, environ: Environ) -> list[Path]:
    return [_folder(environ, "ENV", user / ".mkshrc")]


def _config(user: Path, environ: Environ) -> Path:
    return _folder(environ, "XDG_CONFIG_HOME", user / ".config")


def _folder(environ: Environ, variable: str, default: Path) -> Path:
    """Return the absolute directory in `variable`, else `default`; XDG says to ignore a relative one."""
    path = Path(environ.get(variable, ""))
    return path if path.is_absolute() else default


def _read(path: Path) -> str:
    try:
        return files.read_text(path, errors="replace")
    except OSError:
        return ""


_SH = "if [ -r {hook} ]; then {source}; fi"
_BASH = 'if [ -n "${{BASH_VERSION-}}" ] && [ -r {hook} ]; then {source}; fi'  # sh reads .profile, too
_FISH = "if test -r {hook}; {source}; end"
_ELVISH = "eval &ns=(ns [&hook={hook}]) (slurp < {hook})"
_IF_ELVISH = "use path; if (path:is-regular {hook}) {{ {source} }}"
# these shells give a sourced file no way to find its own path
_KSH = '_envmgr_hook={hook}; . "$_envmgr_hook"'
_TCSH = "set _envmgr_hook={hook}; source $_envmgr_hook:q"
_IF_TCSH = _TCSH.replace("; ", "; if ( $?tcsh && -r $_envmgr_hook:q ) ")
_XONSH = "_envmgr_hook = {hook}; execx(open(_envmgr_hook).read(), 'exec', globals(), filename=_envmgr_hook)"
_IF_XONSH = _XONSH.replace("; ", "; __import__('os').path.isfile(_envmgr_hook) and ")
_NU = "const _envmgr_hook = {hook}; source $_envmgr_hook"
_IF_NU = "const _envmgr_hook = {hook}; source (if ($_envmgr_hook | path exists) {{ $_envmgr_hook }} else {{ null }})"
_IF_PWSH = "if (Test-Path -LiteralPath {hook}) {{ {source} }}"

# fmt: off
SHELLS = {shell.name: shell for shell in (
    Shell("bash", "bash", ". {hook}", _BASH, quoting.posix, _bash, _select_bash_files),
    Shell("zsh", "zsh", ". {hook}", _SH, quoting.posix, _zsh),
    Shell("fish", "fish", "source {hook}", _FISH, quoting.fish, _fish),
    Shell("ksh", "ksh", _KSH, _SH, quoting.posix, _ksh),
    Shell("mksh", "ksh", _KSH, _SH, quoting.posix, _mksh),
    Shell("tcsh", "tcsh", _TCSH, _IF_TCSH, quoting.tcsh, _tcsh, _select_existing),
    Shell("elvish", "elv", _ELVISH, _IF_ELVISH, quoting.elvish, _elvish),
    Shell("nu", "nu", _NU, _IF_NU, quoting.nu, _nu),
    Shell("pwsh", "ps1", ". {hook}", _IF_PWSH, quoting.powershell, _pwsh),
    Shell("xonsh", "xsh", _XONSH, _IF_XONSH, repr, _xonsh),
)}
# fmt: on


def shell_named(name: str) -> Shell:
    """Return the shell called `name`; raises UsageError where there is no hook for it."""
    if name not in SHELLS:
        raise UsageError(
            f"no hook for this shell: {name!a}",
            hint=f"there is one for {', '.join(SHELLS)}; in other shells, put the shims on PATH",
        )
    return SHELLS[name]
