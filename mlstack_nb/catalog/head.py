"""Which schema this code knows."""

from __future__ import annotations

HEAD = "0004"
"""The newest revision. Revisions are numbered, so that a catalog newer than this code is recognised."""
