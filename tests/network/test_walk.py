"""The connections of the layers, once for all that go through them."""

import numpy as np
import pytest
from conftest import sensed_events

from acc_decel.network import rectified, side_by_side, walk
from tests.helpers.random_net import random_net


@pytest.mark.parametrize("seed", range(3))
def test_a_walk_with_the_rectifier_between_layers_ends_in_the_outputs_of_the_network(seed: int) -> None:
    net, events = random_net(np.random.default_rng(seed)), sensed_events(50)
    last = len(net.layers) - 1
    entered = net.entered(events)
    steps = walk(
        net,
        entered.embedding,
        entered.forced,
        lambda i, layer, x: layer(x) if i == last else rectified(layer(x)),
        side_by_side,
    )
    values = list(steps)
    assert [v.shape[1] for v in values] == [len(layer.bias) for layer in net.layers]
    np.testing.assert_array_equal(net.answer(values[-1], entered), net(events))
