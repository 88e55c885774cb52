"""The status of many answers: a cell for each, a line for all, for whatever flags there are."""

import numpy as np
import pandas as pd
import pytest

from acc_decel import status
from acc_decel.cli import flag_lines
from acc_decel.cli.flag_lines import NO_FLAG, flag_cells, flag_summary
from acc_decel.status import BELOW_COMFORT, NOT_AVAILABLE_SHIFT, OUTSIDE_DOMAIN

MISSING = 1 << (NOT_AVAILABLE_SHIFT + 2)
STATUS = [0, MISSING, OUTSIDE_DOMAIN | MISSING, OUTSIDE_DOMAIN | BELOW_COMFORT]


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, tuple])
def test_each_answer_has_a_cell_with_its_flags(kind):
    assert flag_cells(kind(STATUS)) == [NO_FLAG, NO_FLAG, "outside domain", "outside domain, below comfort"]


def test_the_line_says_how_many_of_how_many_and_why():
    line = flag_summary(STATUS, "events")
    assert line.startswith("flagged: 2 of 4 events: 2 outside domain (")
    for name, count in (("OUTSIDE_DOMAIN", 2), ("BELOW_COMFORT", 1)):
        assert f"{count} {flag_lines.flag_words(name)} ({status.FLAGS[name][1]})" in line
    assert "refused" not in line


def test_without_flags_it_says_that_too():
    assert flag_summary([0, MISSING]) == "flagged: 0 of 2 answers"
    assert flag_summary([]) == "flagged: 0 of 0 answers"


def test_a_flag_of_tomorrow_is_counted_too(monkeypatch):
    monkeypatch.setitem(status.FLAGS, "BRAND_NEW", (1 << 55, "a new kind of doubt"))
    assert flag_cells([1 << 55]) == ["brand new"]
    assert flag_summary([1 << 55, 0]) == "flagged: 1 of 2 answers: 1 brand new (a new kind of doubt)"
