"""What the tests of several files here make once."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def seven_cars(made_once: Callable[..., Path]) -> Path:
    """The what-if page of all released models."""
    page = import_module("acc_decel.cli.page").page
    return made_once("seven_cars", lambda folder: page([], folder / "what_if.html")) / "what_if.html"
