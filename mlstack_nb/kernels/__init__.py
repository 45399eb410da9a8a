"""Executing notebook documents in kernels of their own. It knows cells and processes, not steps, stores or stacks."""
