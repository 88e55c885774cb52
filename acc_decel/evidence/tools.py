"""The programs that measure evidence and that pip does not install, with the Debian package of each."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

GCC, GCOV, CPPCHECK, CLANG, LIBFUZZER = "gcc", "gcov", "cppcheck", "clang", "libFuzzer"
PACKAGES = {GCC: "gcc", GCOV: "gcc", CPPCHECK: "cppcheck", CLANG: "clang", LIBFUZZER: "libclang-rt-dev"}


def check_tools(tools: Iterable[str]) -> None:
    """Raise FileNotFoundError if a program is not installed, with the command that installs its Debian package."""
    if missing := missing_tools(tools):
        packages = dict.fromkeys(PACKAGES[tool] for tool in missing)
        raise FileNotFoundError(
            f"{', '.join(missing)} must be installed to measure the evidence. Got none: "
            f"apt-get install {' '.join(packages)}."
        )


def missing_tools(tools: Iterable[str]) -> list[str]:
    """The programs of `tools` that are not installed."""
    wanted = [*dict.fromkeys(tools)]
    return [tool for tool in wanted if not (_has_libfuzzer() if tool == LIBFUZZER else shutil.which(tool))]


def _has_libfuzzer() -> bool:
    """True if clang links a program with libFuzzer; without clang too, because then clang is what is missing."""
    if not shutil.which(CLANG):
        return True
    with tempfile.TemporaryDirectory() as work:
        probe = ("int LLVMFuzzerTestOneInput(void);", "int LLVMFuzzerTestOneInput(void) { return 0; }")
        (Path(work) / "probe.c").write_text("\n".join(probe))
        command = [CLANG, "-fsanitize=fuzzer,address,undefined", "probe.c", "-o", os.devnull]
        return not subprocess.run(command, check=False, capture_output=True, cwd=work).returncode
