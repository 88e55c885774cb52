"""A compiled firmware, called through ctypes: many events in one call, and quick answers to a few."""

import ctypes
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray

FEW_ROWS = 64  # up to so many rows, answers use a thread's own memory, because getting an array's address is slow


@dataclass(frozen=True)
class _Memory:
    """Memory of one thread for a few answers: addresses, and for each number of rows the arrays that view them."""

    outputs: ctypes.c_void_p
    status: ctypes.c_void_p
    views: tuple[tuple[ndarray, ndarray], ...]


class Library:
    """The firmware compiled for this machine. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Load the library `path`. Raises OSError if this machine cannot."""
        self.path = path
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:
            raise OSError(
                f"{path} must be a library that this machine loads. Got: {error}. Delete it and run "
                "`acc-decel compile`, or use the backend onnxruntime."
            ) from error
        library.acc_decel_compiled_columns.restype = ctypes.c_uint32
        library.acc_decel_compiled_outputs.restype = ctypes.c_uint32
        self.columns = int(library.acc_decel_compiled_columns())
        self.outputs = int(library.acc_decel_compiled_outputs())
        self._many = library.acc_decel_compiled_answers
        self._many.argtypes = (ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        self._many.restype = None
        self._few = library.acc_decel_compiled_few  # int, bytes, c_void_p, c_void_p: 0.2 us faster without argtypes
        self._few.restype = None
        self._of_thread = threading.local()

    def predict_array(self, columns: ndarray) -> tuple[ndarray, ndarray]:
        """Outputs float32 [n, outputs], NaN where refused, and status int64 [n] of float32 [n, columns]."""
        rows = len(columns)
        if rows > FEW_ROWS:
            return self._answers_of_many(columns)
        try:
            memory: _Memory = self._of_thread.memory
        except AttributeError:
            memory = self._of_thread.memory = self._memory()
        self._few(rows, columns.tobytes(), memory.outputs, memory.status)
        outputs, status = memory.views[rows]
        return outputs.copy(), status.copy()

    def _answers_of_many(self, columns: ndarray) -> tuple[ndarray, ndarray]:
        rows, contiguous = len(columns), np.ascontiguousarray(columns)
        outputs, status = np.empty((rows, self.outputs), np.float32), np.empty(rows, np.int64)
        self._many(rows, contiguous.ctypes.data, outputs.ctypes.data, status.ctypes.data)
        return outputs, status

    def _memory(self) -> _Memory:
        outputs, status = np.empty((FEW_ROWS, self.outputs), np.float32), np.empty(FEW_ROWS, np.int64)
        views = tuple((outputs[:rows], status[:rows]) for rows in range(FEW_ROWS + 1))
        return _Memory(ctypes.c_void_p(outputs.ctypes.data), ctypes.c_void_p(status.ctypes.data), views)
