"""The network in fixed point as it is exported: with weights rounded together, so that the error stays small."""

from dataclasses import replace

from jaxtyping import Float32
from numpy import ndarray, rint

from acc_decel.export.exportable import check_exportable
from acc_decel.export.fixed_point.arithmetic import FixedLayer, FixedNet
from acc_decel.export.fixed_point.observed import observed_maxima
from acc_decel.export.fixed_point.quantisation import quantise
from acc_decel.export.fixed_point.weight_rounding import Rounding, rounded_net
from acc_decel.network import DenseNet


def fixed_net(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> FixedNet:
    """`net` in fixed point, close to it on accepted `events`.

    Raises ValueError, naming layer and reason, if the integers cannot be proven to fit.
    """
    check_exportable(net)
    maxima = observed_maxima(net, events)
    independent = quantise(net, maxima)
    rounded = rounded_net(net, [_to_steps_of(layer) for layer in independent.embedding + independent.trunk], events)
    return replace(quantise(rounded, maxima), net=net)


def _to_steps_of(layer: FixedLayer) -> Rounding:
    """The rounding to the integers of `layer`."""
    step = 2.0**-layer.point
    return lambda _: lambda weights: rint(weights / step) * step
