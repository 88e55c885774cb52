"""The released models are those that the package knows, and their outputs keep the limits of the package."""

import numpy as np
import onnx
import pytest

from acc_decel.assurance.onnx_arrays import differences
from acc_decel.model_folder import read_files, read_model, released_models
from acc_decel.network import FINGERPRINT, fingerprint
from acc_decel.outputs import DELAY, OUTPUT_LIMITS
from acc_decel.released import RELEASED


def test_the_hashes_in_the_package_are_those_of_the_released_models():
    assert {name: read_files(folder) for name, folder in released_models().items()} == RELEASED


@pytest.mark.parametrize("name", released_models())
def test_the_outputs_of_a_released_model_keep_the_limits_of_the_package(name):
    net, _ = read_model(released_models()[name])
    low, high = np.array(tuple(OUTPUT_LIMITS.values()), np.float32).T
    assert (net.low >= low).all()
    assert (net.high <= high).all()
    assert net.low[DELAY] == 0


@pytest.mark.parametrize("name", released_models())
def test_arrays_graph_and_metadata_of_a_released_model_are_of_one_network(name):
    folder = released_models()[name]
    net, metrics = read_model(folder)
    graph = onnx.load(folder / "model.onnx")
    assert differences(graph, net) == []
    in_metadata = {entry.key: entry.value for entry in graph.metadata_props}[FINGERPRINT]
    assert in_metadata == fingerprint(net) == metrics["fingerprint"]
