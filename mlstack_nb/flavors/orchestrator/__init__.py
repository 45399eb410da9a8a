"""Orchestrators: one file per flavor."""
