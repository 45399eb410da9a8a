"""Pipelines whose steps run as they are called, and steps that are mapped over lists."""
