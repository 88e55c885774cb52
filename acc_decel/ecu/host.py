"""The firmware on the host: compiled to a shared library and called through ctypes, many events a call."""

import ctypes
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, WARNINGS, compiled, fingerprint, firmware_sources
from acc_decel.ecu.compiler import TARGET_SOURCES, ZIG
from acc_decel.ecu.self_test import SelfTest
from acc_decel.outputs import OUTPUTS

_OPTIONS = (*SAME_BITS, *WARNINGS, "-O2", "-shared", "-fPIC")


class HostEcu:
    """The firmware of a folder, running on this machine (level 1 of a virtual ECU).

    `build` is a folder where the library is cached as long as the sources are the same; without it, the library is
    compiled into a temporary folder. `compiler` and `options` select another compiler or, for example, a sanitizer.
    """

    def __init__(
        self, folder: Path, *, build: Path | None = None, compiler: Sequence[str] = ZIG, options: Sequence[str] = ()
    ) -> None:
        """Compile and load the firmware of `folder`. Raises RuntimeError with the compiler's message."""
        if build is None:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
                self._library = _loaded(folder, Path(temporary), compiler, options)
        else:
            self._library = _loaded(folder, build, compiler, options)
        self._columns = int(self._library.acc_decel_host_columns())

    def predict_array(
        self, columns: Float32[ndarray, "rows columns"], *, into: Float32[ndarray, "rows outputs"] | None = None
    ) -> tuple[Float32[ndarray, "rows outputs"], Int64[ndarray, " rows"]]:
        """Outputs, as `OUTPUTS` lists them, and status of every row; NaN in means not available.

        Refused rows keep their values of `into`, or are NaN without it. Raises ValueError for wrong columns.
        """
        if columns.shape[1] != self._columns:
            raise ValueError(f"The firmware takes {self._columns} columns. Got {columns.shape[1]}: export it again.")
        rows = np.ascontiguousarray(columns)
        outputs = np.full((len(rows), len(OUTPUTS)), np.nan, np.float32) if into is None else into.copy()
        status = np.zeros(len(rows), np.int64)
        self._library.acc_decel_host_batch(len(rows), rows.ctypes.data, outputs.ctypes.data, status.ctypes.data)
        return outputs, status

    def self_test(self) -> SelfTest:
        """The result of `acc_decel_self_test` on this machine."""
        return SelfTest(self._library.acc_decel_self_test())


def _loaded(folder: Path, build: Path, compiler: Sequence[str], options: Sequence[str]) -> ctypes.CDLL:
    command = (*compiler, *_OPTIONS, *options, f"-I{folder}")
    library_path = build / f"acc_decel_{fingerprint(command, (folder, TARGET_SOURCES))}.so"
    if not library_path.exists():
        build.mkdir(parents=True, exist_ok=True)
        compiled(command, (*firmware_sources(folder), TARGET_SOURCES / "host_batch.c"), library_path)
    library = ctypes.CDLL(str(library_path.resolve()))
    library.acc_decel_host_columns.restype = ctypes.c_uint32
    library.acc_decel_host_batch.argtypes = (ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    library.acc_decel_host_batch.restype = None
    return library
