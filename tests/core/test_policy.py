from __future__ import annotations

import pytest

from mlstack_nb.core.policy import CachePolicy

PARTS = {
    "body": "1",
    "function clean": "2",
    "package numpy": "2.0",
    "package scipy": "1.0",
    "parameter seed": "3",
    "python": "3.11",
}


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [
        (CachePolicy(), set(PARTS)),
        (CachePolicy(exclude="python"), set(PARTS) - {"python"}),
        (CachePolicy(exclude=("package *",)), {"body", "function clean", "parameter seed", "python"}),
        (CachePolicy(exclude=("package:*", "parameter:seed")), {"body", "function clean", "python"}),
        (CachePolicy(include=("body", "parameter *")), {"body", "parameter seed"}),
        (CachePolicy(include=("package *",), exclude=("package numpy",)), {"package scipy"}),
    ],
)
def test_patterns_choose_parts_by_label(policy, admitted):
    assert set(policy.admitted(PARTS)) == admitted


@pytest.mark.parametrize(
    ("policy", "changes"),
    [
        (CachePolicy(), False),
        (CachePolicy(expires_after_s=1), False),
        (CachePolicy(exclude="python"), True),
        (CachePolicy(salt="x"), True),
        (CachePolicy(files="data.csv"), True),
    ],
)
def test_only_what_the_key_is_made_of_changes_it(policy, changes):
    assert policy.changes_keys is changes
