"""Notebooks as pipelines: compiled from their cells, run step by step, and what they leave."""
