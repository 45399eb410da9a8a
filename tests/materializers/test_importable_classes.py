"""Enumerations, dataclasses and pydantic models: by class and content where the class can be imported."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum, Flag, IntEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers import choose
from mlstack_nb.materializers.classes import class_path, imported_class
from mlstack_nb.materializers.pickles import PickleWarning

SHAPES = """
import dataclasses, enum, functools, typing
import pydantic

class Colour(enum.Enum):
    RED = (1, 2)
    PINK = RED
    BLUE = "blue"

class Size(enum.IntEnum):
    LARGE = 3

class Right(enum.Flag):
    READ = 1
    WRITE = 2

class Odd(enum.Enum):
    THING = object()

@dataclasses.dataclass
class Config:
    depth: int
    name: object = "x"
    hidden: list = dataclasses.field(default_factory=list, repr=False, compare=False)

    def __post_init__(self):
        self.depth += 1

@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    values: tuple

@dataclasses.dataclass(frozen=True)
class Named(str):
    extra: int = 0

@dataclasses.dataclass
class Cached:
    depth: int

    @functools.cached_property
    def twice(self):
        return self.depth * 2

@dataclasses.dataclass
class Tree:
    children: list
    parent: object = None

@dataclasses.dataclass
class Pickly:
    depth: int

    def __reduce__(self):
        return Pickly, (self.depth,)

class Model(pydantic.BaseModel):
    depth: int = 1
    names: list[str] = []
    anything: typing.Any = None
    inner: "Model | None" = None

class Secret(pydantic.BaseModel):
    key: pydantic.SecretStr

class Outer:
    class Inner(pydantic.BaseModel):
        x: float
"""


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("importable")
    (folder / "shapes_of_a_user.py").write_text(SHAPES)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        import shapes_of_a_user  # type: ignore[import-not-found]

        yield shapes_of_a_user


def name_of(value: Any) -> str:
    return choose(value).__name__


def test_members_of_enumerations_come_back_as_themselves(shapes: ModuleType, again: Any) -> None:
    for member in (shapes.Colour.RED, shapes.Colour.BLUE, shapes.Size.LARGE, shapes.Right.READ | shapes.Right.WRITE):
        assert name_of(member) == "EnumMaterializer"
        assert again(member) is member
        assert again({"member": member})["member"] is member


def test_an_enumeration_of_the_notebook_or_of_odd_values_is_pickled(shapes: ModuleType, again: Any) -> None:
    class Local(Enum):
        A = 1

    assert name_of(Local.A) == "PickleMaterializer"
    assert name_of(shapes.Odd.THING) == "PickleMaterializer"


def test_an_integer_enumeration_is_not_taken_for_an_integer(shapes: ModuleType) -> None:
    assert isinstance(shapes.Size.LARGE, IntEnum)
    assert choose(shapes.Size.LARGE).dumps(shapes.Size.LARGE) != choose(3).dumps(3)
    assert not isinstance(shapes.Right.READ, int) and isinstance(shapes.Right.READ, Flag)


def test_a_dataclass_comes_back_field_by_field_without_being_built_anew(shapes: ModuleType, again: Any) -> None:
    config = shapes.Config(1, name=(math.inf, {1}))
    config.hidden.append(5)
    back = again(config)
    assert name_of(config) == "DataclassMaterializer"
    assert type(back) is shapes.Config
    assert (back.depth, back.name, back.hidden) == (2, (math.inf, {1}), [5])


def test_a_frozen_dataclass_with_slots_comes_back(shapes: ModuleType, again: Any) -> None:
    value = shapes.Frozen((1, shapes.Frozen(())))
    assert name_of(value) == "DataclassMaterializer"
    assert again(value) == value


def test_a_dataclass_that_holds_a_frame_writes_it_as_a_frame(shapes: ModuleType, save: Any) -> None:
    saved = save(shapes.Config(1, name=pd.DataFrame({"x": [1.0]})))
    assert sorted(saved.files) == ["0/frame.arrow", "data.json"]
    assert sorted(saved.writer.file_digests()) == sorted(saved.files)
    back = saved.load()
    assert back.depth == 2
    assert back.name["x"].tolist() == [1.0]


def test_a_dataclass_that_its_fields_do_not_say_completely_is_pickled(shapes: ModuleType) -> None:
    extended = shapes.Config(1)
    extended.more = 1
    cached = shapes.Cached(2)
    assert name_of(cached) == "DataclassMaterializer"
    assert cached.twice == 4
    for value in (extended, cached, shapes.Pickly(1), shapes.Named("a")):
        assert name_of(value) == "PickleMaterializer"


def test_dataclasses_that_refer_to_each_other_come_back(shapes: ModuleType, again: Any) -> None:
    root = shapes.Tree([])
    root.children.append(shapes.Tree([], parent=root))
    with pytest.warns(PickleWarning):
        back = again(root)
    assert back.children[0].parent is back


def test_a_class_that_is_gone_is_named(shapes: ModuleType, save: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = choose(shapes.Config(1)).dumps(shapes.Config(1)) or ""
    materializer = choose(shapes.Config(1))
    monkeypatch.delattr(shapes, "Config")
    with pytest.raises(MaterializerError) as caught:
        materializer.loads(text)
    assert "'shapes_of_a_user:Config'" in caught.value.what
    assert "'shapes_of_a_user'" in caught.value.hint


def test_a_pydantic_model_comes_back(shapes: ModuleType, again: Any, save: Any) -> None:
    for model in (
        shapes.Model(),
        shapes.Model(depth=3, names=["a"], inner=shapes.Model(depth=2)),
        shapes.Outer.Inner(x=1.5),
    ):
        assert name_of(model) == "PydanticMaterializer"
        for back in (again(model), save(model).load(), again([model])[0]):
            assert back == model
            assert type(back) is type(model)
            assert back.model_fields_set == model.model_fields_set


def test_a_pydantic_model_that_json_would_change_is_pickled(shapes: ModuleType, again: Any) -> None:
    for model in (
        shapes.Model(anything=(1, 2)),
        shapes.Model(anything=np.float64(1)),
        shapes.Model(anything=math.nan),
        shapes.Secret(key="s3cret"),
    ):
        assert name_of(model) == "PickleMaterializer"
    with pytest.warns(PickleWarning):
        assert again(shapes.Secret(key="s3cret")).key.get_secret_value() == "s3cret"


def test_a_stored_model_that_no_longer_fits_its_class_is_a_clear_error(shapes: ModuleType, save: Any) -> None:
    saved = save(shapes.Model(depth=3))
    saved.files["data.json"].write_text('{"class":"shapes_of_a_user:Model","model":{"depth":"deep"}}')
    with pytest.raises(MaterializerError, match="stored Model does not fit its class"):
        saved.load()


def test_facts_about_models_are_listed(shapes: ModuleType) -> None:
    model = shapes.Model()
    facts = choose(model)().extract_metadata(model)
    assert facts == {"class": "shapes_of_a_user:Model", "fields": ["depth", "names", "anything", "inner"]}
    assert choose(shapes.Config(1))().extract_metadata(shapes.Config(1)) == {"fields": ["depth", "name", "hidden"]}


def test_only_what_a_new_process_can_import_has_a_path() -> None:
    class Local:
        pass

    assert class_path(Path) == f"{Path.__module__}:Path"
    assert class_path(Local) is None
    with pytest.raises(MaterializerError):
        imported_class("no_such_module:Thing")
