"""Pipelines that run by themselves: what is wanted when, and the process that starts it."""
