"""Reading a cell: tree, names, outputs, syntax errors."""

from __future__ import annotations

import ast

import pytest

from mlstack_nb.core.artifact import ArtifactConfig, ArtifactType
from mlstack_nb.core.step import Output
from mlstack_nb.errors import StepSyntaxError, UsageError
from mlstack_nb.source.cell import declared as declared_by
from mlstack_nb.source.cell import outputs_of, parse


def outputs(text: str, declared: list[str] | None = None) -> list[tuple[str, str, object]]:
    return [(one.name, one.artifact, one.type) for one in outputs_of(parse(text, label="In[1]"), declared)]


def test_without_an_arrow_the_public_names_that_the_cell_assigns_are_outputs() -> None:
    text = (
        "import os\nfrom m import n\ndef f(): ...\nclass A: ...\nx = 1\n_y = 2\nz += 1\na, (b, *c) = v\n"
        "for i in x: t = i\nwith open(p) as fh: d = fh\ntry: pass\nexcept E as e: pass\n"
        "if (w := x): u: int = 3\ndel t\n[q for q in x]"
    )
    assert [name for name, _, _ in outputs(text)] == ["x", "z", "a", "b", "c", "d", "w", "u"]


def test_declared_outputs_are_taken_as_they_are() -> None:
    assert outputs("def f(): ...\nx = 1", ["f", "missing"]) == [("f", "", None), ("missing", "", None)]


@pytest.mark.parametrize(
    ("annotation", "artifact", "kind"),
    [
        ("int", "", "int"),
        ("pd.DataFrame", "", "pd.DataFrame"),
        ('Annotated[int, "age"]', "age", "int"),
        ('typing.Annotated[dict[str, int], Unit("y"), "ages"]', "ages", "dict[str, int]"),
        ("Annotated[int, Unit()]", "", "int"),
        ("\"Annotated[int, 'age']\"", "age", "int"),
        ("'Frame'", "", "Frame"),
        ("dict[str, 'Frame']", "", "dict[str, 'Frame']"),
    ],
)
def test_an_annotation_gives_type_and_artifact_name(annotation: str, artifact: str, kind: str) -> None:
    assert outputs(f"x: {annotation} = 1") == [("x", artifact, kind)]


def test_an_annotation_that_is_no_python_is_kept_as_text() -> None:
    assert declared_by(ast.Constant("a b")) == ("a b", "", None)


def test_a_configuration_in_an_annotation_is_read_without_executing_it() -> None:
    text = 'ArtifactConfig(name="best", version=4, tags=["a"], artifact_type=ArtifactType.MODEL)'
    (found,) = outputs_of(parse(f"x: Annotated[int, {text}] = 1", label="c"))
    config = ArtifactConfig(name="best", version=4, tags=["a"], artifact_type=ArtifactType.MODEL)
    assert found == Output("x", "best", "int", config)


@pytest.mark.parametrize("text", ["ArtifactConfig(name=made())", "ArtifactConfig(nam='x')", "ArtifactConfig(**more)"])
def test_a_configuration_that_is_not_written_out_is_told(text: str) -> None:
    with pytest.raises(UsageError, match=r"An output is annotated with .ArtifactConfig"):
        outputs_of(parse(f"x: Annotated[int, {text}] = 1", label="c"))


def test_an_output_without_annotation_has_an_open_type() -> None:
    assert outputs_of(parse("x = 1", label="c")) == (Output("x"),)


@pytest.mark.parametrize(
    ("text", "first_line", "where"),
    [
        ("x = 1\ny = = 2", 1, "Cell In[3], line 2: invalid syntax: `y = = 2`"),
        ("x = 1\ny = = 2", 2, "Cell In[3], line 3: invalid syntax: `y = = 2`"),
        ("%time f(x)\n!ls \\\n -la\nif x\n  y", 1, "Cell In[3], line 4: expected ':': `if x`"),
        ("%%time\nx = 1\ny = = 2", 1, "Cell In[3], line 3: invalid syntax: `y = = 2`"),
        ("x = '''", 1, "Cell In[3], line 1: unterminated triple-quoted string"),
    ],
)
def test_a_syntax_error_names_cell_and_line(text: str, first_line: int, where: str) -> None:
    with pytest.raises(StepSyntaxError) as caught:
        parse(text, label="In[3]", first_line=first_line)
    assert caught.value.what.startswith(where)
    assert caught.value.hint


def test_a_cell_that_can_not_be_read_at_all_is_a_syntax_error_too() -> None:
    with pytest.raises(StepSyntaxError, match="Cell 4"):
        parse("x = '\0'", label="cell 4")


def test_a_stray_backslash_gives_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    parse(r"pattern = '\d+'", label="c")
    assert len(recwarn) == 0


def test_a_cell_in_another_language_counts_as_text() -> None:
    cell = parse("%%bash\nls $HOME", label="c")
    assert not cell.is_python
    assert cell.code.digest != parse("%%bash\nls $HOME/x", label="c").code.digest


def test_cells_of_equal_text_share_what_was_found() -> None:
    assert parse("x = shared", label="In[1]").code is parse("x = shared", label="In[2]").code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = f(y)", "# load\n\nx = f( y )  # twice\n"),
        ("%%time\nx = f(y)", "%%time\n\nx = f(y) # c"),
        ("x = 1\nprint(x)", "x = 1; print(x);"),
        ("x = 'a'", 'x = "a"'),
    ],
)
def test_comments_and_formatting_do_not_change_the_digest(one: str, other: str) -> None:
    assert parse(one, label="c").code.digest == parse(other, label="c").code.digest


def test_a_magic_of_the_cell_counts() -> None:
    digests = {parse(text, label="c").code.digest for text in ("x = 1", "%%capture\nx = 1", "%%capture o\nx = 1")}
    assert len(digests) == 3
