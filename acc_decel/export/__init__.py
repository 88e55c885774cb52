"""Arrays in, files out: ONNX, C, and the folder of a released model."""

from acc_decel.export.exported_folder import HAND_WRITTEN as HAND_WRITTEN
from acc_decel.export.exported_folder import Firmware as Firmware
from acc_decel.export.exported_folder import find_firmware as find_firmware
from acc_decel.export.exported_folder import sources_sha256 as sources_sha256
from acc_decel.export.exported_folder import write_format as write_format
from acc_decel.export.firmware_files import firmware_files as firmware_files
from acc_decel.export.firmware_files import prediction_files as prediction_files
from acc_decel.export.firmware_files import write_firmware as write_firmware
from acc_decel.export.golden import even_events as even_events
from acc_decel.export.golden import golden_events as golden_events
from acc_decel.export.model_writing import write_model as write_model
from acc_decel.export.onnx_file import onnx_bytes as onnx_bytes
from acc_decel.export.onnx_fixed import fixed_onnx_bytes as fixed_onnx_bytes
from acc_decel.export.reference import reference_outputs as reference_outputs
from acc_decel.export.reference import status_of as status_of
