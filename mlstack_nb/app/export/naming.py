"""Names for the functions and variables of a module that people's own names leave free."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection


def identifier(name: str) -> str:
    made = re.sub(r"\W", "_", name)
    return f"_{made}" if made[:1].isdigit() or keyword.iskeyword(made) else made


def free_name(wanted: str, suffix: str, taken: Collection[str]) -> str:
    """`wanted` as a name, with the suffix, and a number if need be, where it is taken or a builtin's."""
    name = identifier(wanted)
    candidates = [name, f"{name}_{suffix}", *(f"{name}_{suffix}_{number}" for number in range(2, len(taken) + 3))]
    return next(one for one in candidates if one not in taken and not hasattr(builtins, one))
