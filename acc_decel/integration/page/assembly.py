"""The page as one file: template, style, scripts, data and the firmware of each car, put together."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from acc_decel.factors import schema
from acc_decel.integration.page.description import Car, Note, Setting, page_data
from acc_decel.integration.page.sections import side_by_side

HOME = Path(__file__).parent
SCRIPTS = ("drawing", "firmware", "state", "traffic", "controls", "answer", "road", "fan", "lanes", "calls", "page")
POLICY = (  # nothing may be loaded or sent; only these scripts and this style, and WebAssembly of the page itself
    "default-src 'none'; script-src {loader} {script} 'wasm-unsafe-eval'; style-src {style}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def page_html(cars: Sequence[Car], setting: Setting, *, notes: Sequence[Note] = ()) -> bytes:
    """The page of these cars, with `notes` under its title; the same arguments give the same bytes.

    Raises ValueError without a car, for two cars of the same name, and for cars with other factors than the first.
    """
    _check(cars)
    style, loader = _lean("page.css"), _lean("loader.js")
    script = '"use strict";\n' + "\n".join(_lean(f"{name}.js") for name in SCRIPTS)
    data = json.dumps(page_data(cars, setting), ensure_ascii=False, separators=(",", ":"))
    names = ", ".join(car.name for car in cars)
    hashes = {"loader": _hash(loader), "script": _hash(script), "style": _hash(style)}
    page = Template((HOME / "page.html").read_text("utf-8")).substitute(
        policy=POLICY.format(**hashes),
        stamp=f"acc_decel, model {escape(names)}, factor schema {schema(cars[0].factors)}",
        title=f"What can the car do? {escape(names)}",
        notes="".join(map(_note, notes)),
        reaction=f"{setting.lanes.reaction:g}",
        leads=f"the hardest of {len(cars)} cars" if len(cars) > 1 else "another car of this kind",
        packed=base64.b64encode(_packed([data, style, script], [car.module for car in cars])).decode(),
        loader=loader,
    )
    return page.encode("utf-8")


def _check(cars: Sequence[Car]) -> None:
    if not cars:
        raise ValueError("A page must have a car. Got none: name a model.")
    names = [car.name for car in cars]
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ValueError(f"The cars of a page must have different names. Got {twice[0]} twice: leave one out.")
    for car in cars:
        if schema(car.factors) != schema(cars[0].factors):
            raise ValueError(
                f"All cars of a page must have factor schema {schema(cars[0].factors)}, that of {names[0]}. "
                f"Got {schema(car.factors)} of {car.name}: train it again."
            )


def _note(note: Note) -> str:
    link = f' <a href="{escape(note.link)}">{escape(note.linked)}</a>' if note.link else ""
    return f'<p class="hint note">{escape(note.text)}{link}</p>'


def _packed(texts: Sequence[str], modules: Sequence[bytes]) -> bytes:
    """One gzip stream: a line with the lengths, the texts, then each section of the modules, car by car."""
    contents = [text.encode("utf-8") for text in texts]
    rows = side_by_side(modules)
    lengths = {"texts": [*map(len, contents)], "sections": [[*map(len, row)] for row in rows]}
    head = json.dumps(lengths, separators=(",", ":")).encode() + b"\n"
    return gzip.compress(b"".join([head, *contents, *(part for row in rows for part in row)]), 9, mtime=0)


def _lean(name: str) -> str:
    """A script or a style without its indentation and the comments that have lines of their own."""
    lines = (HOME / name).read_text("utf-8").splitlines()
    kept = (line.strip() for line in lines if not re.fullmatch(r"\s*(/\*.*\*/)?", line))
    return "\n".join(kept)


def _hash(text: str) -> str:
    """The source of a policy that allows exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode()}'"
