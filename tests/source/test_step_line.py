"""The `%%step` line: what it may say, and what it answers to what it may not."""

from __future__ import annotations

import pytest

from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.step import Settings
from mlstack_nb.errors import UsageError
from mlstack_nb.source.step_line import OPTIONS, StepLine, complete, help_text, parse, split_cell


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("load", StepLine("load")),
        ("  load-data  ", StepLine("load-data")),
        ("load -> df", StepLine("load", ("df",))),
        ("load->df", StepLine("load", ("df",))),
        ("split -> a, b", StepLine("split", ("a", "b"))),
        ("split -> a,b ,c", StepLine("split", ("a", "b", "c"))),
        ("split -> a b", StepLine("split", ("a", "b"))),
        ("load --no-cache -> df", StepLine("load", ("df",), Settings(cache=False))),
        ("load -> df --no-cache", StepLine("load", ("df",), Settings(cache=False))),
        ("--no-cache load -> df", StepLine("load", ("df",), Settings(cache=False))),
        ("fit --tracker", StepLine("fit", None, Settings(tracker=""))),
        ("fit --tracker -> m", StepLine("fit", ("m",), Settings(tracker=""))),
        ("fit --tracker mlflow", StepLine("fit", None, Settings(tracker="mlflow"))),
        ("fit --tracker=mlflow", StepLine("fit", None, Settings(tracker="mlflow"))),
        ("fit --tracker --retries 2", StepLine("fit", None, Settings(tracker="", retries=2))),
        ("fit --retries=0", StepLine("fit")),
        ("fit --timeout 1.5", StepLine("fit", None, Settings(timeout_s=1.5))),
        ("fit --after load", StepLine("fit", after=("load",))),
        ("fit --after load,split-it", StepLine("fit", after=("load", "split-it"))),
        ("fit --after load, split", StepLine("fit", after=("load", "split"))),
        ("fit --in a,b -> m", StepLine("fit", ("m",), inputs=("a", "b"))),
        ("fit --in a, b --no-cache", StepLine("fit", None, Settings(cache=False), inputs=("a", "b"))),
    ],
)
def test_a_line_says_name_outputs_and_options(line: str, expected: StepLine) -> None:
    assert parse(line) == expected


@pytest.mark.parametrize(
    ("line", "what", "hint"),
    [
        ("", "The step has no name.", "Write `%%step NAME"),
        ("-> df", "The step has no name.", "Write `%%step NAME"),
        ("--no-cache", "The step has no name.", "Write `%%step NAME"),
        ("1load", "'1load'", "begin with a letter"),
        ("lo.ad", "'lo.ad'", "letters, digits"),
        ("load df", "'df' is one word too many", "%%step load -> df"),
        ("load ->", "The name of an output is missing", "%%step NAME -> OUTPUT"),
        ("load -> a,,b", "The name of an output is missing", "%%step NAME -> OUTPUT"),
        ("load -> a, a", "'a' stands twice", "Leave one"),
        ("load -> 2x", "'2x' can not be the name of an output", "variable"),
        ("load -> class", "'class' can not be the name of an output", "variable"),
        ("load -> a.b", "'a.b' can not be the name of an output", "variable"),
        ("load -> a -> b", "'->' can not be the name of an output", "variable"),
        ("load --retires 2", "'--retires' is no option", "Did you mean '--retries'?"),
        ("load --zzz", "'--zzz' is no option", "--no-cache, --tracker"),
        ("load -n", "'-n' is no option", "--"),
        ("load --retries", "'--retries' has no value", "--retries N"),
        ("load --retries --no-cache", "'--retries' has no value", "--retries N"),
        ("load --retries -1", "'-1' is no number of retries", "--retries 2"),
        ("load --retries two", "'two' is no number of retries", "--retries 2"),
        ("load --timeout 0", "'0' is no time limit", "--timeout 90"),
        ("load --timeout -3", "'-3' is no time limit", "--timeout 90"),
        ("load --timeout soon", "'soon' is no time limit", "--timeout 90"),
        ("load --timeout inf", "'inf' is no time limit", "--timeout 90"),
        ("load --timeout nan", "'nan' is no time limit", "--timeout 90"),
        ("load --no-cache=1", "'--no-cache' takes no value", "Write `--no-cache`"),
        ("load --no-cache --no-cache", "'--no-cache' is given twice", "Leave one"),
        ("load --after 1x", "'1x' can not be the name of a step", "--after STEP"),
        ("load --in a,a", "'a' stands twice", "Leave one"),
        ("load --in for", "'for' can not be the name of an input", "variable"),
        ("load --in=", "The name of an input is missing", "%%step"),
    ],
)
def test_a_wrong_line_names_the_word_and_what_would_be_right(line: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(line)
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_help_describes_every_option() -> None:
    text = help_text()
    assert [option.name for option in OPTIONS if f"{option.usage} " not in text or option.help not in text] == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("load --re", ["--retries"]),
        ("load --t", ["--tracker", "--timeout"]),
        ("load --no-cache --n", []),
        ("load --retries ", []),
        ("load --after ", ["load", "split"]),
        ("load --after s", ["split"]),
        ("load --after load,s", ["load,split"]),
        ("load --tracker ", [option.name for option in OPTIONS if option.name != "--tracker"]),
    ],
)
def test_completion_offers_what_may_stand_there(line: str, expected: list[str]) -> None:
    assert complete(line, steps=["load", "split"]) == expected


def test_a_step_cell_is_line_and_body() -> None:
    found = split_cell("\n%%step load -> df\n\ndf = 1\n")
    assert found == (StepLine("load", ("df",)), "\ndf = 1\n")


@pytest.mark.parametrize("text", ["x = 1", "%%time\nx", "%%stepper a\nx", "%%step?\n", "x = '''\n%%step a\n'''", ""])
def test_other_cells_are_no_step(text: str) -> None:
    assert split_cell(text) is None


def test_a_comment_above_the_line_is_an_error_because_ipython_would_miss_it() -> None:
    with pytest.raises(UsageError, match="comment stands above"):
        split_cell("# load\n%%step load\nx = 1")


@pytest.mark.parametrize(("age", "seconds"), [("90s", 90.0), ("30m", 1800.0), ("1.5h", 5400.0), ("7d", 604800.0)])
def test_an_age_has_a_unit(age: str, seconds: float) -> None:
    assert parse(f"load --expires {age}").settings.policy.expires_after_s == seconds


@pytest.mark.parametrize("age", ["90", "0h", "-1d", "soon", "1w"])
def test_a_wrong_age_is_refused(age: str) -> None:
    with pytest.raises(UsageError, match="is no age"):
        parse(f"load --expires {age}")


def test_parts_files_and_salt_make_the_policy() -> None:
    policy = parse("load --ignore package:*,python --files a.csv,b.csv --salt x").settings.policy
    assert policy == CachePolicy(exclude=("package:*", "python"), files=("a.csv", "b.csv"), salt="x")
