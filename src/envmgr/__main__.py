"""Entry point of `envmgr`: dispatches fast commands without importing click, and turns errors into exit codes.

Fast are `--version`, `list --available`, `which CMD`, which runs the code of the shim to give the same answer, and the
internal commands `_shim`, `_which`, `_enter` and `_recheck`, which shims and hooks call where shell builtins do not
suffice. Do not import heavy modules here (`tests/integration/test_light_paths.py`).
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command in `sys.argv` and exit with its code (see `envmgr.errors`)."""
    argv = sys.argv[1:]
    _open_closed_streams()
    if len(argv) == 2 and argv[0] == "which" and not argv[1].startswith("-") and (shim := _shim_path()):  # noqa: PLR2004
        os.execv("/bin/sh", ["sh", shim, argv[1]])  # noqa: S606 - the code of the shim, in its mode that prints
    try:
        code = _run(argv)
    except KeyboardInterrupt:  # also while modules are being imported
        code = 130
    sys.exit(code)


def _open_closed_streams() -> None:
    """Open the standard streams that the caller has closed, so that no other file gets their descriptors.

    Writing to a closed stdout is then an error, as in coreutils. A program that replaces this process finds the streams
    closed again, since Python opens files as non-inheritable (PEP 446).
    """
    if sys.stdin is None:
        sys.stdin = open(os.open(os.devnull, os.O_RDONLY))  # noqa: PTH123, SIM115 - stays open
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.open(os.devnull, os.O_WRONLY), "w")  # noqa: PTH123, SIM115


def _shim_path() -> str | None:
    """Return the path of `shim.sh` in `ENVMGR_HOME`, else in a store whose shims are on PATH, else None."""
    from envmgr.host.variables import HOME

    environ = os.environ
    folders = [entry[:-6] for entry in environ.get("PATH", "").split(":") if entry.endswith("/shims")]
    for home in [environ[HOME]] if environ.get(HOME) else folders:
        if home.startswith("/") and os.access(f"{home}/shell/shim.sh", os.R_OK):
            return f"{home}/shell/shim.sh"
    return None


def _run(argv: list[str]) -> int:
    """Run the command `argv`, print its error if any, and return the exit code."""
    from envmgr.errors import EnvmgrError

    try:
        code = _dispatch(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return 141
    except EnvmgrError as error:
        problem = error
    except OSError as error:  # such as a full disk, a path too long, a directory without access
        name = error.filename or ("standard output" if _drop_output() else None)
        problem = EnvmgrError(f"{name}: {error.strerror}" if name else str(error))
    else:
        return code
    _drop_output()
    from envmgr.cli import console

    console.error(problem)
    return problem.exit_code


def _drop_output() -> bool:
    """Drop buffered output that cannot be written, which Python would retry at exit; return whether there was any."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _dispatch(argv: list[str]) -> int:
    """Run the command `argv`, directly if it is a fast one, else by click; returns the exit code."""
    match argv:
        case ["--version"] | ["-V"]:
            from envmgr import __version__

            sys.stdout.write(f"envmgr {__version__}\n")
            return 0
        case ["_shim" | "_which" | "_enter" | "_recheck" as call, home, subject, *arguments]:
            return _run_internal(call, home, subject, arguments)
        case ["list", "--available"] if _listed_quickly():
            return 0
    gc.set_threshold(100_000)  # garbage collection takes a tenth of the time of the imports, and finds nothing
    from envmgr import cli

    return cli.main(argv)


def _listed_quickly() -> bool:
    """Print the candidates where `quick_list` supports the request; returns whether it does."""
    from envmgr.pythons import quick_list

    text = quick_list.available_text(dict(os.environ))
    sys.stdout.write(text or "")
    sys.stdout.flush()
    return text is not None


def _run_internal(call: str, home: str, subject: str, arguments: list[str]) -> int:
    """Run an internal command (see `envmgr.hook_calls`); returns the exit code, raises EnvmgrError."""
    from pathlib import Path

    from envmgr import hook_calls
    from envmgr.host.paths import Home

    store = Home(Path(home))
    if call == "_shim":
        return hook_calls.shim(store, subject, arguments, os.environ)
    if call == "_which":
        from envmgr.cli import console  # late, since it loads click and most calls print nothing

        console.data(hook_calls.which(store, subject, os.environ))
    else:
        import signal

        signal.signal(signal.SIGINT, signal.default_int_handler)  # the launcher ignores it while Python starts
        from envmgr.host import ownership

        ownership.ensure_usable(store)
        exit_code = 0
        notes, code = (hook_calls.enter, 0) if call == "_enter" else (hook_calls.recheck, hook_calls.REVOKED)
        for note in notes(store, Path(subject), os.environ):
            from envmgr.cli import console

            console.say(f"envmgr: {note}")
            exit_code = code
        return exit_code
    return 0


if __name__ == "__main__":
    main()
