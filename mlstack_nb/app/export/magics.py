"""Cells as plain Python: IPython's magics and shell lines give way to what says the same without IPython."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from mlstack_nb.errors import UsageError
from mlstack_nb.source.embedded import interpolated
from mlstack_nb.source.ipython_syntax import cell_magic, plain, to_python

# they set up a notebook, look at it, or measure: the code means the same without them
_DROPPED = frozenset(
    "alias autoawait autoreload aimport colors conda config debug history load load_ext logstart lprun ls lsmagic "
    "mamba matplotlib memit mprun pdb pinfo pinfo2 pip pipeline precision psearch pwd pylab reload_ext stack "
    "tensorboard tensorflow_version timeit unload_ext uv watermark who who_ls whos xmode".split()
)
_DROPPED_CELLS = frozenset("html javascript js latex markdown svg timeit".split())
_TRANSPARENT = frozenset("capture memit prun time".split())
_STATEMENT = frozenset({"time", "prun"})
_SHELLS = frozenset({"bash", "sh", "!", "sx", "system"})
_INSTALLS = re.compile(
    r"\s*(?:sudo\s+)?(?:\S*python\S*\s+-m\s+pip|\{sys\.executable\}\s+-m\s+pip|pip3?|uv|conda|mamba|apt(?:-get)?)\s"
)
_IMPORTED = {"os": "import os", "subprocess": "import subprocess", "Path": "from pathlib import Path"}


@dataclass(frozen=True, slots=True)
class Plain:
    """`imports` are statements that the text needs besides its own; `notices` tell what was left out or translated."""

    text: str
    imports: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Translation:
    label: str
    first_line: int
    names: Collection[str]
    imports: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def line(self, number: int) -> str:
        return f"{self.label}, line {number + self.first_line - 1}"

    def wrong(self, number: int, what: str) -> UsageError:
        return UsageError(
            f"C{self.line(number)[1:]}: {what} has no equivalent in plain Python.",
            "Write it as Python, move it into a cell that no step needs, or tag the cell skip.",
        )

    def uses(self, name: str) -> None:
        self.imports.append(_IMPORTED[name])

    def tell(self, number: int, what: str) -> None:
        self.notices.append(f"{self.line(number)}: {what}")


def plain_python(text: str, *, label: str, first_line: int = 1, names: Collection[str] = ()) -> Plain:
    """The cell `text` without IPython's syntax; `names` are those that a command may mean.

    Raises UsageError naming the cell and the line of what has no equivalent.
    """
    work = _Translation(label, first_line, names)
    found = _whole(plain(text), work)
    return Plain(found, tuple(dict.fromkeys(work.imports)), tuple(work.notices))


def _whole(text: str, work: _Translation) -> str:
    magic = cell_magic(text)
    if magic is None:
        return _lines(text, work)
    number = magic.before + 1
    if magic.name in _TRANSPARENT:
        if magic.name == "capture" and any(not word.startswith("-") for word in magic.line.split()):
            raise work.wrong(number, f"`%%capture {magic.line.strip()}`")
        work.first_line += number
        inner = _whole(magic.body, work)
        return f"{magic.line.strip()}\n{inner}" if magic.name in _STATEMENT and magic.line.strip() else inner
    if magic.name in _DROPPED_CELLS:
        return ""
    if magic.name in _SHELLS and not magic.line.strip():
        work.uses("subprocess")
        return f"subprocess.run({_quoted(magic.body)}, shell=True, check=True)\n"
    if magic.name in ("file", "writefile") and len(magic.line.split()) == 1:
        work.uses("Path")
        return f"Path({magic.line.strip()!r}).write_text({_quoted(magic.body)})\n"
    raise work.wrong(number, f"`%%{magic.name}`")


def _lines(text: str, work: _Translation) -> str:
    translated = to_python(text)
    if "get_ipython" not in translated:
        return text
    tree = ast.parse(translated)
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.stmt))
    edits = [(node, new) for node in statements if (new := _statement(node, work)) is not None]
    lines = translated.split("\n")
    kept = _kept_in_place(tree, {id(node) for node, new in edits if not new})
    for node, new in sorted(edits, key=lambda edit: -edit[0].lineno):
        lines = _replaced(lines, node, new or ("pass" if id(node) in kept else ""))
    result = "\n".join(lines)
    left = next((node for node in ast.walk(ast.parse(result)) if getattr(node, "id", "") == "get_ipython"), None)
    if left is not None:
        raise work.wrong(getattr(left, "lineno", 1), f"`{text.splitlines()[getattr(left, 'lineno', 1) - 1].strip()}`")
    return result


def _replaced(lines: list[str], node: ast.stmt, new: str) -> list[str]:
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    head = lines[first].encode()[: node.col_offset].decode()
    tail = lines[last].encode()[node.end_col_offset or 0 :].decode()
    if not new and not head.strip() and not tail.strip(" ;"):
        return [*lines[:first], *lines[last + 1 :]]
    indented = new.replace("\n", f"\n{head}") if not head.strip() else new
    return [*lines[:first], *f"{head}{indented}{tail}".split("\n"), *lines[last + 1 :]]


def _kept_in_place(tree: ast.Module, gone: Collection[int]) -> set[int]:
    """The first statements of inner blocks all of which are gone: something must stand there."""
    blocks = (
        block
        for node in ast.walk(tree)
        if not isinstance(node, ast.Module)
        for name in ("body", "orelse", "finalbody")
        if isinstance(block := getattr(node, name, None), list) and block
    )
    return {id(block[0]) for block in blocks if all(id(node) in gone for node in block)}


def _statement(node: ast.stmt, work: _Translation) -> str | None:
    """What stands for a statement that is a call of IPython, None for any other; empty when nothing does."""
    if isinstance(node, ast.Expr) and (found := _ipython_call(node.value)):
        method, texts = found
        if method == "system":
            return _system(texts[0], node.lineno, work)
        if method == "getoutput":
            return _output_of(texts[0], work)
        if method == "run_line_magic" and len(texts) == 2:
            return _magic(texts[0], texts[1], node.lineno, work)
        if method == "run_cell_magic":
            raise work.wrong(node.lineno, f"`%%{texts[0]}`")
        return "" if method == "show_usage" else None
    if isinstance(node, ast.Assign) and (found := _ipython_call(node.value)):
        method, texts = found
        targets = "".join(f"{ast.unparse(target)} = " for target in node.targets)
        if method == "getoutput":
            return f"{targets}{_output_of(texts[0], work)}"
        if method == "run_line_magic" and texts[0] in _STATEMENT:
            return f"{targets}{texts[1].strip()}"
        if method == "run_line_magic" and texts[0] == "pwd":
            work.uses("os")
            return f"{targets}os.getcwd()"
        if method == "run_line_magic":
            raise work.wrong(node.lineno, f"`%{texts[0]}`")
    return None


def _ipython_call(node: ast.expr) -> tuple[str, list[str]] | None:
    match node:
        case ast.Call(ast.Attribute(ast.Call(ast.Name("get_ipython"), [], []), method), arguments, []):
            texts = [one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            return (method, texts) if len(texts) == len(arguments) else None
    return None


def _system(command: str, number: int, work: _Translation) -> str:
    if _INSTALLS.match(command):
        work.tell(number, f"`!{command.strip()}` is left out: install that before.")
        return ""
    work.uses("subprocess")
    return f"subprocess.run({_command(command, work)}, shell=True, check=False)"


def _output_of(command: str, work: _Translation) -> str:
    work.uses("subprocess")
    run = f"subprocess.run({_command(command, work)}, shell=True, check=False, capture_output=True, text=True)"
    return f"{run}.stdout.splitlines()"


def _magic(name: str, line: str, number: int, work: _Translation) -> str:
    if name in _STATEMENT:
        return line.strip()
    if name in ("pip", "conda", "mamba", "uv"):
        work.tell(number, f"`%{name} {line.strip()}` is left out: install that before.")
    if name in _DROPPED:
        return ""
    made = _TRANSLATED.get(name)
    found = made(line.strip(), work) if made else None
    if found is None:
        raise work.wrong(number, f"`%{f'{name} {line}'.strip()}`")
    return found


def _directory(line: str, work: _Translation) -> str | None:
    if not line or line.startswith("-"):
        return None
    work.uses("os")
    return f"os.chdir({_command(line, work)})"


def _variable(line: str, work: _Translation) -> str | None:
    name, _, value = (part.strip() for part in re.sub(r"[= ]", "\0", line, count=1).partition("\0"))
    if not name or not value:
        return None
    work.uses("os")
    return f"os.environ[{name!r}] = {_command(value, work)}"


_TRANSLATED: dict[str, Callable[[str, _Translation], str | None]] = {
    "cd": _directory,
    "env": _variable,
    "set_env": _variable,
    "sx": _output_of,
    "system": _output_of,
}


def _command(text: str, work: _Translation) -> str:
    """A command as an expression: IPython fills in `{expression}` and `$name` where it knows the names."""
    text = text.strip("\n")
    filled = "".join(_filled(part, work.names) for part in re.split(r"(\{[^{}]+\}|\$\{?[A-Za-z_]\w*\}?)", text))
    if "{" not in filled.replace("{{", ""):
        return _quoted(text)
    return "f" + _quoted(filled)


def _filled(part: str, known: Collection[str]) -> str:
    names = list(interpolated(part))
    if names and all(name in known for name in names):
        return part if part.startswith("{") else f"{{{names[0]}}}"
    return part.replace("{", "{{").replace("}", "}}")


def _quoted(text: str) -> str:
    if "\n" not in text:
        return repr(text)
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"""')
    return f'"""{escaped}"""'
