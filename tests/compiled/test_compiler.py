"""Running a compiler: it ends, it leaves whole files, and zig always has a folder to write to."""

import os
import sys
from pathlib import Path

import pytest

from acc_decel.compiled import compiler

WAITS = (sys.executable, "-c", "import time; time.sleep(60)")
WRITES_HALF = (sys.executable, "-c", "import sys; open(sys.argv[-1], 'w').write('half'); sys.exit('disk full')")
TELLS_CACHE = (
    sys.executable,
    "-c",
    "import os, sys; open(sys.argv[-1], 'w').write(os.environ.get('ZIG_GLOBAL_CACHE_DIR', 'its own'))",
)


def test_a_compiler_that_does_not_end_is_stopped_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "LIMIT_S", 0.2)
    with pytest.raises(RuntimeError, match=r"a\.so must compile within 0\.2 s\. Got no end of "):
        compiler.compiled(WAITS, [], tmp_path / "a.so")
    assert not list(tmp_path.iterdir())


def test_a_half_written_product_is_never_found(tmp_path: Path) -> None:
    product = tmp_path / "a.so"
    product.write_text("old")
    with pytest.raises(RuntimeError, match="Got:\ndisk full"):
        compiler.compiled(WRITES_HALF, [], product)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.so", "old")]


@pytest.mark.skipif(os.name == "nt", reason="Windows has a cache folder for each user")
@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME", "ZIG_GLOBAL_CACHE_DIR"])
def test_zig_gets_a_temporary_cache_where_it_could_not_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("XDG_CACHE_HOME", "ZIG_GLOBAL_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for place, is_own in ((str(tmp_path), True), (f"{os.devnull}/nowhere", False)):
        monkeypatch.setenv(variable, place)
        chosen = compiler.compiled(TELLS_CACHE, [], tmp_path / "cache.txt").read_text()
        assert (chosen in ("its own", str(tmp_path))) == is_own
        assert is_own or Path(chosen).is_dir()
