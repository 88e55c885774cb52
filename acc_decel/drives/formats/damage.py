"""Damage of a recording in our words: errors of the library that reads it, and what it prints, logs and warns."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

LOGGERS = ("can", "asammdf", "cantools", "canmatrix")  # of the libraries that read recordings
OURS = (RuntimeWarning, DeprecationWarning, SyntaxWarning, FutureWarning)  # that speak of this code, not of a file
MAX_LETTERS = 160  # of a sentence of a library


@dataclass
class Complaints:
    """What a reader complained of: how often, and its first sentence."""

    count: int = 0
    first: str = ""

    def add(self, sentence: str) -> None:
        """Count one more."""
        self.count += 1
        self.first = self.first or " ".join(sentence.split())

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence; none if there was no complaint."""
        if not self.count:
            return ()
        first = self.first
        first = first if len(first) <= MAX_LETTERS else f"{first[: MAX_LETTERS - 3]}..."
        times = f"{self.count} times, first" if self.count > 1 else "once"
        return (f"the reader of this format complains {times}: {first}",)


class _Collector(logging.Handler):
    """Counts the warnings of a logger."""

    def __init__(self, said: Complaints) -> None:
        super().__init__(logging.WARNING)
        self.said = said

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.said.add(record.getMessage())


@contextmanager
def damage_named(path: Path, said: Complaints | None = None) -> Iterator[None]:
    """Turn any error of a library that reads `path` into a ValueError that names it; a sentence that does stays.

    What the libraries print, log and warn on the way goes into `said`, and nowhere without it.
    """
    try:
        with _quiet(Complaints() if said is None else said):
            yield
    except ModuleNotFoundError:
        raise  # an extra that is not installed is not a fault of the file
    except Exception as error:  # the libraries raise many kinds on a damaged file
        is_named = isinstance(error, ValueError) and str(path.name) in str(error)
        if is_named or (isinstance(error, OSError) and error.filename):
            raise
        sentence = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise ValueError(
            f"{path} must be a whole recording that can be read to its end. Got: {sentence}. It may be damaged or cut "
            "short: record or copy it again."
        ) from error


@contextmanager
def _quiet(said: Complaints) -> Iterator[None]:
    """Collect what libraries log and warn in `said`; what they print, like tracebacks of attachments, is left out."""
    collector = _Collector(said)
    with ExitStack() as stack:
        for log in map(logging.getLogger, LOGGERS):
            stack.callback(_restore, log, log.handlers, log.propagate)
            log.handlers, log.propagate = [collector], False
        caught = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        with redirect_stdout(io.StringIO()):
            yield
    for warning in caught:
        if issubclass(warning.category, OURS):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        else:
            said.add(str(warning.message))


def _restore(log: logging.Logger, handlers: list[logging.Handler], propagate: bool) -> None:
    log.handlers, log.propagate = handlers, propagate
