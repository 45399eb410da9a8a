"""`python -m mlstack_nb.flavors.serving FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mlstack_nb.flavors.serving.folder import ServiceFolder
from mlstack_nb.flavors.serving.service import serve

sys.exit(asyncio.run(serve(ServiceFolder(Path(sys.argv[1])))))
