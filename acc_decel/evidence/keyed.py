"""The whole evidence, each part with the hash of what it depends on: what has not changed is not measured again.

A part of a format depends on the C of that format. Those about the model (instructions, bits, fuzzing and so on) also
depend on its network, and on the code that rounds it to integers. Those with a network of their own, which needs every
line of the C, do not. The ACC unit depends on its own files alone.
"""

import ast
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from importlib.resources import files as resources
from pathlib import Path

from acc_decel.compiled import acc_sources, is_of_acc
from acc_decel.evidence.acc_unit import ACC_STEPS, DRIVER, TOOLS, acc_page, measure_acc
from acc_decel.evidence.mutation import DRIVER as PREDICTION_DRIVER
from acc_decel.evidence.report import (
    BITS,
    DIFFERENCES,
    FUZZING,
    JSON_FILE,
    PAGE_FILE,
    PARTS,
    SETTING_OF,
    Evidence,
    Settings,
    formats_of,
    head,
    measure,
    renew,
    steps_of,
)
from acc_decel.evidence.report import page as formats_page
from acc_decel.evidence.tools import check_tools
from acc_decel.export.exported_folder import Firmware, exported
from acc_decel.export.firmware_files import DOMAIN_TABLES as DOMAIN
from acc_decel.export.firmware_files import FLOAT, FORMATS, TABLES, hand_written
from acc_decel.files import atomic_write
from acc_decel.network import fingerprint

KEYS, ACC, CHANGED = "keys", "acc", "changed"
DRIVEN = {"sanitizers": PREDICTION_DRIVER, "coverage_pct": PREDICTION_DRIVER, "mutants": PREDICTION_DRIVER}
"""Parts that measure the C with a network of their own, and the program that does it."""
FUZZER = Path(__file__).parent / "fuzz.c"
SHARED = ("acc_decel.h", "acc_decel_word.h", "acc_decel_factors.h")  # headers of the firmware in the ACC unit
ROUNDING = ("fixed_point", "c_fixed.py", "c_shift.py")  # in acc_decel/export: what makes the tables of integers
Keys = dict[str, dict[str, str]]  # format, or ACC -> part -> hash
OnStep = Callable[[], None]


def part_keys(firmware: Firmware, formats: Iterable[str]) -> Keys:
    """The hash of what each part depends on, for these formats and the ACC unit."""
    files = exported(firmware.net, firmware.model, FLOAT)
    keys = {name: _format_keys(firmware, name, files) for name in formats}
    unit = [*acc_sources(firmware.folder), *firmware.folder.glob("acc_decel_acc*.h"), DRIVER]
    shared = [firmware.folder / name for name in SHARED]
    return keys | {ACC: {ACC: _hash((path.name, path.read_bytes()) for path in (*unit, *shared))}}


def _format_keys(firmware: Firmware, number_format: str, files: dict[str, str | bytes]) -> dict[str, str]:
    """The hashes of one format; `files` is the firmware in float, whose headers beside the tables are those of all."""
    common = [(name, text.encode()) for name, text in hand_written(number_format).items() if not _is_other(name)]
    interface = (
        (name, str(text).encode())
        for name, text in files.items()
        if name.endswith(".h")
        and name not in (TABLES, DOMAIN, "golden_vectors.h", *dict(common))
        and not _is_other(name)
    )
    generated = sorted(interface)
    network = [("network", fingerprint(firmware.net).encode()), *([] if number_format == FLOAT else _rounding())]
    own = _hash([*common, *generated, *network])
    keys = dict.fromkeys((*PARTS, BITS), own)
    keys |= {part: _hash([*common, *_schema(firmware), (d.name, d.read_bytes())]) for part, d in DRIVEN.items()}
    return keys | {FUZZING: _hash([("own", own.encode()), (FUZZER.name, FUZZER.read_bytes())])}


def _is_other(name: str) -> bool:
    """Whether a file of an export is no C of the prediction."""
    return is_of_acc(Path(name)) or name.startswith("example_")


def _schema(firmware: Firmware) -> list[tuple[str, bytes]]:
    """What a network of the driver has of the model: its factors."""
    return [("factors", repr(firmware.net.factors).encode())]


def _rounding() -> list[tuple[str, bytes]]:
    """The code that rounds a network to integers, without its comments."""
    folder = Path(str(resources("acc_decel.export")))
    paths = [path for name in ROUNDING for path in (sorted((folder / name).glob("*.py")) or [folder / name])]
    return [(path.name, ast.dump(ast.parse(path.read_text())).encode()) for path in paths]


def _hash(parts: Iterable[tuple[str, bytes]]) -> str:
    digest = sha256()
    for name, content in sorted(parts):
        digest.update(name.encode() + b"\0" + sha256(content).digest())
    return digest.hexdigest()


def changed_parts(evidence: Evidence, firmware: Firmware) -> list[tuple[str, str]]:
    """The parts, as (format or ACC, part), whose evidence is missing or of something else than what is there now.

    Evidence from before the hashes counts for the C that it names.
    """
    present, measured = part_keys(firmware, formats_of(evidence)), evidence.get(KEYS)
    if measured is None:
        same = all(evidence.get(name) == value for name, value in head(firmware).items())
        measured = {name: keys for name, keys in present.items() if same and name in evidence}
    return [
        (section, part)
        for section, keys in present.items()
        for part, key in keys.items()
        if measured.get(section, {}).get(part) != key
    ]


