from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.host.paths import Home
from envmgr.shell import shells


def chosen(user: Path, name: str = "bash", **environ: str) -> list[str]:
    shell = shells.shell_named(name)
    files = shell.select_files(shell.rc_files({"HOME": str(user)} | environ))
    return [str(file.relative_to(user.parent)) for file in files]


def test_a_shell_without_a_hook_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as caught:
        shells.shell_named("ba\x1bsh")
    assert "\x1b" not in caught.value.message
    assert "fish" in str(caught.value.hint)


@pytest.mark.parametrize("name", sorted(set(shells.SHELLS) - {"tcsh", "pwsh"}))
def test_the_line_is_one_line_for_any_path(name: str) -> None:
    line = shells.shell_named(name).line(Home(Path("/a b'c\n\r$(d)`e`\\")))
    assert line.isprintable()


def test_bash_needs_no_login_file_when_one_reads_bashrc(tmp_path: Path) -> None:
    (tmp_path / ".profile").write_text('# comment\n[ -f ~/.bashrc ] && . "$HOME/.bashrc"\n')
    assert chosen(tmp_path) == [f"{tmp_path.name}/.bashrc"]


def test_bash_login_file_may_read_bashrc_through_profile(tmp_path: Path) -> None:
    (tmp_path / ".profile").write_text(". ~/.bashrc\n")
    (tmp_path / ".bash_profile").write_text(". ~/.profile\n")
    assert chosen(tmp_path) == [f"{tmp_path.name}/.bashrc"]


@pytest.mark.parametrize("name", [".bash_profile", ".bash_login", ".profile"])
def test_bash_login_file_that_does_not_read_bashrc_gets_the_line_too(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("# . ~/.bashrc\nexport A=1\n")
    assert chosen(tmp_path) == [f"{tmp_path.name}/.bashrc", f"{tmp_path.name}/{name}"]


def test_bash_without_any_login_file_gets_the_one_that_hides_no_other(tmp_path: Path) -> None:
    assert chosen(tmp_path) == [f"{tmp_path.name}/.bashrc", f"{tmp_path.name}/.profile"]


def test_zsh_follows_zdotdir(tmp_path: Path) -> None:
    assert chosen(tmp_path, "zsh") == [f"{tmp_path.name}/.zshrc"]
    assert chosen(tmp_path, "zsh", ZDOTDIR=f"{tmp_path}/z") == [f"{tmp_path.name}/z/.zshrc"]


def test_fish_follows_xdg_and_ignores_a_relative_one(tmp_path: Path) -> None:
    assert chosen(tmp_path, "fish", XDG_CONFIG_HOME="x") == [f"{tmp_path.name}/.config/fish/conf.d/envmgr.fish"]
    assert chosen(tmp_path, "fish", XDG_CONFIG_HOME=f"{tmp_path}/x") == [f"{tmp_path.name}/x/fish/conf.d/envmgr.fish"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ksh", ".kshrc"),
        ("mksh", ".mkshrc"),
        ("tcsh", ".tcshrc"),
        ("elvish", ".config/elvish/rc.elv"),
        ("nu", ".config/nushell/autoload/envmgr.nu"),
        ("pwsh", ".config/powershell/profile.ps1"),
        ("xonsh", ".config/xonsh/rc.xsh"),
    ],
)
def test_the_rc_files_of_the_others(tmp_path: Path, name: str, expected: str) -> None:
    assert chosen(tmp_path, name) == [f"{tmp_path.name}/{expected}"]


def test_a_new_tcshrc_would_hide_a_cshrc(tmp_path: Path) -> None:
    (tmp_path / ".cshrc").touch()
    assert chosen(tmp_path, "tcsh") == [f"{tmp_path.name}/.cshrc"]


def test_powershell_takes_curly_quotes_for_quotes() -> None:
    assert shells.shell_named("pwsh").quoted("it's $x `y` \u2019") == "'it''s $x `y` \u2019\u2019'"
    with pytest.raises(UsageError, match="PowerShell"):
        shells.shell_named("pwsh").quoted("a\nb")
