"""The built documentation: strict, whole, and nothing in it is loaded from outside."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import docs_figures
import docs_site
import matplotlib as mpl
import page_picture
import pytest
from docs_pages import HOME, pages
from matplotlib import pyplot as plt

BUILD = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]


def built(folder: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(HOME / ".ci"), str(HOME)])
    return subprocess.run(
        BUILD, cwd=folder, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def source(tmp_path) -> Path:
    shutil.copy(HOME / "mkdocs.yml", tmp_path)
    shutil.copytree(HOME / "docs", tmp_path / "docs")
    return tmp_path


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing_from_outside(source):
    done = built(source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    site = source / "build" / "site"
    assert f"{len(pages())} pages" in docs_site.check(site)  # those of docs/, and 404 in place of the README
    physics = (site / "design" / "physics.html").read_text()
    assert physics.count("<math") > 10
    assert "$$" not in physics
    assert 'class="mermaid"' not in physics


@pytest.mark.slow
def test_a_broken_link_is_an_error(source):
    page = source / "docs" / "glossary.md"
    page.write_text(page.read_text() + "\n[nowhere](nowhere.md)\n")
    assert built(source).returncode != 0


def test_every_page_is_in_the_navigation():
    named = set(re.findall(r": ([\w/-]+\.md)$", (HOME / "mkdocs.yml").read_text(), re.MULTILINE))
    assert named == {str(path.relative_to(HOME / "docs")) for path in pages()[1:]}


@pytest.mark.parametrize(
    ("text", "suffix", "found"),
    [
        ('<script src="https://cdn.example/x.js"></script>', ".html", ["https://cdn.example/x.js"]),
        ('<link rel="stylesheet" href="//fonts.example/css">', ".html", ["//fonts.example/css"]),
        ('<img srcset="a.png 1x, https://example/b.png 2x">', ".html", ["https://example/b.png 2x"]),
        ("<style>@import 'https://example/a.css';</style>", ".html", ["https://example/a.css"]),
        ("body { background: url(https://example/a.png) }", ".css", ["https://example/a.png"]),
        ('<a href="https://example/">read</a><link rel="canonical" href="https://example/">', ".html", []),
        ('<img src="figures/a.svg">', ".html", []),
    ],
)
def test_what_is_loaded_from_outside_is_found(text, suffix, found):
    assert docs_site.loaded_from_outside(text, suffix) == found


def test_every_picture_is_drawn_by_code_and_shown():
    drawn = {f"{name}-{theme}.svg" for name in docs_figures.DRAWN for theme in docs_figures.THEMES}
    assert {path.name for path in docs_figures.FIGURES.iterdir()} == drawn | {*page_picture.NAMES}
    text = "".join(path.read_text() for path in pages())
    assert all(f"figures/{name}" in text for name in drawn)


@pytest.mark.parametrize("theme", docs_figures.THEMES)
def test_a_picture_has_no_ground_of_its_own(theme, tmp_path):
    mpl.use("Agg")
    with mpl.rc_context(docs_figures.style(theme)):
        figure = docs_figures.slip()
        figure.savefig(tmp_path / "slip.svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    assert "background" not in (tmp_path / "slip.svg").read_text()
    assert not re.search(r'<g id="patch_1">\s*<path[^>]*fill: #', (tmp_path / "slip.svg").read_text())
