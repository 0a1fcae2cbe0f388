"""Other tools that set PATH or activate something, set up for a user whose home is a folder of the test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prepared_projects import write_program
from python_archives import pythons

CONDA = Path(__file__).parent / "conda.sh"


@dataclass(frozen=True)
class OtherTool:
    """The variables of the session and the lines of an rc file that load the tool."""

    rc: str
    environ: Mapping[str, str] = field(default_factory=dict)


def mise(shell: str, home: Path) -> OtherTool:
    """mise, with a global Python, and one for each pin of the prepared projects."""
    executable = f"{os.environ['ENVMGR_TEST_MISE']}/mise"
    file = home / ".config" / "mise" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(
        '[settings]\nidiomatic_version_file_enable_tools = ["python"]\noffline = true\n[tools]\npython = "3.12.1"\n'
    )
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    for version in ("3.11.7", "3.12.1"):
        write_program(home / "pythons" / version / "bin" / "python")
        link = [executable, "link", f"python@{version}", str(home / "pythons" / version)]
        subprocess.run(link, env=environ, cwd=home, capture_output=True, check=True)
    if shell == "fish":
        return OtherTool(f"{executable} activate fish | source")
    return OtherTool(f'eval "$({executable} activate {shell})"')


def pyenv(shell: str, home: Path) -> OtherTool:
    """The pyenv that the tests' Pythons come from, with another root; a test never writes into that one."""
    root = home / ".pyenv"
    root.mkdir()
    for name in ("bin", "libexec", "completions", "pyenv.d", "plugins"):
        source = pythons().parent / name
        assert source.is_dir(), f"no pyenv around {pythons()}: {source} is missing"
        (root / name).symlink_to(source)
    for version in ("3.11.7", "3.12.1"):
        write_program(root / "versions" / version / "bin" / "python")
    (root / "version").write_text("3.12.1\n")
    environ = {"PYENV_ROOT": str(root), "PATH": f"{root}/bin:/usr/bin:/bin"}
    if shell == "fish":
        return OtherTool("pyenv init - fish | source", environ)
    return OtherTool(f'eval "$(pyenv init - {shell})"', environ)


def pyenv_virtualenv(shell: str, home: Path) -> OtherTool:
    """Set up pyenv and its plugin that activates on prompts; there is an environment `theirs` to activate."""
    plain = pyenv(shell, home)
    made = home / ".pyenv" / "versions" / "theirs"
    for name in ("python", "activate"):
        write_program(made / "bin" / name)
    (made / "pyvenv.cfg").write_text(f"home = {home}/.pyenv/versions/3.12.1/bin\nversion = 3.12.1\n")
    line = "pyenv virtualenv-init - fish | source" if shell == "fish" else f'eval "$(pyenv virtualenv-init - {shell})"'
    return OtherTool(f"{plain.rc}\n{line}", plain.environ)


def conda(shell: str, home: Path) -> OtherTool:
    """A stand-in for conda, which no registry of ours has: see conda.sh; `base` is activated by the rc file."""
    for name in ("", "envs/science/"):
        write_program(home / "conda" / name / "bin" / "python")
    call = f"sh {CONDA} {shell} {home}/conda"
    if shell == "fish":
        function = f"function conda; {call} $argv | source; end"
        return OtherTool(f"set -gx PATH {home}/conda/condabin $PATH\n{function}\nconda activate base")
    function = f'conda() {{ eval "$({call} "$@")"; hash -r; }}'
    return OtherTool(f'export PATH="{home}/conda/condabin:$PATH"\n{function}\nconda activate base')


OTHER_TOOLS: dict[str, Callable[[str, Path], OtherTool]] = {
    "mise": mise,
    "pyenv": pyenv,
    "pyenv-virtualenv": pyenv_virtualenv,
    "conda": conda,
}
if "ENVMGR_TEST_MISE" not in os.environ:  # no Debian package; scripts/test takes it from npm where that is there
    del OTHER_TOOLS["mise"]
