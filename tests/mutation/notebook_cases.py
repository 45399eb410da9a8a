"""All cases that are notebooks."""

from __future__ import annotations

import body_cases
import function_cases
import module_cases
import object_cases
import value_cases

ALL = [*body_cases.ALL, *function_cases.ALL, *module_cases.ALL, *object_cases.ALL, *value_cases.ALL]
