"""Every hook is documented with its exact signature and has a test of its own name."""

import ast
import re

import pytest

from tests.house.tree import ROOT

SPECS = ast.parse((ROOT / "botcore" / "hookspecs.py").read_text())
HOOKS = {
    function.name: function
    for function in ast.walk(SPECS)
    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    and any(ast.unparse(decorator).startswith("hookspec") for decorator in function.decorator_list)
}


def signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """As a plugin's author reads it: `async reply(turn: Turn) -> AsyncIterator[Chunk] | None`."""
    arguments = [ast.unparse(argument) for argument in function.args.args if argument.arg != "self"]
    colour = "async " if isinstance(function, ast.AsyncFunctionDef) else ""
    returns = ast.unparse(function.returns) if function.returns else "None"
    return f"{colour}{function.name}({', '.join(arguments)}) -> {returns}"


def test_there_are_hooks() -> None:
    assert {"register", "reply", "feedback"} <= HOOKS.keys()


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_heading_with_its_exact_signature(name: str) -> None:
    headings = re.findall(r"^#+ .*", (ROOT / "plugins" / "README.md").read_text(), re.MULTILINE)
    assert any(f"`{signature(HOOKS[name])}`" in heading for heading in headings), (
        f"plugins/README.md needs a heading with `{signature(HOOKS[name])}`"
    )


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_what_it_is_for(name: str) -> None:
    assert ast.get_docstring(HOOKS[name])


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_tested_by_name(name: str) -> None:
    tests = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert any(re.search(rf"def test_hook_{name}\b", text) for text in tests), f"no test is called test_hook_{name}"
