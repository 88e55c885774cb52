"""Arrays in, files out: ONNX and C."""

from acc_decel.export.onnx_file import onnx_bytes as onnx_bytes
from acc_decel.export.reference import reference_outputs as reference_outputs
from acc_decel.export.reference import status_of as status_of
