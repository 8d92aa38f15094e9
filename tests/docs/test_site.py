"""The site is built without a warning: no link leads nowhere, and every page is in the navigation."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .blocks import ROOT

NEEDED = ("sphinx", "myst_parser", "furo", "sphinxcontrib.mermaid")
NOWHERE = ("[to a page](page.md)", "[to a heading](index.md#heading)", "![to a picture](images/picture.png)")
PAGES = sorted((ROOT / "docs").glob("*.md"))


def is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


pytestmark = pytest.mark.skipif(
    not all(map(is_there, NEEDED)), reason="the extra [docs] is not installed; `make docs` brings it"
)


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """As `make docs` does it: a warning is an error."""
    line = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs", ".", str(target)]
    return subprocess.run(line, cwd=source, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT, target)
    assert done.returncode == 0, done.stderr
    return target


def test_every_page_is_there(site):
    """And can be reached from the first."""
    first = (site / "docs" / "index.html").read_text(encoding="utf-8")
    for page in PAGES:
        assert (site / "docs" / f"{page.stem}.html").exists()
        assert page.stem == "index" or f'href="{page.stem}.html"' in first, page.name
    assert 'url=docs/index.html"' in (site / "index.html").read_text(encoding="utf-8")


def test_pictures_drawings_and_files_are_there(site):
    """A picture is copied, a drawing is drawn, and a file of etc/ can be had."""
    benchmarks = (site / "docs" / "benchmarks.html").read_text(encoding="utf-8")
    assert (site / "docs" / re.findall(r'<img [^>]*src="([^"]*reloads.png)"', benchmarks)[0]).exists()
    assert 'class="mermaid"' in (site / "docs" / "architecture.html").read_text(encoding="utf-8")
    workers = (site / "docs" / "workers.html").read_text(encoding="utf-8")
    (link,) = re.findall(r'href="([^"]*/celery\.conf)"', workers)
    assert (site / "docs" / link).read_text(encoding="utf-8") == (ROOT / "etc" / "celery.conf").read_text(
        encoding="utf-8"
    )


def test_a_link_that_leads_nowhere_is_an_error(tmp_path):
    """To a page, to a heading or to a picture, each: so that the first test can fail."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "conf.py").write_bytes((ROOT / "docs" / "conf.py").read_bytes())
    (docs / "index.md").write_text(f"# First\n\n{' '.join(NOWHERE)}\n", encoding="utf-8")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert all(word in done.stderr for word in ("page.md", "heading", "picture.png")), done.stderr
