"""The files of the evidence, checked that they belong together, and the values in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from acc_decel.export import HAND_WRITTEN, Firmware, find_firmware, sources_sha256
from acc_decel.files import parse_json, read_bounded, reason
from acc_decel.integration.bill_of_materials import check_sums
from acc_decel.integration.safety_case.verdicts import (
    DIFFERENCES,
    EACH,
    EVIDENCE,
    FORMAT,
    METRICS,
    PROOF,
    Reading,
    Where,
)
from acc_decel.model_folder import folder_of, made_for, read_files, read_metrics, released_as

COMPARED = {"float": "float_differences", "fixed": "fixed_point_differences", "shift": "shift_differences"}
AGAIN = {
    METRICS: "train it again with `acc-decel train`",
    PROOF: "run `acc-decel verify {model} --write`",
    EVIDENCE: "run `acc-decel evidence {firmware}`",
}
"""What makes a file of the evidence anew."""


@dataclass(frozen=True)
class Documents:
    """The evidence of a model and its firmware, which belong together; `read_documents` makes them."""

    model: str  # a released model's name, or that of the model's folder
    firmware: Firmware
    contents: Mapping[str, Any]  # by the name of the file
    hashes: Mapping[str, str]  # SHA-256 by the name of the file
    model_hashes: Mapping[str, str]  # of the files that the manifest of the model names
    sources: str  # SHA-256 of the C, as evidence.json states it
    summed: int  # files that SHA256SUMS names
    released: bool

    @property
    def digest(self) -> str:
        """One SHA-256 over all files of the evidence: another digest, another case."""
        return sha256("".join(f"{name} {self.hashes[name]}\n" for name in sorted(self.hashes)).encode()).hexdigest()

    def name(self, text: str) -> str:
        """A text with the names of this model, firmware and number format in it."""
        for mark, value in (
            ("{model}", self.model),
            ("{firmware}", self.firmware.folder.name),
            (FORMAT, self.firmware.number_format),
            (DIFFERENCES, COMPARED[self.firmware.number_format]),
        ):
            text = text.replace(mark, value)
        return text

    def read(self, where: Where) -> Reading:
        """The value at a place. Raises ValueError, naming file and key, if there is none or no number."""
        values = self._values(where)
        try:
            reading = where.pick(values)
        except (TypeError, ValueError) as error:
            raise self._refusal(where, f"values that can be compared. Got: {reason(error)}") from error
        if not isinstance(reading.value, int | float):
            raise self._refusal(where, f"a number or a truth value. Got {str(reading.value)[:40]!r}")
        return reading

    def text(self, where: Where) -> str:
        """The sentence at a place. Raises ValueError, naming file and key, if there is none."""
        (value,) = self._values(where).values()
        if not isinstance(value, str):
            raise self._refusal(where, f"a text. Got {str(value)[:40]!r}")
        return value

    def entries(self, where: Where) -> dict[str, Any]:
        """The values that a place with EACH leads to, by the name of their entry. Raises ValueError if it has none."""
        return self._values(where)

    def _values(self, where: Where) -> dict[str, Any]:
        """The values at a place, by the name of the last entry that was one of several; empty without such a key."""
        values: dict[str, Any] = {"": self.contents[where.file]}
        for key in map(self.name, where.keys):
            found: dict[str, Any] = {}
            for name, value in values.items():
                entries = _entries(value)
                chosen = list(entries or ()) if key == EACH else key.split("|")
                missing = [entry for entry in chosen if entries is None or entry not in entries]
                if missing or not chosen:
                    raise self._refusal(where, f"an entry {missing[0]!r}. Got none" if missing else "entries. Got none")
                several = key == EACH or len(chosen) > 1
                found |= {(entry if several else name): entries[entry] for entry in chosen} if entries else {}
            values = found
        return values

    def _refusal(self, where: Where, expected: str) -> ValueError:
        return ValueError(
            f"{where.file} of {self.model} must have at {self.name(where.path)} {expected}: "
            f"{self.name(AGAIN[where.file])}."
        )


def _entries(value: Any) -> Mapping[str, Any] | None:
    """The entries of an object, or of a list of objects that have a name; None of anything else."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(entry, dict) and "name" in entry for entry in value):
        return {entry["name"]: entry for entry in value}
    return None


def read_documents(model: str, firmware: Path, *, on_check: Callable[[str], None] = lambda _: None) -> Documents:
    """The evidence of a model and of its exported firmware, which is proven to be of exactly these files.

    Raises ValueError if a file is missing or altered, or if one is of another model or of other sources. `on_check` is
    called with what is checked next.
    """
    on_check("the files of the model")
    folder = folder_of(model)
    hashes = read_files(folder)
    metrics, proof = read_metrics(folder), _proof(folder, model)
    on_check("the sources of the firmware")
    measured, sources = _evidence(firmware), _sources(firmware)
    _check_sources(firmware, measured, sources)
    exported = find_firmware(firmware, str(folder))
    if measured.get("model") != exported.model:
        raise ValueError(f"{firmware / EVIDENCE} must be of {exported.model}. Got that of {measured.get('model')}.")
    on_check("the sums")
    summed = check_sums(firmware)
    files = {METRICS: folder / METRICS, PROOF: folder / PROOF, EVIDENCE: firmware / EVIDENCE}
    released = released_as(folder)
    return Documents(
        model=released or folder.resolve().name,
        firmware=exported,
        contents={METRICS: metrics, PROOF: proof, EVIDENCE: measured},
        hashes={name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()},
        model_hashes=hashes,
        sources=sources["sources_sha256"],
        summed=summed,
        released=released is not None,
    )


def _proof(folder: Path, model: str) -> dict[str, Any]:
    """The proof in a model's folder. Raises ValueError if it is of other files."""
    again = f"run `acc-decel verify {model} --write`"
    proof = _json(folder / PROOF, again)
    if proof.get("sha256") != made_for(folder):
        raise ValueError(f"{folder / PROOF} must be of the model's files. Got the proof of other files: {again}.")
    return proof


def _evidence(firmware: Path) -> dict[str, Any]:
    return _json(firmware / EVIDENCE, f"run `acc-decel export`, then `acc-decel evidence {firmware}`")


def _sources(firmware: Path) -> dict[str, str]:
    """SHA-256 of the C as evidence.json names them: of the export, and of what all exports share."""
    return {"sources_sha256": sources_sha256(firmware), "hand_written_sha256": sources_sha256(HAND_WRITTEN)}


def _check_sources(firmware: Path, measured: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Raise ValueError if the evidence is not of the C that lies in the folder, and of that of this package."""
    for name, digest in sources.items():
        stated = measured.get(name)
        if not isinstance(stated, str):
            raise ValueError(f"{firmware / EVIDENCE} must have {name}. Got none: run `acc-decel evidence {firmware}`.")
        if stated != digest:
            raise ValueError(
                f"evidence is of other sources: {firmware / EVIDENCE} must have {name} {digest[:8]}, of the C "
                f"{'in the folder' if name == 'sources_sha256' else 'of this acc_decel'}. Got {stated[:8]}: export the "
                f"model again, or run `acc-decel evidence {firmware}`."
            )


def _json(path: Path, again: str) -> dict[str, Any]:
    """The object in a file of the evidence. Raises ValueError with the remedy if it holds none."""
    try:
        values = parse_json(read_bounded(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} must hold JSON. Got: {reason(error)}: {again}.") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold a JSON object. Got {type(values).__name__}: {again}.")
    return values
