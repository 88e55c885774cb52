"""One prediction followed through every form: Keras, NumPy, ONNX Runtime, host C, emulated Cortex-M4F."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import onnxruntime
import pytest
from conftest import BUDGET, sensed_events
from numpy import ndarray

from acc_decel import evaluation, released_models
from acc_decel.ecu import CortexM, HostEcu
from acc_decel.export import firmware_files, golden_events, onnx_bytes, reference_outputs, status_of, write_firmware
from acc_decel.factors import FACTORS, column_names
from acc_decel.model_folder import read_model
from acc_decel.network import DenseNet, cautious, outside_domain
from acc_decel.outputs import COMFORT_DECELERATION, OUTPUTS
from acc_decel.physics import vehicle
from acc_decel.predictor import columns_of
from acc_decel.status import BELOW_COMFORT, REFUSED

pytestmark = pytest.mark.slow

EVENTS = 10_000
Answers = tuple[ndarray, ndarray]  # outputs, status


def keras_answers(net: DenseNet, columns: ndarray) -> Answers:
    """The answers of a Keras model that is given the weights of `net`."""
    import keras  # noqa: PLC0415 - TensorFlow takes seconds

    from acc_decel.network import keras_net  # noqa: PLC0415
    from acc_decel.network.fine_tuning import with_weights  # noqa: PLC0415

    widths = [tuple(len(layer.bias) for layer in layers) for layers in (net.embedding, net.trunk[:-1])]
    model = with_weights(keras_net.keras_model(net.factors, *widths), net)
    last = [layer for layer in model.layers if isinstance(layer, keras_net.SignedDense)][-1]
    layers = keras.Model(model.inputs, last.output)  # the head of Keras has no offsets of the calibration

    def answer(columns: ndarray) -> ndarray:
        entered = net.entered(columns)
        sums = np.array(layers.predict_on_batch([entered.embedding, entered.forced, entered.head]))
        sums = sums * keras_net.LAST_SCALE + keras_net.LAST_OFFSET
        return net.answer(sums.astype(np.float32), entered)

    outputs = cautious(answer, net.factors, columns, outside_domain(net, columns))
    status = status_of(net, columns)
    outputs[status & REFUSED != 0] = np.nan
    return outputs, status


def onnx_answers(net: DenseNet, columns: ndarray) -> Answers:
    session = onnxruntime.InferenceSession(onnx_bytes(net, {}), providers=["CPUExecutionProvider"])
    *outputs, status = session.run([*OUTPUTS, "status"], {"factors": columns})
    return np.stack(outputs, axis=1), status


@dataclass(frozen=True)
class Chain:
    """The answers of every form of one network to the same events."""

    columns: ndarray
    answers: dict[str, Answers]


def published_rows() -> ndarray:
    return columns_of(evaluation.factors_of(evaluation.published_tests()), vehicle("compact").factors)


@pytest.fixture(scope="module", params=["trained here", "released"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    if request.param == "released":
        net, _ = read_model(released_models()["compact"])
    else:
        net = request.getfixturevalue("small_net")
    net = replace(net, factors=FACTORS)  # the mass of every car, so that every published test is answered
    folder = tmp_path_factory.mktemp("firmware")
    write_firmware(folder, firmware_files(net, model="chain", golden=golden_events(FACTORS)))
    forms: dict[str, Callable[[ndarray], Answers]] = {
        "Keras": lambda columns: keras_answers(net, columns),
        "NumPy": lambda columns: (reference_outputs(net, columns), status_of(net, columns)),
        "ONNX Runtime": lambda columns: onnx_answers(net, columns),
        "host C": lambda columns: HostEcu(folder).predict_array(columns),
        "Cortex-M4F": lambda columns: CortexM(folder).predict_array(columns),
    }
    columns = np.concatenate([sensed_events(EVENTS), published_rows(), golden_events(FACTORS)])
    return Chain(columns, {name: form(columns) for name, form in forms.items()})


FORMS = ("Keras", "NumPy", "ONNX Runtime", "host C", "Cortex-M4F")
HOPS = dict(
    zip(
        pairwise(FORMS),
        (BUDGET.keras_to_numpy, BUDGET.numpy_to_onnx, BUDGET.onnx_to_host, BUDGET.host_to_target),
        strict=True,
    )
)


@pytest.mark.parametrize(("hop", "budget"), HOPS.items(), ids=[" to ".join(hop) for hop in HOPS])
def test_a_prediction_survives_the_hop(chain, hop, budget):
    (before, _), (after, _) = (chain.answers[form] for form in hop)
    np.testing.assert_allclose(after, before, rtol=0, atol=budget)


@pytest.mark.parametrize("form", FORMS[1:])
def test_the_whole_chain_keeps_the_answer_of_keras(chain, form):
    np.testing.assert_allclose(chain.answers[form][0], chain.answers["Keras"][0], rtol=0, atol=BUDGET.whole_chain)


@pytest.mark.parametrize("form", FORMS[2:])
def test_the_whole_chain_gives_the_same_status(chain, form):
    lower, expected = chain.answers["NumPy"][0][:, 0], chain.answers["NumPy"][1]
    differs = chain.answers[form][1] ^ expected
    near = np.abs(lower - COMFORT_DECELERATION) < BUDGET.whole_chain  # there the last bits decide
    assert not (differs & ~np.where(near, BELOW_COMFORT, 0)).any()


def test_the_events_try_what_the_chain_can_do(chain):
    outputs, status = chain.answers["Cortex-M4F"]
    assert len(chain.columns) >= EVENTS + len(published_rows())
    assert np.isfinite(outputs[: EVENTS + len(published_rows())]).all(), "every event and every published test"
    assert np.isnan(outputs[status & REFUSED != 0]).all()
    assert (status & REFUSED != 0).any()
    for f in FACTORS:
        lacking = np.isnan(chain.columns[:EVENTS, column_names().index(f.columns[0])])
        assert lacking.any() == f.optional, f.name
    assert np.std(outputs[:EVENTS, 1]) > 1, "the answers differ"
