"""The network in fixed point as it is exported: its weights rounded together, so that the error stays small."""

from dataclasses import replace

from jaxtyping import Float32
from numpy import ndarray, rint

from acc_decel.export.exportable import check_fits
from acc_decel.export.fixed_point.arithmetic import FixedLayer, FixedNet
from acc_decel.export.fixed_point.observed import values_reached
from acc_decel.export.fixed_point.quantisation import quantised
from acc_decel.export.fixed_point.weight_rounding import Rounding, rounded_net
from acc_decel.network import DenseNet


def fixed_net(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> FixedNet:
    """`net` in fixed point, near it on accepted `events`.

    Raises ValueError, naming layer and reason, if the integers cannot be proven to fit.
    """
    check_fits(net)
    reached = values_reached(net, events)
    alone = quantised(net, reached)
    near = rounded_net(net, [_to_steps_of(layer) for layer in alone.embedding + alone.trunk], events)
    return replace(quantised(near, reached), net=net)


def _to_steps_of(layer: FixedLayer) -> Rounding:
    """The rounding to the integers of `layer`."""
    step = 2.0**-layer.point
    return lambda _: lambda some: rint(some / step) * step
