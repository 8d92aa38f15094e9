"""Builds the site from the same pages that a forge shows: ``make docs``.

The source directory is the checkout, so that links from docs/ to README.md, etc/ and tests/ lead somewhere in
the site, too. It changes what is built, never a page.
"""

from __future__ import annotations

import re
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]

project = "supervisor_reload"
author = "The supervisor_reload founders"
copyright = author
html_title = "supervisor_reload"

extensions = ["myst_parser", "sphinxcontrib.mermaid"]
root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md"]
exclude_patterns = [".*", "build"]

myst_heading_anchors = 4  # as forges name them
myst_fence_as_directive = ["mermaid"]

html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False

NAVIGATION = {
    "Begin": ("getting-started", "how-it-works", "recipes", "migrating", "troubleshooting", "../README"),
    "Verbs": ("verbs", "captures", "status", "init", "doctor"),
    "Code": ("watching", "ways", "configuration", "reloading-configuration"),
    "Processes": ("servers", "exec", "sockets", "draining", "notify", "workers"),
    "Operating": ("hooks", "metrics", "journal", "security", "faults", "benchmarks"),
    "The house": ("architecture", "../CONTRIBUTING", "../CHANGELOG"),
}
"""Every page has its place; Sphinx says which one has none. A page that is not there (yet) is left out."""

TO_A_FILE = re.compile(r"\[([^\]]+)\]\(([^)#:\s]+)\)")
"""a link without a heading, to something of the repository"""

OURS = ("log", "run")
"""Languages of fenced blocks that only we know: they are shown as they are."""


def navigation() -> str:
    """The tree of pages, for the end of the first one."""
    parts = []
    for caption, names in NAVIGATION.items():
        pages = [name for name in names if (ROOT / "docs" / f"{name}.md").exists()]
        parts.append("\n".join(["```{toctree}", f":caption: {caption}", ":hidden:", "", *pages, "```", ""]))
    return "\n" + "\n".join(parts)


def without_directories(text: str, page: Path) -> str:
    """The text with links to directories as plain names: a site has no page of them."""

    def plain(link: re.Match[str]) -> str:
        return f"`{link[1]}`" if (page.parent / link[2]).is_dir() else link[0]

    return TO_A_FILE.sub(plain, text)


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """What Sphinx is given in place of a page's own text."""
    source[0] = without_directories(source[0], Path(app.srcdir, docname))
    if docname == root_doc:
        source[0] += navigation()


def finish(app: Sphinx, error: Exception | None) -> None:
    """The first page has a directory above it; who asks for that is sent on."""
    if error is None and app.builder.format == "html":
        place = Path(app.outdir, "index.html")
        place.write_text(f'<meta http-equiv="refresh" content="0; url={root_doc}.html">\n', encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Hook in."""
    for language in OURS:
        app.add_lexer(language, TextLexer)
    app.connect("source-read", read)
    app.connect("build-finished", finish)
