"""The cache key: digest(step fingerprint, digests of the inputs' contents, parameter values, output names)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlstack_nb.core.digest import UndigestibleError, digest, encode
from mlstack_nb.core.step import Step
from mlstack_nb.engine.store import file_digest
from mlstack_nb.engine.values import Codec

_file_digests: dict[tuple[str, int, int, int], str] = {}


def cache_key(step: Step, *, inputs: Mapping[str, str], parameters: Mapping[str, str]) -> str:
    """Names the result `step` would give, without running it: 64 hex characters.

    `inputs` maps names to content digests, `parameters` to value digests; their order does not matter.
    """
    outputs = [(output.name, step.settings.materializers.get(output.name, "")) for output in step.outputs]
    return digest("key", step.fingerprint.digest, sorted(inputs.items()), sorted(parameters.items()), outputs)


def value_digest(value: Any, codec: Codec) -> str:
    """The digest of a parameter or captured value: plain data by value, a `Path` by its content, the rest by content.

    A path counts with its last name and the bytes below it, so the same data in another folder is the same
    value. Raises MaterializerError for a value that can not be written.
    """
    if isinstance(value, Path):
        return digest("path", value.name, path_digest(value))
    try:
        return digest("value", encode(value))
    except UndigestibleError:
        return codec.digest_of(value)


def is_plain(value: Any) -> bool:
    """Whether a value is taken as it is: a path, or plain data. Everything else goes through a materializer."""
    if isinstance(value, Path):
        return True
    try:
        encode(value)
    except UndigestibleError:
        return False
    return True


def path_digest(path: Path) -> str:
    """The content of a file or folder; a file is read again only when its size, time or inode changed."""
    if path.is_dir():
        names = sorted(name for name in path.rglob("*") if name.is_file())
        return digest("folder", [(name.relative_to(path).as_posix(), path_digest(name)) for name in names])
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "missing"
    signature = (str(path.absolute()), stat.st_size, stat.st_mtime_ns, stat.st_ino)
    if signature not in _file_digests:
        _file_digests[signature] = file_digest(path)
    return _file_digests[signature]
