"""Recordings that are folders of NumPy arrays, read in blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.source import BLOCK_ROWS, Block


@dataclass(frozen=True)
class ArrayFolder:
    """A folder with pairs of NumPy arrays, `X__t.npy` and `X__value.npy` (or `X/t` and `X/value`)."""

    path: Path
    timed = True

    def channels(self) -> dict[str, str]:
        """Names of the pairs; a column of a wider array gets its number in brackets."""
        return {name: "" for group in self.groups() for name in self._columns(group)}

    def groups(self) -> dict[str, tuple[Path, Path]]:
        """Name of each pair with the files of its times and its values."""
        files = {
            path.relative_to(self.path).as_posix(): path for path in sorted(self.path.rglob("*")) if path.is_file()
        }
        pairs = {}
        for name, path in files.items():
            for end in ("__t.npy", "/t.npy", "/t"):
                values = (
                    files.get(name.removesuffix(end) + end.replace("t", "value", 1)) if name.endswith(end) else None
                )
                if values is not None:
                    pairs[name.removesuffix(end).replace("__", "/")] = (path, values)
        return pairs

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The columns `names`, pair by pair."""
        for group, (times, _) in self.groups().items():
            columns = {name: values for name, values in self._columns(group).items() if name in names}
            stamps = _load(times).ravel()
            for first in range(0, len(stamps) if columns else 0, BLOCK_ROWS):
                rows = slice(first, first + BLOCK_ROWS)
                values = {name: np.asarray(column[rows], float) for name, column in columns.items()}
                yield Block(group, np.asarray(stamps[rows], float), values)

    def _columns(self, group: str) -> dict[str, ndarray]:
        times, values = map(_load, self.groups()[group])
        if not times.size or not values.ndim or len(values) != times.size:
            shape = " x ".join(map(str, values.shape)) or "a single value"
            raise ValueError(f"{self.path}: {group} must have a value for each time. Got {shape}, {times.size} times.")
        flat = values.reshape(len(values), -1)
        if flat.shape[1] == 1:
            return {group: flat[:, 0]}
        return {f"{group}[{i}]": flat[:, i] for i in range(flat.shape[1])}


def _load(path: Path) -> ndarray:
    """An array of numbers in a file. Raises ValueError that names the file for anything else."""
    try:
        array = np.load(path, mmap_mode="r")
    except (
        ValueError,
        OSError,
        EOFError,
        SyntaxError,
        TypeError,
        OverflowError,
        MemoryError,
    ) as error:  # as NumPy does
        sentence = " ".join(str(error).split())[:200].rstrip(".")
        raise ValueError(f"{path} must be a whole NumPy array. Got: {sentence}. Copy it again.") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = array.dtype if isinstance(array, np.ndarray) else "an archive of arrays"
        raise ValueError(f"{path} must be an array of numbers. Got {kind}: write numbers, one array a file.")
    return array
