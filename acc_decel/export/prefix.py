"""A prefix for every name of an export, so that two models link into one program: one rule for C, headers and texts."""

import re
from collections.abc import Collection, Mapping

LONGEST = 10  # with a longer prefix two functions would share their first 31 characters, which is all C99 compares
KEYWORDS = frozenset(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    alignas alignof bool constexpr false nullptr static_assert thread_local true typeof typeof_unqual asm
    """.split()  # noqa: SIM905 - easier to compare with the standards than a list
)  # of C99 and C23, in lower case
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NAME = re.compile(r"(?:acc_decel|ACC_DECEL)(?=_|\.[ch]\b|\*)")  # where it begins a name, not where it is the product
_EXAMPLE = re.compile(r"\bexample(?=_\*|\.elf\b)")  # in the commands that build the example


def check_prefix(prefix: str) -> None:
    """Raise ValueError unless `prefix` can begin every name of an export."""
    if not _IDENTIFIER.fullmatch(prefix):
        expected = "a C identifier: letters, digits and _, the first no digit"
    elif prefix in KEYWORDS:
        expected = "no keyword of C"
    elif "acc_decel" in prefix.lower():
        expected = "unlike acc_decel, which the names of an export without a prefix begin with"
    elif prefix != prefix.lower():
        expected = "in lower case, because macros carry it in upper case, where trailer and Trailer would clash"
    elif prefix.startswith("_") or "__" in f"{prefix}_":
        expected = "without _ at an end and without __: such names belong to compilers"
    elif len(prefix) > LONGEST:
        expected = f"at most {LONGEST} characters, because C99 tells names apart by their first 31"
    else:
        return
    raise ValueError(f"--prefix must be {expected}. Got {prefix!r}: choose another, like trailer.")


def renamed(text: str, prefix: str, *, files: Collection[str] = ()) -> str:
    """The text of C or of a page with `prefix` before every name of the export, and before the names of `files`.

    Functions, types, variables and files get it as it is, macros in upper case. Without a prefix nothing changes.
    """
    if not prefix:
        return text
    text = _NAME.sub(lambda name: f"{prefix.upper() if name[0].isupper() else prefix}_{name[0]}", text)
    others = sorted(name for name in files if not _NAME.match(name))
    if others:
        text = re.sub(rf"\b(?:{'|'.join(map(re.escape, others))})\b", lambda name: f"{prefix}_{name[0]}", text)
    return _EXAMPLE.sub(f"{prefix}_example", text)


def with_prefix(files: Mapping[str, str | bytes], prefix: str) -> dict[str, str | bytes]:
    """An export (file name -> content) whose files and names all begin with `prefix`; bytes stay as they are."""
    return {
        f"{prefix}_{name}": renamed(content, prefix, files=files) if isinstance(content, str) else content
        for name, content in files.items()
    }
