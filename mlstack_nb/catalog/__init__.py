"""The catalog: the SQL index of stacks, runs, artifacts and schedules. Floor: imports errors, core and ports only."""
