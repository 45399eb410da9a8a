"""Artifact stores: one file per flavor."""
