"""Executing notebook documents in kernels of their own. It knows cells and processes, not steps, stores or stacks."""

SESSION_VARIABLE = "JPY_SESSION_NAME"
"""Where Jupyter's server tells a kernel the path of its notebook."""
