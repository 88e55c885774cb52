"""The Python prediction API: one event or a DataFrame of events in, what the car can do out."""

from acc_decel.model_folder import models_folder as models_folder
from acc_decel.predictor.explainer import Explainer as Explainer
from acc_decel.predictor.inputs import SWITCH_WORDS as SWITCH_WORDS
from acc_decel.predictor.inputs import Given as Given
from acc_decel.predictor.inputs import RefusedError as RefusedError
from acc_decel.predictor.inputs import columns_of as columns_of
from acc_decel.predictor.inputs import near_factor as near_factor
from acc_decel.predictor.inputs import other_columns as other_columns
from acc_decel.predictor.inputs import refusal as refusal
from acc_decel.predictor.inputs import unknown_factor as unknown_factor
from acc_decel.predictor.inputs import where as where
from acc_decel.predictor.predictor import ANSWERS as ANSWERS
from acc_decel.predictor.predictor import ONNX_RUNTIME as ONNX_RUNTIME
from acc_decel.predictor.predictor import C as C
from acc_decel.predictor.predictor import Prediction as Prediction
from acc_decel.predictor.predictor import Predictor as Predictor
from acc_decel.predictor.predictor import attribution_column as attribution_column
from acc_decel.predictor.predictor import predictions as predictions
from acc_decel.predictor.text_cells import without_text as without_text
