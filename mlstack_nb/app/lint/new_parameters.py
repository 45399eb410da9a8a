"""A file that a step reads by a plain text, as a parameter that counts with the file's content."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import NamedTuple

from mlstack_nb.app.lint.step_codes import readable
from mlstack_nb.source.cell import Cell
from mlstack_nb.source.cell_tags import Role, parse_tags
from mlstack_nb.source.ipython_syntax import cell_magic, plain
from mlstack_nb.source.lint.findings import Edit, Finding
from mlstack_nb.source.normal_form import shows_value
from mlstack_nb.source.notebook_file import Notebook, NotebookCell

_NEEDED = {"Annotated": "typing", "DataFile": "mlstack_nb"}
_WRITES = re.compile(
    r"""(?i)save|checkpoint|writ|dump|export|download|extract|unpack|fetch|retrieve|copy|touch|\bto_\w+\(|["'][wax]b?\+?["']
    |^\s*[!%](?!%step)|=\s*!""",
    re.VERBOSE,
)
_READS = re.compile(r"(?i)read|load|open\(|Path\(|scan")
_DECLARED = "Annotated[str, DataFile()]"


class _Above(NamedTuple):
    """An ordinary cell above a step, read."""

    cell: NotebookCell
    part: Cell
    role: Role


def declared_file(finding: Finding, notebook: Notebook) -> Iterator[tuple[Edit, ...]]:
    """At most one way. A name of an ordinary cell is annotated, a literal becomes a new name there."""
    about, above = finding.about, list(_above(notebook, finding.place.index))
    if isinstance(about, str) and not _may_be_written(about, notebook):
        yield from _annotated(about, above)
    if isinstance(about, ast.Constant) and isinstance(about.value, str):
        name = PurePosixPath(about.value).name
        if not _may_be_written(name, notebook, is_file=True):
            yield from _moved(about, finding, notebook, above)


def _may_be_written(word: str, notebook: Notebook, *, is_file: bool = False) -> bool:
    """Whether some line may make the file, so that it is not there when the keys of steps are taken."""
    whole = re.compile(rf"(?<![\w.]){re.escape(word)}(?!\w)")
    lines = (line for cell in notebook.cells if cell.kind == "code" for line in cell.text.split("\n"))
    using = [line for line in lines if whole.search(line)]
    if is_file and not all(_READS.search(line) or _DECLARED in line for line in using):
        return True
    return any(_WRITES.search(line) for line in using)


def _annotated(name: str, above: list[_Above]) -> Iterator[tuple[Edit, ...]]:
    for one in reversed(above):
        for node in one.part.code.nodes:
            match node:
                case ast.Assign([ast.Name(found) as target]) if found == name:
                    edit = _insertion(one.cell, node.lineno, target.end_col_offset or 0)
                case ast.AnnAssign(ast.Name(found), ast.Name("str") as declared) if found == name:
                    edit = Edit(
                        one.cell.index,
                        declared.lineno,
                        declared.col_offset,
                        declared.end_col_offset or 0,
                        _DECLARED,
                        old="str",
                    )
                case _:
                    continue
            imports = _imports(one, node, above)
            if imports is not None:
                yield (*imports, edit)
            return


def _insertion(cell: NotebookCell, line: int, column: int) -> Edit:
    return Edit(cell.index, line, column, column, f": {_DECLARED}")


def _moved(
    literal: ast.Constant, finding: Finding, notebook: Notebook, above: list[_Above]
) -> Iterator[tuple[Edit, ...]]:
    home = next((one for one in above if one.role is Role.PARAMETERS), None) or next(
        (one for one in reversed(above) if _takes_more(one)), None
    )
    if home is None or literal.lineno != literal.end_lineno:
        return
    name = _known_as(str(literal.value), above)
    edits: list[Edit] = []
    if not name:
        name = _free_name(str(literal.value), notebook)
        imports = _imports(home, None, above)
        if imports is None:
            return
        edits += [*imports, _at_end(home.cell, f"{name}: {_DECLARED} = {str(literal.value)!r}")]
    line = literal.lineno + finding.place.first_line - 1
    old = _line(notebook, finding.place.index, line)[literal.col_offset : literal.end_col_offset].decode()
    edits.append(Edit(finding.place.index, line, literal.col_offset, literal.end_col_offset or 0, name, old=old))
    yield tuple(edits)


def _line(notebook: Notebook, index: int, line: int) -> bytes:
    lines = notebook.cells[index].text.split("\n")
    return lines[line - 1].encode() if line <= len(lines) else b""


def _known_as(text: str, above: list[_Above]) -> str:
    """The parameter that is declared with that file already."""
    for one in above:
        for node in one.part.code.nodes:
            match node:
                case ast.AnnAssign(ast.Name(name), declared, ast.Constant(value)) if value == text:
                    if "DataFile" in ast.unparse(declared):
                        return name
    return ""


def _free_name(path: str, notebook: Notebook) -> str:
    """By the file's own name, one that no cell uses."""
    file = PureWindowsPath(path).name if "\\" in path else PurePosixPath(path).name
    stem = re.sub(r"\W+", "_", file.partition(".")[0]).strip("_").lower()
    wanted = f"{stem}_file" if stem and not stem[0].isdigit() else "data_file"
    used = set(re.findall(r"[A-Za-z_]\w*", "\n".join(cell.text for cell in notebook.cells if cell.kind == "code")))
    return next(one for one in (wanted, *(f"{wanted}_{at}" for at in range(2, len(used) + 3))) if one not in used)


def _above(notebook: Notebook, index: int) -> Iterator[_Above]:
    """The ordinary Python cells above a cell."""
    for cell in notebook.cells[:index]:
        role = parse_tags(cell.tags, where=cell.label).role if cell.kind == "code" else Role.SKIP
        is_ordinary = role in (Role.NONE, Role.PARAMETERS, Role.IMPORTS)
        if cell.kind != "code" or not is_ordinary or not cell.text.strip() or plain(cell.text) != cell.text:
            continue
        part = readable(cell.text, cell.label)
        if part is not None and part.code.nodes and cell_magic(cell.text) is None:
            yield _Above(cell, part, role)


def _takes_more(one: _Above) -> bool:
    """Whether a line at its end changes nothing of what the cell shows."""
    last = one.part.code.nodes[-1]
    return not isinstance(last, ast.Expr) or not shows_value(last)


def _at_end(cell: NotebookCell, line: str) -> Edit:
    text = cell.text.rstrip("\n")
    return Edit(cell.index, text.count("\n") + 2, 0, -1, line)


def _imports(home: _Above, before: ast.stmt | None, above: list[_Above]) -> list[Edit] | None:
    """Lines for the names of the annotation that are not known in `home`; None when one of them is something else."""
    known = _imported(above, home)
    missing = []
    for name, module in _NEEDED.items():
        if known.get(name, module) not in (module, "typing_extensions"):
            return None
        if name not in known:
            missing.append(f"from {module} import {name}")
    if not missing:
        return []
    for one in reversed([item for item in above if item.cell.index <= home.cell.index]):
        lines = [node.end_lineno or 0 for node in one.part.code.nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        if one is home and before is not None:
            lines = [line for line in lines if line < before.lineno]
        if lines:
            return [Edit(one.cell.index, max(lines) + 1, 0, -1, "\n".join(missing))]
    first = home.part.code.nodes[0].lineno
    return [Edit(home.cell.index, first, 0, -1, "\n".join(missing))]


def _imported(above: list[_Above], home: _Above) -> Mapping[str, str]:
    """The names of `_NEEDED` that are bound down to that cell, with the module that each is from."""
    found: dict[str, str] = {}
    for one in above:
        if one.cell.index > home.cell.index:
            break
        for name in one.part.names.binds:
            if name in _NEEDED:
                found[name] = "something else"
        for node in one.part.code.nodes:
            if isinstance(node, ast.ImportFrom):
                found |= {alias.name: node.module or "" for alias in node.names if not alias.asname}
    return {name: module for name, module in found.items() if name in _NEEDED}
