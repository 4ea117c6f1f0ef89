"""docs/reasons.md against the code: no reason without its line, no line without its reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import bowerbird
from bowerbird.fetch.failures import REASONS
from bowerbird.manager.report import TOLD

SOURCE = Path(bowerbird.__file__).parent
DOCUMENT = Path(__file__).parents[2] / "docs" / "reasons.md"
#: Where tasks are judged.
JUDGES = ("worker", "frontier", "images", "fetch", "manager/bridge")
#: Functions and exceptions that take a reason.
GIVES = {"dead", "bury", "bury_waiting", "Refused", "Failure", "failure", "failed"}
WORD = re.compile(r"[a-z]++(?:-[a-z0-9]++)*+")
COMPOUND = re.compile(r"[a-z]++[0-9]*+(?:-[a-z0-9]++)++")
#: Words with hyphens that are no reasons: headers, codecs, threads, counters of other things.
OTHERS = {
    "content-encoding", "content-length", "content-type", "last-modified", "retry-after",
    "transfer-encoding", "aws-chunked", "x-gzip", "x-compress", "latin-1", "utf-8", "utf-16",
    "dead-kind", "hosts-answered", "no-sitemap",
    "other-documents", "pages-that-refuse-images", "pages-that-refuse-following",
    "script-pages-without-images", "old-style",
    "image-links-left-out", "inline-images-left-out", "not-this-worker", "disk-full-there",
}  # fmt: skip

#: Why a thumbnail is not drawn; no task ends by them.
OF_THUMBNAILS = {"missing", "not-drawn"}


def trees() -> Iterator[ast.AST]:
    for package in JUDGES:
        for path in sorted((SOURCE / package).glob("*.py")):
            yield ast.parse(path.read_text())


def strings(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def given() -> set[str]:
    """Words in the place of a reason: `dead(lease, "empty")`, `return Refused("corrupt", ...)`."""
    found = set[str]()
    for tree in trees():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name in GIVES:
                places = [*call.args[:3], *(each.value for each in call.keywords)]
                found.update(word for place in places for word in words_in(place))
    return found - OF_THUMBNAILS


def words_in(place: ast.expr) -> Iterator[str]:
    """A word itself, or either of a choice; texts inside other calls are details."""
    if isinstance(place, ast.Constant) and isinstance(place.value, str):
        if WORD.fullmatch(place.value):
            yield place.value
    elif isinstance(place, ast.IfExp):
        yield from (*words_in(place.body), *words_in(place.orelse))
    elif isinstance(place, ast.BoolOp):
        for value in place.values:
            yield from words_in(value)


def compounds() -> set[str]:
    """Everything that looks like a reason: those kept in constants are found so."""
    words = {text for tree in trees() for text in strings(tree) if COMPOUND.fullmatch(text)}
    return words - OTHERS - TOLD.keys() - OF_THUMBNAILS


def documented() -> dict[str, set[str]]:
    """reason -> what its rows say of being retried."""
    rows = re.findall(r"^\| `([a-z0-9A-Z-]+)` \|.*\| (yes|no) \|$", DOCUMENT.read_text(), re.M)
    found: dict[str, set[str]] = {}
    for reason, retried in rows:
        found.setdefault(reason, set()).add(retried)
    return found


def test_every_reason_that_a_task_can_get_is_explained() -> None:
    assert sorted((given() | compounds() | REASONS.keys()) - documented().keys()) == []


def test_no_reason_is_explained_that_no_task_can_get() -> None:
    said = {text for tree in trees() for text in strings(tree)}
    kept = {reason for reason in documented() if not reason.startswith("http-")}
    assert sorted(kept - said) == []


def test_every_kind_of_trap_is_explained_and_can_be_told() -> None:
    section = DOCUMENT.read_text().partition("### Traps")[2].partition("## ")[0]
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", section, re.M))
    assert rows == TOLD.keys()
    assert rows <= {text for tree in trees() for text in strings(tree)}


def test_failures_of_fetching_are_retried_as_the_document_says() -> None:
    rows = documented()
    said = {
        reason: ("yes" if retried else "no") in rows[reason] for reason, retried in REASONS.items()
    }
    assert [reason for reason, agrees in said.items() if not agrees] == []
