"""The template: what its kernels share and what they do not, and jupyter_client's view of it."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory

from mlstack_nb.kernels import template_process
from mlstack_nb.kernels.execute import Kernels, execute
from mlstack_nb.kernels.provisioner import TemplateProvisioner
from tests.kernels.conftest import notebook, printed


def said(source: str, folder: Path, **options: Any) -> str:
    with Kernels(cwd=folder, **options) as kernels:
        executed = kernels.execute(notebook(source))
    assert executed.failed is None, executed.failed.traceback
    return printed(executed.document).strip()


def test_preloaded_modules_are_there_before_the_first_cell(tmp_path: Path) -> None:
    template_process.close()  # one that began with other variables would not be forked
    code = "import sys\nprint('pandas' in sys.modules, 'polars' in sys.modules)"
    assert said(code, tmp_path, preload=["pandas", "polars", "no_such_module"]) == "True False"
    template_process.close()


def test_libraries_with_threads_work_after_the_fork(tmp_path: Path) -> None:
    code = """
import numpy as np, pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
x = np.random.rand(500, 20); y = x[:, 0] > 0.5
HistGradientBoostingClassifier(max_iter=5).fit(x @ x.T, y)
RandomForestClassifier(n_estimators=5, n_jobs=2).fit(x, y)
pd.DataFrame(x).rename(columns=str).to_parquet("x.parquet")
print(len(pd.read_parquet("x.parquet")))
"""
    modules = ["numpy", "pandas", "sklearn.ensemble", "scipy.linalg", "pyarrow"]
    assert [said(code, tmp_path, preload=modules) for _ in range(2)] == ["500", "500"]


def test_kernels_draw_different_random_numbers(tmp_path: Path) -> None:
    code = "import random, numpy\nprint(random.random(), numpy.random.rand(), numpy.random.default_rng().random())"
    drawn = [said(code, tmp_path, preload=["numpy"]).split() for _ in range(2)]
    assert len({*drawn[0], *drawn[1]}) == 6


def test_a_fork_looks_like_a_kernel_that_was_started(tmp_path: Path) -> None:
    code = """
import json, signal, sys, warnings, __main__
state = [sys.path, sys.argv[::3], sys.argv[1], sys.flags.safe_path, sorted(set(dir(__main__)) - {"_", "__", "___"})]
state += [str(signal.getsignal(number)) for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)]
state += [str(sys.modules["__main__"]), warnings.filters[0][:3:2], sys.stdin.read()]
print(json.dumps(state, default=str))
"""
    forked = said(code, tmp_path)
    started = said(code, tmp_path, env={**os.environ, "PYTHON_READS": "this"})
    assert json.loads(forked) == json.loads(started)


def test_plots_show_without_a_magic_as_in_any_kernel(tmp_path: Path) -> None:
    with Kernels(cwd=tmp_path, preload=["matplotlib.pyplot"]) as kernels:
        executed = kernels.execute(notebook("import matplotlib.pyplot as plt\nplt.plot([1, 2]);"))
    (output,) = executed.document["cells"][0]["outputs"]
    assert "image/png" in output["data"]


def test_a_plots_backend_may_be_chosen_in_the_environment(tmp_path: Path) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint(plt.get_backend())"
    assert said(code, tmp_path, preload=["matplotlib"], env={**os.environ, "MPLBACKEND": "svg"}) == "svg"


def test_tables_that_were_preloaded_show_as_in_any_kernel(tmp_path: Path) -> None:
    code = "import pandas as pd\nprint(pd.get_option('display.max_columns'), 'get_ipython' in dir(__builtins__))"
    assert said(code, tmp_path, preload=["pandas"]) == "20 True"
    template_process.close()


def test_classes_of_a_notebook_can_be_pickled_and_processes_started(tmp_path: Path) -> None:
    code = """
import pickle
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
class Thing: pass
def double(x): return 2 * x
pickle.loads(pickle.dumps(Thing()))
with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
    print(list(pool.map(double, [1, 2])))
"""
    assert said(code, tmp_path) == "[2, 4]"


def test_subprocesses_and_shell_lines_work(tmp_path: Path) -> None:
    code = "!echo shell\nimport subprocess\nprint(subprocess.check_output(['echo', 'sub'], text=True))"
    assert said(code, tmp_path).split() == ["shell", "sub"]


def test_debugpy_can_be_imported(tmp_path: Path) -> None:
    assert said("import debugpy\nprint(debugpy.__name__)", tmp_path) == "debugpy"


def test_the_folder_of_sockets_is_private() -> None:
    assert stat.S_IMODE(template_process.template().folder.stat().st_mode) & 0o077 == 0


def test_the_template_has_one_thread(tmp_path: Path) -> None:
    template_process.close()  # which may have preloaded numpy, whose BLAS has one
    execute(notebook("1"), cwd=tmp_path)
    template = template_process.template()
    assert len(list(Path(f"/proc/{template._process.pid}/task").iterdir())) == 1


def test_a_large_environment_reaches_the_kernel(tmp_path: Path) -> None:
    env = {f"LARGE_{k}": "x" * 100_000 for k in range(10)}
    with Kernels(cwd=tmp_path, env=env) as kernels:
        executed = kernels.execute(notebook("import os\nprint(sum(len(os.environ[f'LARGE_{k}']) for k in range(10)))"))
    assert printed(executed.document) == "1000000\n"


def test_jupyter_can_start_it_by_the_name_in_a_kernel_spec() -> None:
    async def restarted() -> list[int]:
        manager = AsyncKernelManager(kernel_name="python3")
        spec = manager.kernel_spec
        assert spec is not None
        spec.metadata["kernel_provisioner"] = {"provisioner_name": "mlstack"}
        await manager.start_kernel()
        assert type(manager.provisioner) is TemplateProvisioner
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=30)
        pids = [await told_pid(client)]
        await manager.restart_kernel(now=True)
        await client.wait_for_ready(timeout=30)
        pids.append(await told_pid(client))
        client.stop_channels()
        assert await manager.is_alive()
        await manager.shutdown_kernel()
        assert not await manager.is_alive()
        return pids

    async def told_pid(client: Any) -> int:
        client.execute("import os; print(os.getpid())")
        while True:
            message = await client.get_iopub_msg(timeout=30)
            if message["msg_type"] == "stream":
                return int(message["content"]["text"])

    assert "mlstack" in KernelProvisionerFactory.instance().provisioners
    assert len(set(asyncio.run(restarted()))) == 2


def test_papermill_is_imported_without_the_grammar_of_addresses_which_is_there_when_needed() -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom mlstack_nb.kernels.papermill_import import import_papermill\nimport_papermill()\n"
        "assert 'papermill' in sys.modules and 'rfc3987_syntax' not in sys.modules\n"
        "from jsonschema import FormatChecker\n"
        "print(FormatChecker().conforms('http://a.b/ü', 'iri'), FormatChecker().conforms('not an iri', 'iri'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
