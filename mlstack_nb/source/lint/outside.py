"""MLS202 and MLS203: what a step reads of the world around it, and the cache does not see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlstack_nb.source.lint.data_files import READERS, path_of
from mlstack_nb.source.lint.findings import Finding
from mlstack_nb.source.lint.passages import Part
from mlstack_nb.source.lint.usage import Called, Usage

_CLOCK = frozenset(
    "datetime.datetime.now datetime.datetime.today datetime.datetime.utcnow datetime.date.today time.time time.time_ns "
    "pandas.Timestamp.now pandas.Timestamp.today pandas.Timestamp.utcnow".split()
)
_CLOCK_WITHOUT_ARGUMENT = {
    "time.localtime": 1,
    "time.gmtime": 1,
    "time.ctime": 1,
    "time.asctime": 1,
    "time.strftime": 2,
}
_CLOCK_WORDS = frozenset({"now", "today"})
_READ_CLOCK_WORDS = frozenset({"pandas.Timestamp", "pandas.to_datetime", "numpy.datetime64"})
_NETWORK = frozenset(
    "urllib.request.urlopen urllib.request.urlretrieve http.client.HTTPConnection http.client.HTTPSConnection "
    "socket.create_connection ftplib.FTP wget.download gdown.download requests.request requests.Session "
    "httpx.request httpx.stream httpx.Client httpx.AsyncClient aiohttp.ClientSession aiohttp.request "
    "yfinance.download yfinance.Ticker urllib3.PoolManager urllib3.request".split()
    + [
        f"{library}.{verb}"
        for library in ("requests", "httpx")
        for verb in "delete get head options patch post put".split()
    ]
)
_DATABASES = frozenset(
    "pandas.read_sql pandas.read_sql_query pandas.read_sql_table pandas.read_gbq polars.read_database "
    "polars.read_database_uri psycopg.connect psycopg2.connect pymysql.connect MySQLdb.connect pyodbc.connect "
    "cx_Oracle.connect oracledb.connect pymongo.MongoClient redis.Redis".split()
)
_URL = re.compile(r"(?i)(?:https?|ftps?|sftp|hdfs)://")
_TOOLS = re.compile(r"\s*(?:curl|wget|git\s+clone|kaggle|scp|rsync\s+\S+:)\b")


def wall_clock(usage: Usage) -> Iterator[Finding]:
    """MLS202"""
    if usage.code.counts_anew:
        return
    for call in _unseen(usage):
        if _reads_clock(call) and not _only_measures(call, usage):
            yield call.spot.finding("MLS202", f"`{call.path}` reads the clock, which the cache does not see.")


def network_reads(usage: Usage) -> Iterator[Finding]:
    """MLS203"""
    if usage.code.counts_anew:
        return
    for call in _unseen(usage):
        if call.path in _NETWORK:
            yield call.spot.finding("MLS203", f"`{call.path}` uses the network, which the cache does not see.")
        elif call.path in _DATABASES:
            yield call.spot.finding("MLS203", f"`{call.path}` reads a database, which the cache does not see.")
        elif call.path in READERS and (address := _address(call, usage)):
            yield call.spot.finding("MLS203", f"{address!r} is read from the network, which the cache does not see.")
        elif tool := _tool(call):
            yield call.spot.finding("MLS203", f"`!{tool}` uses the network, which the cache does not see.")


def _unseen(usage: Usage) -> Iterator[Called]:
    """The calls whose result the cache does not see: what ordinary cells compute counts by content."""
    return (one for one in usage.calls if one.spot.passage.part in (Part.BODY, Part.PRELUDE) or one.spot.is_deferred)


def _reads_clock(call: Called) -> bool:
    if call.path in _CLOCK:
        return True
    if call.path in _CLOCK_WITHOUT_ARGUMENT:
        return len(call.node.args) < _CLOCK_WITHOUT_ARGUMENT[call.path]
    first = call.node.args[0] if call.node.args else None
    return (
        call.path in _READ_CLOCK_WORDS
        and isinstance(first, ast.Constant)
        and isinstance(first.value, str)
        and first.value.lower() in _CLOCK_WORDS
    )


def _only_measures(call: Called, usage: Usage) -> bool:
    """Whether the time goes into differences alone, as in `began = time.time(); ...; time.time() - began`."""
    parent = usage.parents.get(call.node)
    if isinstance(parent, ast.BinOp):
        return isinstance(parent.op, ast.Sub) and _is_time(parent.left, usage) and _is_time(parent.right, usage)
    if not (isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name)):
        return False
    name = parent.targets[0].id
    reads = [node for node in usage.parents if isinstance(node, ast.Name) and node.id == name]
    reads = [node for node in reads if isinstance(node.ctx, ast.Load)]
    if not reads:
        return call.spot.is_deferred  # at top level it may be an output
    return all(_is_in_difference(node, usage) for node in reads)


def _is_in_difference(node: ast.expr, usage: Usage) -> bool:
    parent = usage.parents.get(node)
    return (
        isinstance(parent, ast.BinOp)
        and isinstance(parent.op, ast.Sub)
        and _is_time(parent.left, usage)
        and _is_time(parent.right, usage)
    )


def _is_time(node: ast.expr, usage: Usage) -> bool:
    """A reading of the clock, or a name for one and nothing else."""
    if isinstance(node, ast.Name):
        values = usage.literals.get(node.id, [])
        return bool(values) and all(isinstance(one, ast.Call) and usage.path(one.func) in _CLOCK for one in values)
    return isinstance(node, ast.Call) and usage.path(node.func) in _CLOCK


def _address(call: Called, usage: Usage) -> str:
    for argument in call.node.args[:1]:
        origin = path_of(argument, usage)
        if origin is not None and _URL.match(origin.text):
            return origin.text
        if origin is None and (text := _beginning(argument)) and _URL.match(text):
            return f"{text}..."
    return ""


def _beginning(node: ast.expr) -> str:
    """Of an f-string or a sum the text that it begins with."""
    match node:
        case ast.JoinedStr([ast.Constant(str(text)), *_]):
            return text
        case ast.BinOp(ast.Constant(str(text)), ast.Add()):
            return text
    return ""


def _tool(call: Called) -> str:
    match call.node:
        case ast.Call(
            ast.Attribute(ast.Call(ast.Name("get_ipython")), "system" | "getoutput"), [ast.Constant(str(line))]
        ):
            return line.split()[0] if _TOOLS.match(line) else ""
    return ""
