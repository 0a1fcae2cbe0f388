from __future__ import annotations

import importlib.util
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


def test_the_reference_is_what_the_program_prints() -> None:
    script = ROOT / "scripts/make_cli_reference.py"
    spec = importlib.util.spec_from_file_location("make_cli_reference", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs/reference/cli.md").read_text() == module.reference(), f"run {script}"


def test_an_unknown_verb_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no such command: 'instal'") as caught:
        cli.main(["instal"])
    assert caught.value.hint == "did you mean `envmgr install`?"
