"""Every pattern of ours matches alike on each Python that we run on."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants as words  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import bowerbird

#: Groups of one character set need nothing: they are another instruction.
SIMPLE = {words.LITERAL, words.NOT_LITERAL, words.ANY, words.IN}


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for info in pkgutil.walk_packages(bowerbird.__path__, "bowerbird."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            for one in value if isinstance(value, tuple | list) else (value,):
                if isinstance(one, re.Pattern):
                    yield f"{info.name}.{name}", one


def unsafe_groups(tree: Any) -> Iterator[Any]:
    """Possessive groups whose last alternative is not one that fails at once."""
    for operation, arguments in tree:
        if operation is words.POSSESSIVE_REPEAT and not goes_back(arguments[2]):
            yield arguments[2]
        for inner in parts(arguments):
            yield from unsafe_groups(inner)


def goes_back(body: Any) -> bool:
    while len(body) == 1 and body[0][0] is words.SUBPATTERN:
        body = body[0][1][3]
    if len(body) != 1:
        return False
    operation, arguments = body[0]
    if operation is words.BRANCH:
        return fails_at_once(list(arguments[1][-1]))
    return operation in SIMPLE


def fails_at_once(alternative: list[Any]) -> bool:
    if len(alternative) != 1:
        return False
    operation, arguments = alternative[0]
    return operation is words.FAILURE or (operation is words.ASSERT_NOT and not arguments[1])


def parts(arguments: Any) -> Iterator[Any]:
    if isinstance(arguments, parser.SubPattern):
        yield arguments
    elif isinstance(arguments, tuple | list):
        for one in arguments:
            yield from parts(one)


@pytest.mark.parametrize(
    ("name", "pattern"), [pytest.param(*pair, id=pair[0]) for pair in patterns()]
)
def test_possessive_groups_go_back_to_where_a_failed_round_began(
    name: str, pattern: re.Pattern[Any]
) -> None:
    """Python before 3.11.5, so that of Debian 12 too, goes on where the round had failed
    (python/cpython#106052). An alternative that fails at once, `|(?!)`, takes it back."""
    assert not list(unsafe_groups(parser.parse(pattern.pattern, pattern.flags)))


def test_the_alternative_that_fails_does_take_it_back() -> None:
    assert re.match(r"<!--(?:[^-]++|-(?!->)|(?!))*+-->", "<!-- x-y -->")
