"""What each factor adds to a prediction: exact Shapley values, and a small network that learns them."""

from acc_decel.attribution.exact import KERNEL_SAMPLES as KERNEL_SAMPLES
from acc_decel.attribution.exact import agreement as agreement
from acc_decel.attribution.exact import exact_attributions as exact_attributions
from acc_decel.attribution.exact import exact_shapley_values as exact_shapley_values
from acc_decel.attribution.game import Reference as Reference
from acc_decel.attribution.game import estimates as estimates
from acc_decel.attribution.game import is_available as is_available
from acc_decel.attribution.game import reference as reference
from acc_decel.attribution.onnx_file import attribution_bytes as attribution_bytes
from acc_decel.attribution.student import GAP_SCALE as GAP_SCALE
from acc_decel.attribution.student import Dense as Dense
from acc_decel.attribution.student import Student as Student
from acc_decel.attribution.student import optional_factors as optional_factors