def measure_all(
    firmware: Firmware, settings: Settings, *, formats: Sequence[str] = FORMATS, on_step: OnStep = lambda: None
) -> Evidence:
    """`measure`, and the ACC unit, each part with its hash. Calls `on_step` ACC_STEPS times more."""
    evidence = measure(firmware, settings, formats=formats, on_step=on_step)
    evidence[ACC] = measure_acc(firmware.folder, settings.bits_events, on_step)
    return evidence | {KEYS: part_keys(firmware, formats)}


def renew_part(
    evidence: Evidence,
    firmware: Firmware,
    settings: Settings,
    only: str,
    *,
    answerers: Sequence[str] | None = None,
    on_step: OnStep = lambda: None,
) -> Evidence:
    """`evidence` with the part `only` measured again: one of `renew`, ACC, or CHANGED for all that have changed.

    Of the comparison of bits the rows of `answerers` may be renewed alone; the others must be of the present C.
    """
    if only == CHANGED:
        return _renew_changed(evidence, firmware, settings, on_step)
    if only == ACC:
        return _with_acc(evidence, firmware, settings, on_step)
    result = renew(evidence, firmware, settings, only, answerers=answerers, on_step=on_step)
    formats = formats_of(evidence)
    present = part_keys(firmware, formats)
    kept = evidence.get(KEYS, present)  # without hashes: `renew` has compared the C
    renewed = {name: kept.get(name, {}) | {only: present[name][only]} for name in formats}
    return result | {KEYS: kept | renewed}


def with_changes(present: Evidence, before: Evidence, renewed: Evidence) -> Evidence:
    """`present` with what `renewed` has changed of `before`: another process may have renewed another part since."""
    result = dict(present)
    for name, value in renewed.items():
        now, old = present.get(name), before.get(name)
        if isinstance(value, dict) and isinstance(now, dict) and isinstance(old, dict):
            result[name] = with_changes(now, old, value)
        elif value != old:
            result[name] = value
    return result


def _with_acc(evidence: Evidence, firmware: Firmware, settings: Settings, on_step: OnStep) -> Evidence:
    """The evidence with that of the ACC unit measured again, and with the hashes of the other parts that are right."""
    check_tools(TOOLS)
    changed = changed_parts(evidence, firmware)
    present = part_keys(firmware, formats_of(evidence))
    keys = {
        section: {part: key for part, key in own.items() if section == ACC or (section, part) not in changed}
        for section, own in present.items()
    }
    kept = evidence.get(KEYS, {})
    merged = {section: kept.get(section, {}) | own for section, own in keys.items()}
    return {**evidence, ACC: measure_acc(firmware.folder, settings.bits_events, on_step), KEYS: merged}


def _renew_changed(evidence: Evidence, firmware: Firmware, settings: Settings, on_step: OnStep) -> Evidence:
    """The evidence with every part measured again that is of something else than what is there now."""
    changed, present = changed_parts(evidence, firmware), part_keys(firmware, formats_of(evidence))
    result = {**evidence, **head(firmware)}
    for part, formats in _by_part(changed):
        if part == ACC:
            result = _with_acc(result, firmware, settings, on_step)
            continue
        others = {*formats_of(evidence)} - {*formats}
        asked = {name: value for name, value in result.items() if name not in others}
        renewed = renew(asked, firmware, settings, part, on_step=on_step)
        for name in formats:
            place = DIFFERENCES[name] if part == BITS else name
            result[place] = renewed[place]
    return result | {KEYS: present}


def _by_part(changed: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Each part with the formats in which it has changed."""
    changed = list(changed)
    for part in dict.fromkeys(part for _, part in changed):
        yield part, [section for section, other in changed if other == part]


def settings_of(only: str) -> list[str]:
    """The settings that the part `only` is measured with."""
    every = {**SETTING_OF, ACC: SETTING_OF[BITS]}
    return [*every.values()] if only == CHANGED else [every[only]] if only in every else []


def steps_in_all(
    settings: Settings, formats: Iterable[str], only: str | None = None, answerers: Sequence[str] | None = None
) -> int:
    """How often `measure_all`, or `renew_part` for this part, calls `on_step`; of CHANGED at most."""
    if only == ACC:
        return ACC_STEPS
    if only in (None, CHANGED):
        return steps_of(settings, formats) + ACC_STEPS
    return steps_of(settings, formats, only, answerers)


def page(evidence: Evidence) -> str:
    """The evidence as the text of EVIDENCE.md."""
    return formats_page(evidence) + (acc_page(evidence[ACC]) if ACC in evidence else "")


def write_evidence(folder: Path, evidence: Evidence) -> None:
    """Write evidence.json and EVIDENCE.md into `folder`, each whole or not at all."""
    with atomic_write(folder / JSON_FILE) as data, atomic_write(folder / PAGE_FILE) as text:
        data.write_text(json.dumps(evidence, indent=1) + "\n")
        text.write_text(page(evidence))
