"""Objects of the notebook's own classes that an ordinary cell made: they count by their code and by their state."""

from __future__ import annotations

from mutation_case import cases

ALL = cases(
    """
%%file shapes.py
from dataclasses import dataclass
@dataclass
class Square:
    side: int
    def area(self): return self.side ** 2
class Circle:
    def __init__(self, radius): self.radius = radius
    def area(self): return 3 * self.radius
def half(x): return x / 2
def other(): return 1
---
import collections
import json
import numpy as np
import shapes
---
RATE = 2
---
def scale(x): return x * RATE
---
class Model:
    '''A model.'''
    def __init__(self, depth): self.depth = depth
    def fit(self, x): return scale(x) * self.depth
---
class Grid(np.ndarray):
    def total(self): return int(self.sum())
---
class Queue(collections.deque):
    def first(self): return self[0]
---
def unreached(): return 1
---
def halved(x): return shapes.half(x) + len([x])
---
def shown(x): return halved(x)
shown.unit = "cm"
---
handlers = {"half": halved, "shown": shown}
model = Model(3)
models = {"small": Model(1), "large": Model(9)}
grid = np.arange(4).view(Grid)
queue = Queue([1, 2])
writer = json.dumps
square = shapes.Square(2)
circles = [shapes.Circle(1), {"r": shapes.Circle(2)}]
pair = [lambda x: x + 1, lambda x: x + 2]
---
%%step handles -> j
j = [handlers["half"](4), handlers["shown"].unit]
---
%%step fits -> a
a = model.fit(2)
---
%%step picks -> b
b = models["small"].depth
---
%%step sums -> c
c = grid.total()
---
%%step takes -> d
d = queue.first()
---
%%step writes -> e
e = writer([1])
---
%%step pairs -> f
f = [one(1) for one in pair]
---
%%step measures -> g
g = square.area()
---
%%step rolls -> h
h = circles[1]["r"].area()
---
%%step makes -> made
made = [shapes.Circle(4)]
---
%%step uses -> i
i = made[0].area()
""",
    [
        ("an object: a comment in its class", ("    def fit", "    # fits\n    def fit"), ""),
        ("an object: a docstring of its class", ("'''A model.'''", "'''The model.'''"), ""),
        ("an object: blank lines in its class", ("    def fit", "\n\n    def fit"), ""),
        ("an object: a method", ("scale(x) * self.depth", "scale(x) + self.depth"), "fits picks"),
        ("an object: a constant behind a method", ("RATE = 2", "RATE = 3"), "fits picks"),
        ("an object: its state", ("model = Model(3)", "model = Model(4)"), "fits"),
        ("an object: the state of one in a dict", ("Model(9)", "Model(8)"), "picks"),
        ("an object: another way to the same state", ("model = Model(3)", "model = Model(depth=1 + 2)"), ""),
        ("an object: a function that nobody reaches", ("def unreached(): return 1", "def unreached(): return 2"), ""),
        ("an object: what its base class holds", ("np.arange(4)", "np.arange(5)"), "sums"),
        ("an object: items of a container of one's own", ("Queue([1, 2])", "Queue([2, 2])"), "takes"),
        ("an object: a method of a container of one's own", ("return self[0]", "return self[-1]"), "takes"),
        ("an object: another function of the standard library", ("json.dumps", "json.loads and str"), "writes"),
        ("an object: a method of a module's dataclass", ("self.side ** 2", "self.side * 3"), "measures"),
        ("an object: a method of a module's class", ("3 * self.radius", "4 * self.radius"), "rolls makes uses"),
        ("an object: what nobody reaches in that module", ("def other(): return 1", "def other(): return 2"), ""),
        ("an object: a module that a function in a dict uses", ("return x / 2", "return x / 4"), "handles"),
        ("an object: an attribute of a function in a dict", ('"cm"', '"m"'), "handles"),
        (
            "an object: a function takes the name of a builtin that a function in a dict calls",
            ("def unreached", "def len(x): return 9\ndef unreached"),
            "handles",
        ),
        ("an object: one of two lambdas on a line", ("x + 2", "x + 3"), "pairs"),
    ],
)
