"""Random small programs: definitions in modules and a notebook, and a step that reaches some of them.

Every definition is used by expressions that give a number, so that any of them can stand in any other. Nothing in a
program is random when it runs, loops are short, and what fails does so in the same way each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from textwrap import indent

NOTEBOOK = ""
MODULES = ("alpha", "pack.beta")


@dataclass(frozen=True)
class Part:
    """A definition. `forms` use it: `{n}` stands for its name, `{x}` for a number.

    `uses` are names of other parts that it reads; `changes` is the part that it makes another one of. `held` are those
    whose code is in its value: None when it is plain data, which counts by what it is.
    """

    name: str
    home: str
    text: str
    forms: tuple[str, ...]
    uses: frozenset[str] = frozenset()
    changes: str = ""
    held: frozenset[str] | None = None

    @property
    def is_value(self) -> bool:
        """Whether its name stands for something computed, which counts by what it is."""
        defines = self.text.startswith(("def ", "class ", "@", "if ")) and f"\n{self.name} = " not in self.text
        return bool(self.changes) or self.held is None or not defines


@dataclass(frozen=True)
class Program:
    """`parts` in an order in which they can be executed; `headers` are the imports of each home."""

    parts: tuple[Part, ...]
    headers: dict[str, tuple[str, ...]]
    step: str
    uses: frozenset[str]

    def reached(self) -> set[str]:
        """The names of what the step uses, and of what that uses or is changed by."""
        return self._closure(lambda part: part.uses)

    def reached_code(self) -> set[str]:
        """Names of what the step uses by its code, in a notebook, where data counts by what it is.

        Behind a value that holds code all functions count, but not a branch that was not taken, and of data, classes
        and objects only what they are.
        """
        values = {part.name for part in self.parts if part.home == NOTEBOOK and part.is_value}
        written = self._closure(lambda part: part.uses if part.name not in values else frozenset()) - values
        held = self._closure(lambda part: frozenset() if part.text.startswith("if ") else part.held or frozenset())
        functions = {part.name for part in self.parts if not part.is_value and not re.search("^if |class ", part.text)}
        return written | (held & functions)

    def _closure(self, uses: Callable[[Part], frozenset[str]]) -> set[str]:
        found: set[str] = set()
        todo = set(self.uses)
        while todo:
            found |= todo
            more = {name for part in self.parts if part.name in todo for name in uses(part)}
            more |= {part.name for part in self.parts if part.changes in todo}
            todo = more - found
        return found

    def cells(self) -> list[str]:
        """The ordinary cells: imports, then one for each definition of the notebook."""
        return ["\n".join(self.headers[NOTEBOOK])] + [part.text for part in self.parts if part.home == NOTEBOOK]

    def files(self) -> dict[str, str]:
        found = {"pack/__init__.py": ""}
        for home in MODULES:
            texts = ["\n".join(self.headers[home]), *(part.text for part in self.parts if part.home == home)]
            found[f"{home.replace('.', '/')}.py"] = "\n\n".join(texts) + "\n"
        return found

    def with_text(self, name: str, text: str) -> Program:
        return self.with_parts([replace(part, text=text) if part.name == name else part for part in self.parts])

    def with_parts(self, parts: Sequence[Part]) -> Program:
        return replace(self, parts=tuple(parts))


def named(text: str) -> frozenset[str]:
    """The parts that a text names, by whatever import."""
    return frozenset(re.findall(r"\bp\d+", text))


@dataclass
class Writer:
    """Writes one program, part by part. A plain one imports modules by statements alone."""

    random: Random
    is_plain: bool = False
    parts: list[Part] = field(default_factory=list)
    headers: dict[str, list[str]] = field(default_factory=dict)
    home: str = NOTEBOOK
    spoken: dict[tuple[str, str], str] = field(default_factory=dict)

    def program(self, size: int = 9) -> Program:
        modules = self.random.choice([(), MODULES[:1], MODULES])
        for home in (*MODULES, NOTEBOOK):
            self.headers[home] = ["import functools", "import dataclasses"]
        for number in range(size):
            homes = (*modules, NOTEBOOK, NOTEBOOK)
            self.home = homes[number * len(homes) // size]
            self.parts.append(self._part(f"p{number}"))
        self.home = NOTEBOOK
        step = ", ".join(self._use() for _ in range(self.random.randint(1, 2)))
        headers = {home: tuple(lines) for home, lines in self.headers.items()}
        return Program(tuple(self.parts), headers, f"[{step}]", named(step))

    def _part(self, name: str) -> Part:
        kinds = [_function, _function, _constant, _table, _value, _lambda, _closure, _class, _decorator, _registry]
        kinds += [
            _instance,
            _generator,
            _condition,
            _global,
            _dispatch,
            _dataclass,
            _recursive,
            _nested,
            _loop,
            _handlers,
        ]
        own = [part for part in self.parts if part.home == self.home and not part.changes]
        if own and self.random.random() < 0.15:
            return self._change(name, self.random.choice(own))
        kind = self.random.choice(kinds)
        text, *forms = kind(self, name)
        used = named(text) - {name}
        held = named(text.partition("\n")[0]) - {name} if kind is _instance else used
        is_data = kind in _DATA or (kind is _instance and "\n" not in text)
        return Part(name, self.home, text, tuple(forms), used, held=None if is_data else held)

    def _change(self, name: str, changed: Part) -> Part:
        """A statement that makes another thing of a definition above it."""
        ways = {
            "table": [f"{changed.name}.append({self.number()})", f"{changed.name}[0] = {self._use()}"],
            "class": [f"{changed.name}.size = {self.number()}", f"setattr({changed.name}, 'size', {self.number()})"],
        }
        kind = "class" if changed.text.startswith("class ") else "table" if "# table" in changed.text else ""
        text = self.random.choice(ways.get(kind, [f"{changed.name}.note = {self.number()}"]))
        if not kind:  # nothing that can be changed in place: an assignment of its own
            text = f"{name} = {self._use()}"
            return Part(name, self.home, text, ("{n}",), named(text) - {name})
        return Part(name, self.home, text, (), named(text), changed.name)

    def number(self) -> str:
        return self.random.choice(["0", "1", "2", "3", "5", "7", "-1", "2.5", "True"])

    def literal(self, depth: int = 2) -> str:
        if depth and self.random.random() < 0.4:
            items = [self.literal(depth - 1) for _ in range(self.random.randint(1, 3))]
            form = self.random.choice(["[{}]", "({},)", '{{"k": [{}]}}'])
            return form.format(", ".join(items))
        return self.random.choice([self.number(), self.number(), '"a"', "'b c'", "None"])

    def expression(self, variables: Sequence[str], depth: int = 2) -> str:
        if depth == 0 or self.random.random() < 0.2:
            return self.random.choice([*variables, *variables, self.number()])
        one, two = (self.expression(variables, depth - 1) for _ in range(2))
        name = self.random.choice("ijk")
        forms = [f"({one} + {two})", f"({one} - {two})", f"({one} * 3)", f"({one} if {two} > 1 else {self.number()})"]
        forms += [f"sum({name} + {one} for {name} in range(3))", f"len(str({one}) + '-{name}')", f"max({one}, {two})"]
        forms += [f"(lambda {name}: {name} + {one})({two})", f"sum([{one}, {two}][:1])"]
        forms += [f"int({one} == {two})", f"((w := {one}) + {two})" if variables else one]
        return self.random.choice(forms) if self.random.random() < 0.45 else self._use(one)

    def _use(self, x: str = "2") -> str:
        usable = [part for part in self.parts if part.forms]
        if not usable:
            return x
        part = self.random.choice(usable[-5:] if self.random.random() < 0.7 else usable)
        form = self.random.choice(part.forms)
        return form.replace("{n}", self._reference(part)).replace("{x}", x)

    def _reference(self, part: Part) -> str:
        if part.home == self.home:
            return part.name
        where = self.home, part.name
        if where not in self.spoken:
            leaf = part.home.rpartition(".")[2]
            ways = [
                (f"from {part.home} import {part.name}", part.name),
                (f"from {part.home} import {part.name} as {part.name}_{leaf}", f"{part.name}_{leaf}"),
                (f"import {part.home}", f"{part.home}.{part.name}"),
                (f"import {part.home} as {leaf}_module", f"{leaf}_module.{part.name}"),
                (f"from {part.home} import *", part.name),
                ("", f"__import__('{part.home}', fromlist=['x']).{part.name}"),
                ("import importlib", f"getattr(importlib.import_module('{part.home}'), '{part.name}')"),
            ]
            header, self.spoken[where] = self.random.choice(ways[:5] if self.is_plain else ways)
            self.headers[self.home].append(header)
        return self.spoken[where]

    def body(self, variables: Sequence[str]) -> str:
        """Statements that end with a `return`."""
        lines, known = [], list(variables)
        for name in self.random.sample(["a", "b", "c", "d"], self.random.randint(0, 3)):
            forms = [f"{name} = {self.expression(known)}", f"{name} = {self.expression(known)}"]
            forms += [f"{name} = 0\nfor {name} in range(3):\n    {known[0]} = {known[0]} + {name}"]
            forms += [f"if {known[0]} > 1:\n    {name} = {self.number()}\nelse:\n    {name} = {self.expression(known)}"]
            forms += [f"try:\n    {name} = {self.expression(known)}\nexcept TypeError:\n    {name} = {self.number()}"]
            forms += [f"match {known[0]}:\n    case 1 | 2: {name} = {self.number()}\n    case _: {name} = {known[0]}"]
            lines.append(self.random.choice(forms))
            known.append(name)
        return indent("\n".join([*lines, f"return {self.expression(known)}"]), "    ")


def _function(w: Writer, name: str) -> list[str]:
    default = w.expression((), 1)
    return [f"def {name}(x, y={default}, *, z={w.number()}):\n{w.body(['x', 'y', 'z'])}", "{n}({x})", "{n}({x}, z=4)"]


def _recursive(w: Writer, name: str) -> list[str]:
    return [f"def {name}(x):\n    return {w.number()} if x < 1 else {name}(x - 1) + {w.expression(['x'])}", "{n}(2)"]


def _constant(w: Writer, name: str) -> list[str]:
    return [f"{name} = {w.literal()}", "len(repr({n}))", "hash(str({n}) == 'a')"]


def _table(w: Writer, name: str) -> list[str]:
    return [f"{name} = [{w.number()}, {w.number()}]  # table", "sum({n})", "{n}[0]", "len({n})"]


def _value(w: Writer, name: str) -> list[str]:
    return [f"{name} = {w.expression(())}", "{n}", "({n} + {x})"]


def _lambda(w: Writer, name: str) -> list[str]:
    return [f"{name} = lambda x, y={w.expression((), 1)}: {w.expression(['x', 'y'])}", "{n}({x})"]


def _closure(w: Writer, name: str) -> list[str]:
    inner = f"    def inner(x):\n        nonlocal n\n        n = n + 1\n{indent(w.body(['x', 'n']), '    ')}\n"
    return [f"def {name}(n):\n{inner}    return inner", "{n}({x})(3)", "functools.partial({n}({x}), 2)()"]


def _nested(w: Writer, name: str) -> list[str]:
    text = (
        f"def {name}(x):\n    class Inner:\n        k = {w.expression((), 1)}\n        def go(self): return self.k + x"
    )
    return [f"{text}\n    return Inner().go()", "{n}({x})"]


def _class(w: Writer, name: str) -> list[str]:
    bases = [part.name for part in w.parts if part.text.startswith("class ") and part.home == w.home]
    base = f"({w.random.choice(bases)})" if bases and w.random.random() < 0.6 else ""
    own = "size" if w.random.random() < 0.7 else "width"
    text = f"class {name}{base}:\n    {own} = {w.number()}\n" + ("" if base or own == "size" else "    size = 1\n")
    text += f"    def run(self, x):\n{indent(w.body(['x', 'self.size']), '    ')}\n"
    text += f"    @property\n    def area(self):\n        return self.size + {w.expression(['1'], 1)}\n"
    text += f"    @classmethod\n    def made(cls):\n        return cls().run({w.number()})"
    return [text, "{n}().run({x})", "{n}().area", "{n}.made()", "{n}.size"]


def _instance(w: Writer, name: str) -> list[str]:
    classes = [part.name for part in w.parts if part.text.startswith("class ") and part.home == w.home]
    if not classes:
        return _value(w, name)
    return [f"{name} = {w.random.choice(classes)}()\n{name}.size = {w.expression(())}", "{n}.run({x})", "{n}.size"]


def _dataclass(w: Writer, name: str) -> list[str]:
    method = f"    def run(self, x):\n{indent(w.body(['x', 'self.depth']), '    ')}"
    fields = (
        f"    depth: int = {w.number()}\n    more: list = dataclasses.field(default_factory=lambda: [{w.number()}])"
    )
    return [f"@dataclasses.dataclass\nclass {name}:\n{fields}\n{method}", "{n}().run({x})", "sum({n}(1).more)"]


def _decorator(w: Writer, name: str) -> list[str]:
    inner = f"    @functools.wraps(f)\n    def inner(x):\n        return f(x) + {w.expression(['x'])}\n    return inner"
    return [
        f"def {name}_by(f):\n{inner}\n\n@{name}_by\ndef {name}(x):\n{w.body(['x'])}",
        "{n}({x})",
    ]


def _registry(w: Writer, name: str) -> list[str]:
    text = f"def {name}_keep(f):\n    {name}[f.__name__] = f\n    return f\n\n{name} = {{}}\n\n"
    return [f"{text}@{name}_keep\ndef {name}_plug(x):\n{w.body(['x'])}", "{n}['" + name + "_plug']({x})"]


def _generator(w: Writer, name: str) -> list[str]:
    return [f"def {name}(n):\n    for k in range(3):\n        yield {w.expression(['k', 'n'])}", "sum({n}({x}))"]


def _condition(w: Writer, name: str) -> list[str]:
    one, two = (indent(f"def {name}(x):\n{w.body(['x'])}", "    ") for _ in range(2))
    return [f"if {w.expression(())} > 1:\n{one}\nelse:\n{two}", "{n}({x})"]


def _global(w: Writer, name: str) -> list[str]:
    bump = f"def {name}_bump():\n    global {name}\n    {name} = {name} + {w.expression(())}"
    return [f"{name} = {w.number()}\n{bump}\n{name}_bump()", "{n}"]


def _dispatch(w: Writer, name: str) -> list[str]:
    text = f"@functools.singledispatch\ndef {name}(x):\n{w.body(['x'])}\n"
    return [f"{text}\n@{name}.register(int)\ndef _(x):\n    return {w.expression(['x'])}", "{n}({x})"]


def _loop(w: Writer, name: str) -> list[str]:
    return [f"{name} = []\nfor k in range(2):\n    {name}.append({w.expression(['k'])})", "sum({n})", "len({n})"]


def _handlers(w: Writer, name: str) -> list[str]:
    handlers = ", ".join(f"'{key}': lambda x: {w.expression(['x'])}" for key in "ab")
    return [f"{name} = {{{handlers}}}", "{n}['a']({x})", "{n}['b'](1)"]


_DATA = (_constant, _table, _value, _global, _loop)
