"""The catalog: the SQL index of stacks, runs and artifacts. Floor: imports errors, core and ports only."""
