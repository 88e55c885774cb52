"""Who could have written a file: code is only loaded from where nobody but this user and the system can write."""

import os
import stat
from pathlib import Path

SYSTEM = 0  # the user id of root


def intruders(path: Path) -> str | None:
    """Why others than this user and root could have put `path` there, as the end of "Got ..."; None if nobody could.

    The file or folder itself and each folder above it must belong to the user or root, and only its owner may write to
    it. A folder in which all may write but only owners rename (sticky, like /tmp) may lie above; so may one that the
    user's own group writes, the group with the user's number. Nothing is asked where there are no POSIX modes.
    Raises OSError if one of them cannot be looked at.
    """
    if not hasattr(os, "getuid"):
        return None
    user = os.getuid()
    resolved = path.resolve(strict=True)
    for place in (resolved, *resolved.parents):
        found = place.stat()
        if found.st_uid not in (user, SYSTEM):
            return f"{place} of user {found.st_uid}"
        writable = stat.S_IMODE(found.st_mode)
        by_own_group = found.st_gid == found.st_uid and place != resolved
        by_others = writable & stat.S_IWOTH or (writable & stat.S_IWGRP and not by_own_group)
        if by_others and (place == resolved or not writable & stat.S_ISVTX):
            return f"{place} with mode {writable:o}"
    return None
