"""The shapes in annotations are checked while tests run: in all of the package but what is compiled."""

import sys

import numpy as np
import pytest
from conftest import shape_checked_modules
from jaxtyping import TypeCheckError

from acc_decel.network import domain_score
from tests.helpers.random_net import random_events, random_net


def test_modules_are_imported_with_the_check_or_not_at_all():
    imported = [name for name in shape_checked_modules() if name in sys.modules]
    assert len(imported) > 50
    for name in imported:
        assert type(sys.modules[name].__loader__).__module__.startswith("jaxtyping"), name


def test_only_modules_of_compiled_functions_are_not_checked():
    files = {name: str(module.__file__) for name, module in sys.modules.items() if name.startswith("acc_decel.")}
    modules = {name for name, file in files.items() if not file.endswith("__init__.py")}
    left_out = {name.split(".")[-1] for name in modules - set(shape_checked_modules())}
    assert {"equations", "integration"} <= left_out <= {*COMPILED, *TRAINED}


COMPILED = ("equations", "integration", "driving", "controller", "loop", "many_runs", "gaps")
TRAINED = ("keras_net", "descent", "domain_training", "training", "fine_tuning", "reserve_fitting", "bayes_training")


def test_an_array_of_the_wrong_shape_is_refused_at_the_boundary():
    net = random_net(np.random.default_rng(1))
    (event,) = random_events(np.random.default_rng(2), 1)
    with pytest.raises(TypeCheckError):
        domain_score(net, event)
