"""The front matter of a model's card: what model hubs read of it, as YAML in the form of Hugging Face."""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import metadata
from typing import Any

from acc_decel.outputs import QUANTILES

TASK = "tabular-regression"
TAGS = ("onnx", "uncertainty", "quantile-regression", "automotive", "braking")


def front_matter(metrics: Mapping[str, Any]) -> list[str]:
    """The lines between two rules that begin a card: license, task, tags, and the metrics of events held out."""
    vehicle = str(metrics["vehicle"])
    held_out = f"{metrics['events']} simulated events held out, seed {metrics['dataset']['seed']}"
    figures = [
        line
        for kind, value, name in _figures(metrics)
        for line in (f"    - type: {kind}", f"      value: {value:.5f}", f"      name: {json.dumps(name)}")
    ]
    return [
        "---",
        f"license: {metadata('acc-decel')['License-Expression'].lower()}",
        "library_name: onnx",
        f"pipeline_tag: {TASK}",
        "tags:",
        *(f"- {tag}" for tag in TAGS),
        "model-index:",
        f"- name: {json.dumps(f'acc_decel {vehicle}')}",
        "  results:",
        "  - task:",
        f"      type: {TASK}",
        "      name: deceleration that a braking car reaches",
        "    dataset:",
        "      type: acc_decel",
        f"      name: {json.dumps(held_out)}",
        "    metrics:",
        *figures,
        "---",
        "",
    ]


def _figures(metrics: Mapping[str, Any]) -> Iterator[tuple[str, float, str]]:
    """Each metric: its kind, its value, and what it is."""
    yield "rmse", metrics["rmse"], "error of the median against single events, which scatter [m/s^2]"
    yield "rmse", metrics["rmse_conditional_median"], "error of the median against the best possible one [m/s^2]"
    yield "coverage", metrics["coverage"], "share inside the 90 % interval"
    for name, share in QUANTILES.items():
        yield "coverage", metrics["below"][name], f"share below {name}, {share:g} meant"
    yield "recall", metrics["domain"]["flagged"], "share of never-trained combinations that is flagged"
    yield "false_positive_rate", metrics["domain"]["false_alarms"], "share of real events that is flagged"
