"""The fingerprint of a network: it says that a file of arrays and an ONNX file hold the same network."""

import hashlib
from collections.abc import Mapping

from numpy import ndarray

from acc_decel.network.dense_net import DenseNet, net_arrays


def fingerprint(net: DenseNet) -> str:
    """SHA-256 of the arrays that define `net`; the same network has the same fingerprint on every machine."""
    return fingerprint_of(net_arrays(net))


def fingerprint_of(arrays: Mapping[str, ndarray]) -> str:
    """SHA-256 of arrays by name, in the order of their names: of name, type, shape and little-endian bytes of each."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        kind = array.dtype.newbyteorder("<")
        digest.update(f"{name} {kind.str} {array.shape}\n".encode())
        digest.update(array.astype(kind).tobytes())
    return digest.hexdigest()
