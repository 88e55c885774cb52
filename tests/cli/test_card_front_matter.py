"""What model hubs read of a card: its front matter is YAML, and its figures are those of the metrics."""

import json
import tomllib
from pathlib import Path

import pytest
import yaml

from acc_decel.cli.card_front_matter import front_matter
from acc_decel.model_folder import CARD_MARK, released_models
from acc_decel.outputs import QUANTILES

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("name", released_models())
def test_a_card_begins_with_its_license_its_task_and_its_metrics(name):
    folder = released_models()[name]
    before, head, text = (folder / "card.md").read_text().split("---\n", 2)
    assert before == ""
    assert text.startswith(f"\n# {name}\n\n{CARD_MARK}")
    told, metrics = yaml.safe_load(head), json.loads((folder / "metrics.json").read_text())
    assert (told["license"], told["pipeline_tag"]) == (PROJECT["license"].lower(), "tabular-regression")
    (index,) = told["model-index"]
    assert index["name"] == f"acc_decel {name}"
    (result,) = index["results"]
    assert str(metrics["events"]) in result["dataset"]["name"]
    figures = {figure["name"]: figure["value"] for figure in result["metrics"]}
    for quantile, share in QUANTILES.items():
        assert figures[f"share below {quantile}, {share:g} meant"] == pytest.approx(
            metrics["below"][quantile], abs=1e-5
        )
    assert figures["share inside the 90 % interval"] == pytest.approx(metrics["coverage"], abs=1e-5)
    assert figures["share of real events that is flagged"] == pytest.approx(metrics["domain"]["false_alarms"], abs=1e-5)


def test_every_figure_is_a_number_and_every_name_a_text():
    metrics = json.loads((released_models()["compact"] / "metrics.json").read_text())
    metrics["domain"]["false_alarms"] = 1e-7
    lines = front_matter(metrics | {"vehicle": 'my: "car" # one'})
    told = yaml.safe_load("\n".join(lines[1 : lines.index("---", 1)]))
    assert told["model-index"][0]["name"] == 'acc_decel my: "car" # one'
    figures = told["model-index"][0]["results"][0]["metrics"]
    assert all(isinstance(figure["value"], float) for figure in figures)
