from __future__ import annotations

import re
import runpy
from pathlib import Path

import click
import pytest

from envmgr import cli
from envmgr.errors import UsageError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_loads_and_explains_itself(verb: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main([verb, "--help"]) == 0
    assert f"Usage: envmgr {verb}".encode() in capsysbinary.readouterr().out


@pytest.mark.parametrize("verb", cli.VERBS)
def test_a_verb_is_named_like_its_function(verb: str) -> None:
    command = cli.cli.get_command(click.Context(cli.cli), verb)
    assert command is not None
    assert command.name == verb


@pytest.mark.parametrize(
    ("script", "made"),
    [
        ("make_cli_reference", "docs/reference/cli.md"),
        ("make_completion_table", "shims/completion.tsv"),
        ("make_test_table_reference", "docs/reference/test-table.md"),
    ],
)
def test_generated_files_are_up_to_date(script: str, made: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / f"scripts/{script}.py"), run_name="__main__")
    assert (ROOT / made).read_text() == capsys.readouterr().out, f"run scripts/{script}.py > {made}"


@pytest.mark.parametrize(("word", "verb"), [("instal", "install"), ("shel", "shell")])
def test_an_unknown_verb_names_the_nearest(word: str, verb: str) -> None:
    with pytest.raises(UsageError, match=f"no such command: '{word}'") as caught:
        cli.main([word])
    assert caught.value.hint == f"did you mean `envmgr {verb}`?"


def test_a_command_of_the_hook_is_an_error_with_a_hint() -> None:
    with pytest.raises(UsageError, match="`envmgr shell` works only in a shell with the hook"):
        cli.main(["shell", "3.12"])


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("local", "envmgr use VERSION"),
        ("global", "envmgr use --global VERSION"),
        ("versions", "envmgr list"),
        ("exec", "envmgr run COMMAND"),
        ("init", "envmgr setup"),
        ("virtualenv", "envmgr use VERSION"),
        ("rehash", "without it"),
    ],
)
def test_a_command_of_another_tool_has_a_hint(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        cli.main([word])
    assert hint in (caught.value.hint or "")


def test_words_of_other_tools_are_not_verbs_and_name_verbs() -> None:
    assert not cli.OTHER_TOOLS_COMMANDS.keys() & (cli.VERBS.keys() | cli.HOOK_COMMANDS.keys())
    named = {verb for text in cli.OTHER_TOOLS_COMMANDS.values() for verb in re.findall(r"`envmgr ([a-z]+)", text)}
    assert named <= cli.VERBS.keys()


@pytest.mark.parametrize("words", [[], ["env"], ["mirror"], ["help"], ["help", "env"]], ids=" ".join)
def test_a_bare_group_prints_its_help(words: list[str], capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(words) == 0
    out, err = capsysbinary.readouterr()
    assert out.startswith(b"Usage: envmgr ")
    assert b"Commands:" in out
    assert err == b""


@pytest.mark.parametrize("group", ["env", "mirror"])
def test_help_of_commands_below_a_verb_is_not_cut(group: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    cli.main([group, "--help"])
    assert b"..." not in capsysbinary.readouterr().out.partition(b"Commands:")[2]
