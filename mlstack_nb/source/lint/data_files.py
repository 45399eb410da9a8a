"""MLS301: files that a step reads, but that do not count in its cache key."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from mlstack_nb.source.lint.findings import Finding
from mlstack_nb.source.lint.passages import Part
from mlstack_nb.source.lint.usage import Called, Usage

_PANDAS = "csv table fwf json parquet excel feather hdf pickle xml stata sas spss orc html".split()
_POLARS = "csv ipc json ndjson parquet excel avro".split()
_READERS = """
open io.open gzip.open bz2.open lzma.open codecs.open zipfile.ZipFile tarfile.open linecache.getlines
os.listdir os.scandir os.walk glob.glob glob.iglob
numpy.load numpy.loadtxt numpy.genfromtxt numpy.fromfile numpy.memmap scipy.io.loadmat scipy.io.wavfile.read
scipy.sparse.load_npz joblib.load torch.load torch.jit.load torchaudio.load torchvision.io.read_image
pyarrow.parquet.read_table pyarrow.csv.read_csv pyarrow.feather.read_table pyarrow.dataset.dataset
PIL.Image.open cv2.imread cv2.VideoCapture imageio.imread imageio.v2.imread imageio.v3.imread skimage.io.imread
matplotlib.pyplot.imread matplotlib.image.imread xarray.open_dataset xarray.open_zarr h5py.File netCDF4.Dataset
geopandas.read_file rasterio.open librosa.load soundfile.read nibabel.load dask.dataframe.read_csv
dask.dataframe.read_parquet duckdb.read_csv duckdb.read_parquet duckdb.read_json keras.models.load_model
tensorflow.keras.models.load_model sklearn.datasets.load_svmlight_file
"""
READERS = frozenset(
    [
        *_READERS.split(),
        *(f"pandas.read_{one}" for one in _PANDAS),
        *(f"polars.{how}_{one}" for how in ("read", "scan") for one in _POLARS),
    ]
)
GIVES_PATH = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.path.join", "os.fspath", "str"})
WRITERS = frozenset(
    "to_csv to_parquet to_json to_excel to_feather to_pickle to_hdf to_stata to_html savefig save savez savetxt dump "
    "write_text write_bytes write_csv write_parquet write_json write_ipc save_model save_weights imwrite imsave touch "
    "makedirs mkdir copyfile copy copy2 copytree move urlretrieve write_table".split()
)
_MAKES = re.compile(r"(?i)save|checkpoint|write|dump|export|download|extract|unpack|fetch|retrieve|copy|logger|^to_")
_READS_ITSELF = frozenset({"read_text", "read_bytes", "open", "glob", "rglob", "iterdir"})
_FIRST = ("filepath_or_buffer", "path_or_buf", "path", "io", "file", "fname", "filename", "source", "name", "fp", "f")
_NO_DATA = (":memory:", "/dev/", "/proc/", "/sys/")
_WILD = re.compile(r"[*?\[]")
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]+:/{1,2}")


class Origin(NamedTuple):
    """What a path is made of: `text` as far as it is written, `node` when it is one literal of the call, `name` when it
    is a text of an ordinary cell.
    """

    text: str
    node: ast.Constant | None = None
    name: str = ""


def undeclared_data(usage: Usage) -> Iterator[Finding]:
    """One for each read of the body and of the functions that it calls."""
    if usage.code.counts_anew:
        return
    written = {origin.text for call in usage.calls if _may_write(call) for origin in _given(call, usage)}
    for call in usage.calls:
        is_own = call.spot.passage.part is Part.BODY or call.spot.is_deferred
        if not is_own or not (origin := read_by(call, usage)):
            continue
        if any(_covers(file, origin.text) for file in (*written, *usage.code.files)):
            continue
        message, hint = _told(origin, is_whole=usage.code.is_whole)
        about = None if _WILD.search(origin.text) else origin.node or origin.name or None
        yield replace(call.spot.finding("MLS301", message, hint), about=about)


def _told(origin: Origin, *, is_whole: bool) -> tuple[str, str]:
    """The message, and the way out."""
    text = origin.text
    if origin.name:
        message = f"The file of {origin.name!r} is read, but {origin.name!r} is plain text: {text!r}."
        how = f"{origin.name}: Annotated[str, DataFile()] = {text!r}"
        return message, f"Annotate {origin.name!r}, and the file's content counts: {how}"
    message = f"The file {text!r} is read, but the cache does not count its content."
    if _WILD.search(text):
        folder = _WILD.split(text)[0].rpartition("/")[0] or "."
        message = f"The files {text!r} are looked for, but the cache does not count them."
        return message, f"Write in an ordinary cell: folder = Path({folder!r}), and look below folder; or add --files"
    if is_whole:
        return message, f"Write it in a cell tagged parameters: source: Annotated[str, DataFile()] = {text!r}"
    return message, f"Write in an ordinary cell: source = Path({text!r}), and read source; or add --files {text}"


def read_by(call: Called, usage: Usage) -> Origin | None:
    """The path of a file that the call reads, when it is nothing but text."""
    if call.path in READERS and not _is_for_writing(call):
        for argument in _first_argument(call.node):
            return _local(path_of(argument, usage))
    if call.receiver is not None and call.method in _READS_ITSELF and not _is_for_writing(call):
        made = call.receiver
        if _makes_path(made, usage):
            return _local(path_of(made, usage))
    return None


def _local(origin: Origin | None) -> Origin | None:
    """Not what is in the network, in memory, or no name at all."""
    if origin is None or not origin.text or _ADDRESS.match(origin.text) or origin.text.startswith(_NO_DATA):
        return None
    return None if "\n" in origin.text else origin


def path_of(node: ast.expr, usage: Usage, depth: int = 0) -> Origin | None:
    """None as soon as some part of it is anything but text that is written in the code."""
    match node:
        case ast.Constant(str(value)):
            return Origin(value, node)
        case ast.JoinedStr(parts):
            values = [part.value if isinstance(part, ast.FormattedValue) else part for part in parts]
            return _joined(values, usage, "", depth)
        case ast.BinOp(left, ast.Div(), right):
            return _joined([left, right], usage, "/", depth)
        case ast.BinOp(left, ast.Add(), right):
            return _joined([left, right], usage, "", depth)
        case ast.Call(func, [_, *_] as parts, []) if usage.path(func) in GIVES_PATH or getattr(func, "id", "") == "str":
            return path_of(parts[0], usage, depth) if len(parts) == 1 else _joined(parts, usage, "/", depth)
        case ast.Name() if depth < 5:
            return _of_name(node, usage, depth)
    return None


def _of_name(node: ast.Name, usage: Usage, depth: int) -> Origin | None:
    name, code = node.id, usage.code
    function = _function_of(node, usage)
    if name in code.inputs or function is not None:
        is_own = function is not None and function == code.function and name in code.texts
        return Origin(code.texts[name], name=name) if is_own else None
    if name in code.texts:
        return Origin(code.texts[name], name=name)
    values = usage.literals.get(name, [])
    if len(values) != 1 or values[0] is None:
        return None
    found = path_of(values[0], usage, depth + 1)
    return found._replace(node=None) if found else None


def _function_of(node: ast.Name, usage: Usage) -> str | None:
    """The name of the function around it that has it as a parameter, None where there is none."""
    above = usage.parents.get(node)
    while above is not None:
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner = above.args
            if any(one.arg == node.id for one in (*inner.posonlyargs, *inner.args, *inner.kwonlyargs)):
                return getattr(above, "name", "")
        above = usage.parents.get(above)
    return None


def _joined(parts: list[ast.expr], usage: Usage, by: str, depth: int) -> Origin | None:
    found = [path_of(part, usage, depth) for part in parts]
    texts = [one.text for one in found if one is not None]
    return Origin(by.join(texts)) if len(texts) == len(parts) else None


def _first_argument(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args[:1]
    yield from (one.value for one in call.keywords if one.arg in _FIRST)


def _makes_path(node: ast.expr, usage: Usage) -> bool:
    """`Path("a")`, `Path("a") / "b"`, or a name for one of them."""
    match node:
        case ast.Call(func):
            return usage.path(func) in GIVES_PATH
        case ast.BinOp(left, ast.Div(), _):
            return _makes_path(left, usage)
        case ast.Name(name):
            values = usage.literals.get(name, [])
            one = values[0] if len(values) == 1 else None
            return one is not None and not isinstance(one, ast.Name) and _makes_path(one, usage)
    return False


def _is_for_writing(call: Called) -> bool:
    """`open(path, "w")`, `Path(path).open("a")`, `h5py.File(path, "w")`."""
    arguments = call.node.args[0 if call.receiver is not None and call.path not in READERS else 1 :]
    modes = [*arguments[:1], *(one.value for one in call.node.keywords if one.arg == "mode")]
    texts = [one.value for one in modes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    may_write = call.method in ("open", "File", "ZipFile", "memmap")
    return may_write and any(not set("wax+").isdisjoint(text) for text in texts if len(text) <= 4)


def _may_write(call: Called) -> bool:
    """Whether it may leave a file or a folder that it is given the path of."""
    return call.method in WRITERS or bool(_MAKES.search(call.method)) or _is_for_writing(call)


def _given(call: Called, usage: Usage) -> Iterator[Origin]:
    """The paths that a call is given, or is a method of."""
    receiver = [call.receiver] if call.receiver is not None else []
    for argument in (*receiver, *call.node.args, *(one.value for one in call.node.keywords)):
        found = path_of(argument, usage)
        if found is not None:
            yield found


def _covers(file: str, path: str) -> bool:
    """Whether a path is that file, below that folder, or that file with the ending that `np.save` gives it."""
    file, path = file.removeprefix("./").rstrip("/"), path.removeprefix("./")
    return path == file or path.startswith(f"{file}/") or path in (f"{file}.npy", f"{file}.npz")
