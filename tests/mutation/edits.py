"""Random edits of Python text: those that change what it says, and those that change its looks alone."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

_OPERATORS = (ast.Add, ast.Sub, ast.Mult)
_COMPARISONS = (ast.Gt, ast.Lt, ast.Eq, ast.NotEq)
_LITERALS = (0, 1, 2, 3, 4, 2.5, True, None, "a", "b")
_BLOCKS = ("body", "orelse", "finalbody")


def meaning(text: str) -> str:
    """The tree without docstrings and `pass`."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for name in _BLOCKS:
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, [one for one in block if not _is_silent(one)])
    return ast.dump(tree)


def _is_silent(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return is_text or isinstance(node, ast.Pass)


def changed(text: str, random: Random, *, inside: bool = False) -> str:
    """`text` with one random change of its meaning; `inside` its statements alone. Equal when none is found.

    Literals, operators, comparisons, names, defaults, decorators, bases, arguments and statements are changed, removed,
    doubled, added or swapped.
    """
    before = meaning(text)
    for _ in range(20):
        tree = ast.parse(text)
        edits = list(_edits(tree, random, inside=inside))
        if not edits:
            break
        random.choice(edits)()
        try:
            after = ast.unparse(ast.fix_missing_locations(tree))
            compile(after, "edited", "exec")
        except (SyntaxError, ValueError):
            continue
        if meaning(after) != before:
            return after
    return text


def _edits(tree: ast.Module, random: Random, *, inside: bool) -> Iterator[Callable[[], Any]]:
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    for node in ast.walk(tree):
        match node:
            case ast.Constant():
                yield lambda node=node: setattr(node, "value", random.choice(_LITERALS))
            case ast.BinOp():
                yield lambda node=node: setattr(node, "op", random.choice(_OPERATORS)())
                yield lambda node=node: node.__dict__.update(left=node.right, right=node.left)
            case ast.Compare():
                yield lambda node=node: setattr(node, "ops", [random.choice(_COMPARISONS)()])
            case ast.IfExp():
                yield lambda node=node: node.__dict__.update(body=node.orelse, orelse=node.body)
            case ast.Name(ctx=ast.Load()):
                yield lambda node=node: setattr(node, "id", random.choice(names))
            case ast.Call(args=[_, *_]):
                yield lambda node=node: node.args.pop()
            case ast.keyword():
                yield lambda node=node: setattr(node, "arg", f"{node.arg}_more")
            case ast.arguments(defaults=[_, *_]):
                yield lambda node=node: node.defaults.pop()
                yield lambda node=node: node.defaults.__setitem__(0, ast.Constant(random.choice(_LITERALS)))
        if not (inside and node is tree):
            yield from _block_edits(node, random)


def _block_edits(node: ast.AST, random: Random) -> Iterator[Callable[[], Any]]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.decorator_list:
        yield node.decorator_list.pop
    if isinstance(node, ast.ClassDef) and node.bases:
        yield node.bases.pop
    for name in _BLOCKS:
        block = getattr(node, name, None)
        if not isinstance(block, list):
            continue
        at = random.randrange(len(block)) if block else 0
        if len(block) > 1:
            yield lambda block=block, at=at: block.pop(at)
            yield lambda block=block, at=at: block.insert(0, block.pop(at))
        if block:
            yield lambda block=block, at=at: block.insert(at, block[at])
        yield lambda block=block, at=at: block.insert(at, ast.parse("unread = 1").body[0])


def restyled(text: str, random: Random) -> str:
    """`text` in other looks: comments, docstrings, blanks, quotes, numbers, brackets, line breaks, trailing commas."""
    before = meaning(text)
    for restyle in random.sample(_RESTYLES, k=random.randint(1, len(_RESTYLES))):
        after = restyle(text, random)
        try:
            text = after if meaning(after) == before else text
        except SyntaxError:
            continue
    return text


def _unparsed(text: str, random: Random) -> str:
    return ast.unparse(ast.parse(text)) + "\n" * random.randint(0, 2)


def _documented(text: str, random: Random) -> str:
    tree = ast.parse(text)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for node in nodes:
        if random.random() < 0.5:
            node.body.insert(random.choice([0, 0, len(node.body)]), random.choice([_DOCSTRING, ast.Pass()]))
    return ast.unparse(ast.fix_missing_locations(tree))


_DOCSTRING = ast.Expr(ast.Constant("What it does."))


def _spaced(text: str, random: Random) -> str:
    lines = []
    for line in text.splitlines():
        lines += [random.choice(["", "   ", "# a note", "        # another"])] if random.random() < 0.3 else []
        lines.append(line + random.choice(["", "  ", "  # why"]))
    return "\n".join(lines)


def _tokens(text: str, change: Callable[[tokenize.TokenInfo, int], str]) -> str:
    """`text` with each token as `change(token, depth of brackets)` gives it."""
    lines, out, depth, row, column = text.splitlines(keepends=True), "", 0, 1, 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        while row < token.start[0] and row <= len(lines):
            out, row, column = out + lines[row - 1][column:], row + 1, 0
        if row <= len(lines):
            out += lines[row - 1][column : token.start[1]]
        depth -= token.string in (")", "]", "}")
        out += change(token, depth)
        depth += token.string in ("(", "[", "{")
        row, column = token.end
    return out


def _broken(text: str, random: Random) -> str:
    def change(token: tokenize.TokenInfo, depth: int) -> str:
        opens = token.string in ("(", "[", "{") or (depth and token.string == ",")
        return token.string + ("\n      " if opens and random.random() < 0.3 else "")

    return _tokens(text, change)


def _trailing(text: str, random: Random) -> str:
    chosen = random.randrange(1, 9)
    count = 0

    def change(token: tokenize.TokenInfo, depth: int) -> str:
        nonlocal count
        count += token.string in (")", "]", "}")
        return f",{token.string}" if token.string in (")", "]", "}") and count == chosen else token.string

    return _tokens(text, change)


def _spelled(text: str, random: Random) -> str:
    def change(token: tokenize.TokenInfo, depth: int) -> str:
        if random.random() < 0.5:
            return token.string
        if token.type == tokenize.NUMBER:
            value = ast.literal_eval(token.string)
            return hex(value) if isinstance(value, int) else f"{value * 10}e-1"
        if token.type == tokenize.STRING and token.string[:1] in "'\"":
            return f'"""{ast.literal_eval(token.string)}"""'
        if token.type == tokenize.NAME and token.string in ("True", "None", "a", "b", "x"):
            return f"({token.string})"
        return token.string

    return _tokens(text, change)


_RESTYLES = [_unparsed, _documented, _spaced, _broken, _trailing, _spelled]
