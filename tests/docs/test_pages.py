"""README and docs cannot lie: examples run, commands exist, generated parts are what the code computes."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import docs_examples
import docs_tables
import pytest
from docs_pages import HOME, blocks, commands, pages, part_names

from acc_decel import dask_client
from acc_decel.drives import read_description
from acc_decel.physics import vehicle

PAGES = {str(path.relative_to(HOME)): path.read_text() for path in pages()}
LINES = [
    (name, line) for name, text in PAGES.items() for b in blocks(text) if b.language == "sh" for line in commands(b)
]
INLINE = [
    (name, line)
    for name, text in PAGES.items()
    for line in re.findall(r"`((?:acc-decel|make|python benchmarks/)[^`\n]* [^`\n]*)`", text)
]
HELP = "docs/reference/cli.md"  # its commands are those of the help, and are checked only
LANGUAGES = {"", "sh", "python", "c", "toml", "text"}  # only `text` and the two commands without a language are not run


def test_the_two_commands_stand_on_the_first_screen():
    first = PAGES["README.md"].splitlines()[:42]
    assert {"make demo", "make test"} <= set(first)
    assert any(line.startswith("acc-decel predict") for line in first)


def test_the_readme_is_a_door():
    assert len(PAGES["README.md"].split()) <= 700


@pytest.mark.parametrize("name", PAGES)
def test_every_block_says_its_language(name):
    for block in blocks(PAGES[name]):
        assert block.language in LANGUAGES
        if not block.language:
            assert block.text == "make demo\nmake test\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PAGES if name != HELP])
def test_examples_run_and_generated_parts_are_up_to_date(name):
    """Python and cheap commands run in order, with few events; `docs_examples.ONLY_CHECKED` says which do not."""
    assert docs_tables.page_with_parts(PAGES[name], run=True) == PAGES[name]


def test_the_reference_of_commands_is_up_to_date():
    assert docs_tables.page_with_parts(PAGES[HELP]) == PAGES[HELP]


@pytest.mark.parametrize(("name", "line"), [*LINES, *INLINE])
def test_what_a_reader_types_exists(name, line):
    words = line.split()
    if words[0] == "acc-decel":
        docs_examples.check_command(line)
    elif words[0] == "make":
        assert re.search(rf"^{words[1]}:", (HOME / "Makefile").read_text(), re.MULTILINE), name
    elif words[0] == "python":
        source = (HOME / words[1]).read_text()
        assert all(f'"{word}"' in source for word in words[2:] if word.startswith("--"))
    elif words[:2] == ["pip", "install"]:
        assert known_extras(words[2]), line
    elif words[0] == "dask":
        options = {name for p in import_module(f"distributed.cli.dask_{words[1]}").main.params for name in p.opts}
        assert {word for word in words if word.startswith("--")} <= options
    elif words[0] == "export":
        assert {word.split("=")[0] for word in words[1:]} <= set(map(dask_client.variable_of, dask_client.TLS_FILES))
    else:
        assert words[0] in ("mkdir", "cp"), f"{line}: the tests do not know how to check this"


def known_extras(what: str) -> bool:
    """Whether `.` or `.[one,two]` names extras of the project."""
    extras = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    found = re.fullmatch(r"\"?\.(?:\[([\w,]+)\])?\"?", what)
    return found is not None and set((found[1] or "").split(",")) - {""} <= set(extras)


def test_extras_named_in_sentences_exist():
    for text in PAGES.values():
        for what in re.findall(r"`pip install ([^`]+)`", text):
            assert known_extras(what), what


def test_no_command_is_excused_without_need():
    lines = [line for name, line in LINES if name != HELP and line.startswith("acc-decel")]
    excused = [line for line in lines if docs_examples.not_run(line)]
    assert len(excused) < len(lines) / 2
    with pytest.raises(ValueError, match="no option --watter"):
        docs_examples.check_command("acc-decel predict --speed 20 --watter 1")
    with pytest.raises(ValueError, match="no command predikt"):
        docs_examples.check_command("acc-decel predikt --speed 20")
    with pytest.raises(RuntimeError, match="speed must be"):
        docs_examples.run_command("acc-decel predict --speed 200 --brake-pressure-bar 160")


@pytest.fixture(scope="module")
def firmware(tmp_path_factory) -> Path:
    """The exported firmware, compiled."""
    folder = tmp_path_factory.mktemp("firmware")
    sources = [str(path) for path in (HOME / "firmware_export").glob("acc_decel*.c")]
    done = subprocess.run([*STRICT, "-c", *sources], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


STRICT = [sys.executable, "-m", "ziglang", "cc", "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"]
STRICT += ["-ffp-contract=off", f"-I{HOME / 'firmware_export'}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        b.text
        for name, text in PAGES.items()
        if name != "docs/reference/c.md"
        for b in blocks(text)
        if b.language == "c"
    ],
)
def test_c_examples_compile_without_warning_and_run(code, firmware, tmp_path):
    (tmp_path / "main.c").write_text(code)
    objects = [str(path) for path in firmware.glob("*.o")]
    built = [*STRICT, str(tmp_path / "main.c"), *objects, "-o", str(tmp_path / "main")]
    done = subprocess.run(built, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


@pytest.mark.parametrize("text", [b.text for text in PAGES.values() for b in blocks(text) if b.language == "toml"])
def test_toml_examples_are_accepted(text, tmp_path):
    if "[trailer]" in text:
        shipped = (HOME / "acc_decel" / "physics" / "vehicles" / "compact.toml").read_text()
        (tmp_path / "mine.toml").write_text(f"{shipped}\n{text}")
        assert vehicle(tmp_path / "mine.toml").trailer is not None
    else:
        (tmp_path / "drive.toml").write_text(text)
        assert {"speed", "acceleration"} & {*read_description(tmp_path / "drive.toml").channels}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    page = HOME / name
    for target in re.findall(r"\]\(([^)\s]+)\)|srcset=\"([^\"]+)\"|src=\"([^\"]+)\"", PAGES[name]):
        path, _, anchor = next(filter(None, target)).partition("#")
        if path.startswith("http"):
            continue
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_file(), target
        if anchor and linked.suffix == ".md":
            heads = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}
            assert anchor in slugs, target


def test_every_generated_part_stands_on_a_page():
    used = {name for text in PAGES.values() for name in part_names(text)}
    assert used - {"output"} == set(docs_tables.PARTS)


def test_numbers_may_differ_in_their_last_digits_and_words_not():
    assert docs_tables.alike("stops in 38.34 m", "stops in 38.35 m")
    assert not docs_tables.alike("stops in 38.34 m", "stops in 39.34 m")
    assert not docs_tables.alike("stops in 38.34 m", "halts in 38.34 m")


def test_messages_on_the_page_are_those_of_the_code(run):
    page = PAGES["docs/reference/messages.md"]
    first, *others = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    assert first in run("predict", "--speed", 130, "--brake-pressure-bar", 160)[2]
    source = " ".join(path.read_text() for path in (HOME / "acc_decel").rglob("*.py"))
    assert [message for message in others if message not in re.sub(r'"\s+f?"', "", source)] == []
