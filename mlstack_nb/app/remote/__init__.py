"""Runs that an engine outside carries out: what travels, how a node runs one step, how its progress comes back."""
