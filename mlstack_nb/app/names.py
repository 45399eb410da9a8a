"""What people type: names of components and stacks, and kinds."""

from __future__ import annotations

from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import NotFoundError, UsageError

LONGEST = 100
LONGEST_BYTES = 200
"""Names become names of files, which have 255 bytes at most."""


def check_name(noun: str, name: object) -> None:
    """Raises UsageError unless `name` is fit for listings, files and command lines."""
    problem = ""
    if not isinstance(name, str):
        problem = "is no text"
    elif not 1 <= len(name) <= LONGEST:
        problem = f"has {len(name)} characters"
    elif len(name.encode("utf-8", "surrogatepass")) > LONGEST_BYTES:
        problem = f"has more than {LONGEST_BYTES} bytes"
    elif name != name.strip() or not name.isprintable():
        problem = "has a control character, or begins or ends with a blank"
    elif "/" in name or "\\" in name:
        problem = "has a slash"
    elif name.startswith("-"):
        problem = "begins with '-'"
    if problem:
        raise UsageError(
            f"{name!r} can not be the name of {article(noun)}: it {problem}.",
            f"Give a name of 1 to {LONGEST} characters without slashes.",
        )


def article(noun: str) -> str:
    """`a stack`, `an orchestrator`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def kind_of(text: str) -> Kind:
    """The kind in either spelling, `artifact-store` or `artifact_store`. Raises NotFoundError with the nearest one."""
    try:
        return Kind(text.replace("-", "_"))
    except ValueError:
        raise NotFoundError.of("kind", text, list(Kind), f"Kinds: {', '.join(Kind)}.") from None
