"""Content hashes: an 800 MB array hashed on one core, and hashed while it is written, against writing it alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Line, script

_ARRAY = """
from pathlib import Path
import numpy as np
from mlstack_nb.engine.store import file_digest
from mlstack_nb.materializers.files import HashedFile
array = np.random.default_rng(0).random(100_000_000)

def write(file):
    with file as opened:
        np.lib.format.write_array(opened, array)

def written():
    write(open("plain.npy", "wb", buffering=0))

def hashed():
    HashedFile(None).write(array)

def both():
    with HashedFile(Path("hashed.npy")) as file:
        file.write(array)

for code in (written, hashed, both):
    code()
report(hash=min(cpu(hashed) for _ in range(3)))
report(read=min(cpu(file_digest, Path("plain.npy")) for _ in range(3)))
report(floor=min(cpu(array.tobytes) for _ in range(3)))
report(write=min(cpu(written) for _ in range(3)))
report(both=min(cpu(both) for _ in range(3)))
"""


def lines() -> Iterator[Line]:
    """Two gigabytes a second are 0.4 s."""
    with tempfile.TemporaryDirectory() as scratch:
        measured = script(_ARRAY, folder=Path(scratch), runs=1)
    yield Line("800 MB hashed in memory, one core", measured["hash"], "s", 0.4, floor=measured["floor"])
    yield Line("800 MB hashed from a file, one core", measured["read"], "s", 0.4, floor=measured["floor"])
    added = measured["both"] - measured["write"]
    yield Line("what hashing adds to writing 800 MB", added, "s", 0.4, floor=measured["write"])
