"""Writes the tables of docs/metrics.md from the code and the rules: ``python -m tests.docs.metrics``."""

from __future__ import annotations

import re
from collections.abc import Callable

from supervisor_reload.edges.metrics import DEFINITIONS, Kind

from .blocks import ROOT

FILE = ROOT / "docs" / "metrics.md"
RULES = ROOT / "etc" / "prometheus" / "supervisor_reload.rules.yml"
PLACE = re.compile(r"(<!-- (metrics|labels|alerts) -->\n).*?(<!-- end -->)", re.DOTALL)
RULE = re.compile(
    r"- alert: (\w+)\n(?:\s+#.*\n)*\s+expr: (.*)\n(?:\s+for: (\w+)\n)?\s+labels: {severity: (\w+)}\n"
    r'\s+annotations:\n\s+summary: "(.*)"'
)


def metrics() -> str:
    """Every metric, in the order of the code."""
    lines = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for each in DEFINITIONS:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        lines.append(f"| `{each.name}` | {each.kind.value} | {labels} | {each.doc} |")
    return "\n".join(lines)


def labels() -> str:
    """Every label with a closed set of values."""
    lines = ["| label | of | values |", "|---|---|---|"]
    for each in DEFINITIONS:
        if each.values:
            values = ", ".join(f"`{value}`" for value in each.values)
            lines.append(f"| `{each.labels[1]}` | `{each.short_name}` | {values} |")
    return "\n".join(lines)


def alerts() -> str:
    """Every alert, in the order of the rules."""
    lines = ["| alert | severity | for | says |", "|---|---|---|---|"]
    for name, _, since, severity, summary in RULE.findall(RULES.read_text(encoding="utf-8")):
        told = re.sub(r"{{ \$labels\.(\w+) }}", r"*\1*", summary)
        told = re.sub(r"{{ \$value.*?}}", "*n*", told)
        lines.append(f"| `{name}` | {severity} | {since or 'at once'} | {told} |")
    return "\n".join(lines)


TABLES: dict[str, Callable[[], str]] = {"metrics": metrics, "labels": labels, "alerts": alerts}


def filled(text: str) -> str:
    """The document with every table as it should be."""
    return PLACE.sub(lambda place: f"{place[1]}\n{TABLES[place[2]]()}\n\n{place[3]}", text)


def exposed() -> set[str]:
    """Every name that a query can have."""
    histogram = ("_bucket", "_sum", "_count")
    return {
        each.name + end
        for each in DEFINITIONS
        for end in (histogram if each.kind is Kind.HISTOGRAM else ("",))
    }


def main() -> None:
    """Write the document anew."""
    FILE.write_text(filled(FILE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
