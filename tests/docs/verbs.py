"""Writes what docs/verbs.md says of each verb, from the command line: ``python -m tests.docs.verbs``."""

from __future__ import annotations

import argparse
import re
import textwrap

from supervisor_reload.arguments import BECOMING, _parser

from .blocks import ROOT

FILE = ROOT / "docs" / "verbs.md"
PLACE = re.compile(r"(<!-- verb: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
ENDS = re.compile(r"(?<=\. )(?=Exit status )")
WIDTH = 100


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each verb."""
    (verbs,) = (action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(verbs.choices)


def section(verb: str) -> str:
    """Synopsis, what it does, exit statuses and options of one verb."""
    if verb in BECOMING:
        return f"{BECOMING[verb][:1].upper()}{BECOMING[verb][1:]}.\n"
    parser = parsers()[verb]
    parts = [f"```text\n{synopsis(verb, parser)}\n```", *ENDS.split(parser.description or "")]
    rows = [row(action) for action in told(parser)]
    parts.append("\n".join(["| option | meaning |", "|---|---|", *rows]))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def told(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What help tells of, but for --help itself."""
    actions = (action for action in parser._actions if not isinstance(action, argparse._HelpAction))
    return [action for action in actions if action.help != argparse.SUPPRESS]


def synopsis(verb: str, parser: argparse.ArgumentParser) -> str:
    """``supervisor-reload status [-w] [TARGET ...]``, in lines that fit."""
    head = f"supervisor-reload {verb} "
    if parser.usage:
        return parser.usage.replace("%(prog)s ", head)
    words = [word(action) for action in told(parser)]
    lines = textwrap.wrap(" ".join(each.replace(" ", "\0") for each in words), WIDTH - len(head))
    return head + f"\n{' ' * len(head)}".join(lines).replace("\0", " ")


def word(action: argparse.Action) -> str:
    """An option or an argument, as a synopsis has it."""
    value = f" {action.metavar}" if action.nargs != 0 else ""
    if action.option_strings:
        return f"[{action.option_strings[0]}{value}]"
    name = str(action.metavar)
    return {"*": f"[{name} ...]", "+": f"{name} [{name} ...]"}.get(str(action.nargs), name)


def row(action: argparse.Action) -> str:
    """The line of one option, or of one argument."""
    value = f" {action.metavar}" if action.nargs != 0 else ""
    names = [f"`{option}{value}`" for option in action.option_strings] or [f"`{action.metavar}`"]
    return f"| {', '.join(names)} | {str(action.help).replace('|', chr(92) + '|')} |"


def filled(text: str) -> str:
    """The document with every verb as it is."""
    return PLACE.sub(lambda place: f"{place[1]}\n{section(place[2])}\n{place[3]}", text)


def main() -> None:
    """Write the document anew."""
    FILE.write_text(filled(FILE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
