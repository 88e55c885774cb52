"""The network as plain arrays; `acc_decel.network.training` trains it with Keras, for which it needs [train]."""

from acc_decel.network.dense_net import FORMAT as FORMAT
from acc_decel.network.dense_net import DenseNet as DenseNet
from acc_decel.network.dense_net import Layer as Layer
from acc_decel.network.dense_net import Wiring as Wiring
from acc_decel.network.dense_net import entering as entering
from acc_decel.network.dense_net import in_order as in_order
from acc_decel.network.dense_net import load_net as load_net
from acc_decel.network.dense_net import missing as missing
from acc_decel.network.dense_net import rectified as rectified
from acc_decel.network.dense_net import saturated as saturated
from acc_decel.network.dense_net import side_by_side as side_by_side
from acc_decel.network.dense_net import to_bytes as to_bytes
from acc_decel.network.dense_net import walk as walk
from acc_decel.network.dense_net import wiring as wiring
from acc_decel.network.domain import domain_inputs as domain_inputs
from acc_decel.network.domain import domain_score as domain_score
from acc_decel.network.domain import excluded as excluded
from acc_decel.network.domain import outside_domain as outside_domain
from acc_decel.network.fingerprint import fingerprint as fingerprint
from acc_decel.network.fingerprint import fingerprint_of as fingerprint_of
from acc_decel.network.stored_onnx import FINGERPRINT as FINGERPRINT
from acc_decel.network.stored_onnx import GRAPH_DIGEST as GRAPH_DIGEST
from acc_decel.network.stored_onnx import StoredOnnx as StoredOnnx
from acc_decel.network.stored_onnx import factors_of as factors_of
from acc_decel.network.stored_onnx import read_onnx as read_onnx
