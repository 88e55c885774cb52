"""The quality of many braking events for people: one line that counts the flagged ones and says why."""

from collections.abc import Iterable


def quality_counts(quality: Iterable[str]) -> dict[str, int]:
    """How many events have each flag of QUALITY, in its order, without those that none has."""
    from acc_decel.drives import QUALITY  # noqa: PLC0415 - the extra [drives] is asked for only here

    words = [set(text.split()) for text in quality]
    counts = {name: sum(name in flags for flags in words) for name in QUALITY}
    return {name: count for name, count in counts.items() if count}


def quality_summary(quality: Iterable[str], what: str = "events") -> str:
    """One line: how many of the events are flagged, how many by each flag, and what that flag means."""
    from acc_decel.drives import GOOD, QUALITY  # noqa: PLC0415

    texts = list(quality)
    flagged = sum(text != GOOD for text in texts)
    why = "; ".join(f"{count} {name} ({QUALITY[name]})" for name, count in quality_counts(texts).items())
    return f"flagged: {flagged} of {len(texts)} {what}" + (f": {why}" if why else "")
