"""Collects from the code what its log says as a warning or an error, and what its verbs refuse:
``python -m tests.docs.messages`` prints what docs/troubleshooting.md does not explain.

It reads the code and runs none of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from supervisor_reload.edges.observers.logs import TEXT

from .blocks import ROOT

FILE = ROOT / "docs" / "troubleshooting.md"
PACKAGE = ROOT / "supervisor_reload"
BAD = {"warning", "error"}
LOUD = BAD | {"critical"}
FIELD = re.compile(r"%[sdro]|%g|\{\w+\}")
TAIL = {"output", "last_words", "outlook", "holder", "in_flight", "pending", "waiting", "again"}
"""Fields that are mostly empty, or lines of their own"""
LEAST = 3
"""Words that a line must have of its own to be looked for; others are nothing but what somebody else says"""
WORDED = {
    "core/obeying.py": ("Refused", "Already"),
    "steering/request.py": ("Unanswered",),
    "edges/watching/advice.py": (),
}
"""Where sentences are made: the exceptions that carry them, or every function's answer"""


def shown(template: str) -> str:
    """A template as a reader looks for it: what differs from line to line is three dots."""
    text = re.sub(r"\{(\w+)\}", lambda field: "" if field[1] in TAIL else "...", template)
    return re.sub(r"\.{4,}", "...", FIELD.sub("...", text)).strip()


@cache
def tree_of(file: Path) -> ast.Module:
    """A module, parsed."""
    return ast.parse(file.read_bytes())


def stories() -> Iterator[str]:
    """The events that are told as a warning or an error, wherever a rule makes one."""
    for file in sorted((PACKAGE / "core").glob("*.py")):
        for function in ast.walk(tree_of(file)):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call):
                        yield from _events(call, function)


def _events(call: ast.Call, function: ast.FunctionDef) -> Iterator[str]:
    """Those of one call that names a level, also where a variable holds the event."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    constants = {value.value for value in values if isinstance(value, ast.Constant)}
    if not constants & BAD:
        return
    names = {value.id for value in values if isinstance(value, ast.Name)}
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Assign)
            and {each.id for each in node.targets if isinstance(each, ast.Name)} & names
        ):
            constants |= {each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)}
    yield from (each for each in constants if isinstance(each, str) and each in TEXT)


def lines() -> Iterator[str]:
    """The templates that are logged directly."""
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = tree_of(file)
        named = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and _is_loud(call.func):
                first = call.args[0]
                text = template(named.get(first.id, first) if isinstance(first, ast.Name) else first)
                if len(re.findall(r"[a-z']+", shown(text))) >= LEAST:
                    yield text


def _is_loud(called: ast.expr) -> bool:
    """Whether it is ``log.warning`` or louder; ``log.exception`` tells of a defect, and of that only."""
    return (
        isinstance(called, ast.Attribute)
        and called.attr in LOUD
        and isinstance(called.value, ast.Name)
        and called.value.id == "log"
    )


def template(node: ast.expr) -> str:
    """A text that stands in the code, with braces for what is put in; '' for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) if isinstance(part, ast.Constant) else "{x}" for part in node.values)
    return ""


def sentences() -> Iterator[str]:
    """What is said by other ways than a line of the log."""
    for name, exceptions in WORDED.items():
        for node in ast.walk(tree_of(PACKAGE / name)):
            if exceptions and isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                if isinstance(node.exc.func, ast.Name) and node.exc.func.id in exceptions:
                    yield template(node.exc.args[0])
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.JoinedStr):
                yield template(node.value)


def messages() -> list[str]:
    """Each once, as ``shown``."""
    told = [*(TEXT[event] for event in stories()), *lines(), *sentences()]
    return list(dict.fromkeys(shown(each) for each in told if each))


def missing() -> list[str]:
    """Those that the page does not have."""
    text = FILE.read_text(encoding="utf-8")
    return [each for each in messages() if f"`{each}`" not in text]


if __name__ == "__main__":
    print(*(f"| `{each}` | | |" for each in missing()), sep="\n")
