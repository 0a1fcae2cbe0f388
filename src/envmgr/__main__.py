"""`envmgr`: look at sys.argv first, so that the light calls never load click; then run the command line.

This is the one place that catches errors. What must be light: `--version`; `which CMD`, which hands over to the shim's
own code, so that the rule is told once; `list --available`; and `_shim`, `_which`, `_enter` and `_recheck`, the calls
that shims and hooks make when builtins do not suffice.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line of this process and exit with its code (see `envmgr.errors`)."""
    argv = sys.argv[1:]
    _complete_streams()
    if len(argv) == 2 and argv[0] == "which" and not argv[1].startswith("-") and (shim := _shim()):  # noqa: PLR2004
        os.execv("/bin/sh", ["sh", shim, argv[1]])  # noqa: S606 - the shim's own code, told to print
    try:
        code = _run(argv)
    except KeyboardInterrupt:  # also while modules are being imported
        code = 130
    sys.exit(code)


def _complete_streams() -> None:
    """Give the streams that our caller closed a descriptor, or the next file that is opened would get theirs.

    To write to a closed stdout is then an error, as in coreutils. Programs that we become find it closed again: Python
    opens files so that they are not inherited (PEP 446).
    """
    if sys.stdin is None:
        sys.stdin = open(os.open(os.devnull, os.O_RDONLY))  # noqa: PTH123, SIM115 - as long as the process
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.open(os.devnull, os.O_WRONLY), "w")  # noqa: PTH123, SIM115


def _shim() -> str | None:
    """Return the shim's code in the store that `ENVMGR_HOME` names, else in one whose shims are on PATH, or None."""
    from envmgr.host.variables import HOME

    environ = os.environ
    folders = [entry[:-6] for entry in environ.get("PATH", "").split(":") if entry.endswith("/shims")]
    for home in [environ[HOME]] if environ.get(HOME) else folders:
        if home.startswith("/") and os.access(f"{home}/shell/shim.sh", os.R_OK):
            return f"{home}/shell/shim.sh"
    return None


def _run(argv: list[str]) -> int:
    """Run `argv` and return the exit code; the one place that catches errors."""
    from envmgr.errors import EnvmgrError

    try:
        code = _answer(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return 141
    except EnvmgrError as error:
        problem = error
    except OSError as error:  # a full disk, a path too long, a directory without access: the system's message, no bug
        where = error.filename or ("standard output" if _discard_output() else None)
        problem = EnvmgrError(f"{where}: {error.strerror}" if where else str(error))
    else:
        return code
    _discard_output()
    from envmgr.cli import console

    console.error(problem)
    return problem.exit_code


def _discard_output() -> bool:
    """Drop what stdout buffers and cannot write, which Python would try again at exit (120); whether there was any."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _answer(argv: list[str]) -> int:
    """Run the command that `argv` means, with the light ones first; returns the exit code."""
    match argv:
        case ["--version"] | ["-V"]:
            from envmgr import __version__

            sys.stdout.write(f"envmgr {__version__}\n")
            return 0
        case ["_shim" | "_which" | "_enter" | "_recheck" as call, home, subject, *arguments]:
            return _called(call, home, subject, arguments)
        case ["list", "--available"] if _listed_quickly():
            return 0
    gc.set_threshold(100_000)  # what imports make stays: looking for garbage in it takes a tenth of their time
    from envmgr import cli

    return cli.main(argv)


def _listed_quickly() -> bool:
    """Print what can be installed, if `quick_list` can answer."""
    from envmgr.pythons import quick_list

    text = quick_list.available_text(dict(os.environ))
    sys.stdout.write(text or "")
    sys.stdout.flush()
    return text is not None


def _called(call: str, home: str, subject: str, arguments: list[str]) -> int:
    """Answer a shim or a hook (see `envmgr.hook_calls`); returns the exit code, raises EnvmgrError."""
    from pathlib import Path

    from envmgr import hook_calls
    from envmgr.host.paths import Home

    store = Home(Path(home))
    if call == "_shim":
        return hook_calls.shim(store, subject, arguments, os.environ)
    if call == "_which":
        from envmgr.cli import console  # late, with click: most calls have nothing to say

        console.data(hook_calls.which(store, subject, os.environ))
    else:
        import signal

        signal.signal(signal.SIGINT, signal.default_int_handler)  # the launcher has it ignored while Python starts
        from envmgr.host import ownership

        ownership.ensure_usable(store)
        told = 0
        look, code = (hook_calls.enter, 0) if call == "_enter" else (hook_calls.recheck, hook_calls.REVOKED)
        for note in look(store, Path(subject), os.environ):
            from envmgr.cli import console

            console.say(f"envmgr: {note}")
            told = code
        return told
    return 0


if __name__ == "__main__":
    main()
