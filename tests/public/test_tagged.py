"""Public notebooks whose cells are tagged as for Kale."""

from __future__ import annotations

from tests.public.cut_in_steps import CutInSteps

GUISE = "tagged"


class TestTagged(CutInSteps):
    """Nothing more."""
