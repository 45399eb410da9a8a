"""Files hashed while written, and private memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3

from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers.files import HASH_CHUNK, MAP_FROM, HashedFile, private_memory, stored, write_hashed


@pytest.mark.parametrize("size", [0, 1, HASH_CHUNK - 1, HASH_CHUNK + 1])
def test_the_digest_is_that_of_the_file(size: int, tmp_path: Path) -> None:
    content = np.arange(size, dtype=np.uint8)
    found = write_hashed(tmp_path / "a", b"head", content)
    data = (tmp_path / "a").read_bytes()
    assert data == b"head" + content.tobytes()
    assert found == blake3(data).hexdigest()


def test_a_digest_needs_no_file() -> None:
    with HashedFile(None) as file:
        file.write(b"ab")
        file.write(b"c")
    assert file.hexdigest == blake3(b"abc").hexdigest()
    assert file.tell() == 3


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_hashed(Path("/dev/full"), b"a")


@pytest.mark.parametrize("size", [10, MAP_FROM, MAP_FROM * 2])
def test_changing_private_memory_does_not_change_the_file(size: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(size))
    path.chmod(0o444)
    memory = private_memory(path)
    memory[5] = 1
    assert memory[5] == 1
    assert path.read_bytes() == bytes(size)


def test_the_first_file_of_several_names_is_found(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    assert stored(tmp_path, "a", "b") == tmp_path / "b"
    with pytest.raises(MaterializerError, match="no file a or c") as caught:
        stored(tmp_path, "a", "c")
    assert "--no-cache" in caught.value.hint
