from __future__ import annotations

import re

import pytest

from mlstack_nb.core.naming import filled, kept_name, moment_of, with_names
from mlstack_nb.core.step import Fingerprint, Output, Settings, Step
from mlstack_nb.errors import UsageError

RUN = "20261121-093000-1f2e3d"


def named(template: str, run_id: str = RUN, **substitutions: str) -> Output:
    step = Step("train", {}, (Output("a", template),), Fingerprint("x"), Settings(substitutions=substitutions))
    return with_names(step, run_id=run_id).outputs[0]


def test_a_run_has_one_moment_in_every_process() -> None:
    assert moment_of(RUN) == moment_of(RUN) == {"date": "2026_11_21", "time": "09_30_00_043453"}
    assert moment_of("20261121-093000-1f2e3e") != moment_of(RUN)


def test_a_run_of_another_engine_has_the_moment_of_the_call() -> None:
    assert re.fullmatch(r"20\d\d_\d\d_\d\d", moment_of("airflow-7")["date"])
    assert re.fullmatch(r"\d\d_\d\d_\d\d_\d{6}", moment_of("airflow-7")["time"])


def test_placeholders_are_filled_and_other_braces_stay() -> None:
    assert filled("{kind}_{date} {} {0} {a b}", {"kind": "big"}, run_id=RUN, of="x") == "big_2026_11_21 {} {0} {a b}"
    assert filled("{date}", {"date": "own"}, run_id=RUN, of="x") == "own"


def test_a_placeholder_without_a_value_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'\{knd\}' of an output of step 'train' .*\n  -> Did you mean \{kind\}\?"):
        named("{knd}", kind="big")
    with pytest.raises(UsageError, match=r'Give it one: substitutions=\{"other": '):
        named("{other}")


def test_a_step_without_placeholders_is_the_same() -> None:
    step = Step("train", {}, (Output("a"), Output("b", "best")), Fingerprint("x"))
    assert with_names(step, run_id=RUN) is step
    filled_once = with_names(Step("train", {}, (Output("a", "{date}"),), Fingerprint("x")), run_id=RUN)
    assert with_names(filled_once, run_id="20270101-000000-000000") is filled_once


def test_only_the_moment_keeps_the_name_of_a_cached_result() -> None:
    output = named("{kind}.{date}", kind="big")
    assert output.artifact == "big.2026_11_21"
    assert kept_name(output, "big.2020_01_01") == "big.2020_01_01"
    assert kept_name(output, "small.2020_01_01") == "big.2026_11_21"
    assert kept_name(output, "bigx2020_01_01") == "big.2026_11_21"
    assert named("{kind}", kind="big").template == ""
