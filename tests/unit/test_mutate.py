"""scripts/mutate: which changes it makes to a module."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

MODULE = '''
"""A docstring stays."""

def fits(name: str, size: int = 3) -> bool:
    if name == "é" and not size:
        raise ValueError(f"{name} stays")
    return size < 4
'''


def load(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def mutate() -> ModuleType:
    return load("mutate", Path(__file__).parents[2] / "scripts" / "mutate.py")


def test_each_expression_and_statement_is_changed_once_in_each_way(mutate: ModuleType) -> None:
    found = [(mutant.line, mutant.before, mutant.after) for mutant in mutate.mutants("m.py", MODULE)]
    test = 'name == "é" and not size'
    assert found == [
        (4, "3", "4"),
        (5, test, "True"),
        (5, test, "False"),
        (5, test, "name == 'é' or not size"),
        (5, test, "not size"),
        (5, test, "name == 'é'"),
        (5, 'name == "é"', "name != 'é'"),
        (5, '"é"', "'é!'"),
        (5, "not size", "size"),
        (6, 'raise ValueError(f"{name} stays")', "pass"),
        (7, "return size < 4", "return None"),
        (7, "size < 4", "size <= 4"),
        (7, "4", "5"),
    ]


def test_a_mutant_differs_from_the_module_in_one_place(mutate: ModuleType) -> None:
    mutant = next(mutant for mutant in mutate.mutants("m.py", MODULE) if mutant.after == "size")
    assert mutant.text == MODULE.replace("not size", "(size)")
    assert mutant.key == "m.py fits: not size -> size"


LOADED = """
class Shop:
    @property
    def name(self) -> str:
        return "a"

    @staticmethod
    def size(number: int = 3) -> int:
        return number

LIMIT = 4
"""


def test_a_mutant_of_a_function_is_its_changed_code_in_the_loaded_module(mutate: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(LOADED)
    module = load("m", tmp_path / "m.py")
    found = {
        (mutant.before, mutant.after): mutate.changed_function(mutant, module)
        for mutant in mutate.mutants("m.py", LOADED)
    }
    assert found["3", "4"] is None, "a default argument"
    assert found["4", "5"] is None, "a constant of the module"
    function, code = found['"a"', "'a!'"]
    function.__code__ = code
    assert module.Shop().name == "a!"
    function, code = found["return number", "return None"]
    function.__code__ = code
    assert module.Shop.size() is None
