"""Alerters: one file per flavor."""
