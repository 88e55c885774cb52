"""The files that a newcomer looks for beside the README: how to contribute, to cite, and what has changed."""

import re
import tomllib

import yaml
from docs_pages import HOME

PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]


def test_the_citation_is_of_this_version():
    told = yaml.safe_load((HOME / "CITATION.cff").read_text())
    assert told["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= told.keys()
    assert (told["version"], told["license"]) == (PROJECT["version"], PROJECT["license"])
    assert all({"name", "family-names"} & author.keys() for author in told["authors"])


def test_the_changelog_keeps_its_form():
    text = (HOME / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def test_what_contributors_are_told_exists():
    text, makefile = (HOME / "CONTRIBUTING.md").read_text(), (HOME / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z]+)", text)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"`((?:acc_decel|docs|\.ci)/[\w/.]+)`", text):
        assert (HOME / path).exists(), path
