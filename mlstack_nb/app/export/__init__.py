"""`mlstack export`: a notebook as a module of step functions, and as a workflow that runs it."""
