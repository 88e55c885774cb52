"""The status of many answers for people: a short cell beside each answer, and one line that counts the flags."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.status import FLAGS, flags

Statuses = ndarray | Sequence[int] | pd.Series
NO_FLAG = "ok"
FLAGS_COLUMN = "flags"  # of answers as JSON


def flag_words(name: str) -> str:
    """A flag of FLAGS as a cell names it: OUTSIDE_DOMAIN is "outside domain"."""
    return name.lower().replace("_", " ")


def flag_cells(status: Statuses) -> list[str]:
    """For each status the flags that are set, or NO_FLAG; factors that are not available are no flag."""
    codes = _codes(status)
    texts = {code: ", ".join(_set_in(code)) or NO_FLAG for code in np.unique(codes).tolist()}
    return [texts[code] for code in codes.tolist()]


def flag_summary(status: Statuses, what: str = "answers") -> str:
    """One line: how many of the answers are flagged, how many by each flag, and what that flag means.

    `what` names the answers in the plural, like "events" or "tests".
    """
    meanings = {flag_words(name): meaning for name, (_, meaning) in FLAGS.items()}
    return _counts(status, what, {name: f" ({meaning})" for name, meaning in meanings.items()})


def flag_counts(status: Statuses, what: str = "answers") -> str:
    """The line of `flag_summary` without what the flags mean, for a title."""
    return _counts(status, what, {})


def flag_masks(status: Statuses) -> dict[str, ndarray]:
    """For each flag that is set somewhere, in words: which answers have it."""
    codes = _codes(status)
    masks = {flag_words(name): codes & bit != 0 for name, (bit, _) in FLAGS.items()}
    return {name: mask for name, mask in masks.items() if mask.any()}


def with_flags(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers with a column FLAGS_COLUMN for a program: a list of the names of the flags in each `status`."""
    names = pd.Series([list(flags(code)) for code in _codes(answers["status"]).tolist()], answers.index, dtype=object)
    return answers.assign(**{FLAGS_COLUMN: names})


def _counts(status: Statuses, what: str, meanings: dict[str, str]) -> str:
    masks = flag_masks(status)
    flagged = int(np.any(list(masks.values()), axis=0).sum()) if masks else 0
    why = "; ".join(f"{mask.sum()} {name}{meanings.get(name, '')}" for name, mask in masks.items())
    return f"flagged: {flagged} of {len(_codes(status))} {what}" + (f": {why}" if why else "")


def _set_in(code: int) -> Iterator[str]:
    return (flag_words(name) for name, (bit, _) in FLAGS.items() if code & bit)


def _codes(status: Statuses) -> ndarray:
    return np.array([int(code) for code in status], np.int64)
