"""What the documentation says of a sensor that is lost, measured again on fewer events."""

from pathlib import Path

import pytest

from acc_decel import Predictor
from benchmarks.lost_sensor import SEED, columns_of_events, losses

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "missing.md"
EVENTS = 4000


@pytest.fixture(scope="module")
def measured() -> dict:
    model = Predictor()
    return {loss.factor: loss for loss in losses(model, columns_of_events(model, EVENTS, SEED))}


def documented() -> dict[str, list[float]]:
    """The numbers of each row of the table."""
    _, _, section = PAGE.read_text().partition("## What a lost sensor can do")
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {name.strip("`"): [float(cell.removesuffix(" %")) for cell in cells] for name, *cells in rows}


def test_every_optional_factor_is_in_the_table(measured):
    assert list(documented()) == list(measured) == [f.name for f in Predictor().factors if f.optional]


@pytest.mark.parametrize("factor", documented())
def test_the_table_says_what_happens(measured, factor):
    narrower, raised, mean, rise_99, largest = documented()[factor]
    again = measured[factor]
    assert again.events > EVENTS / 2
    assert again.narrower_pct == pytest.approx(narrower, abs=4)
    assert again.raised_pct == pytest.approx(raised, abs=4)
    assert again.mean_change == pytest.approx(mean, abs=0.1)
    assert again.rise_99 == pytest.approx(rise_99, abs=0.3)
    assert again.largest_rise < largest + 0.1


def test_the_readme_and_the_limits_name_the_largest_rise_of_all():
    largest = max(rise for *_, rise in documented().values())
    root = PAGE.parents[2]
    assert f"up to {largest:.1f} m/s^2 in 20,000 events" in (root / "docs" / "assurance.md").read_text()
    assert f"up to {largest:.0f} m/s^2" in (root / "README.md").read_text()
