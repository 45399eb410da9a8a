"""`mlstack_nb.panel()`: stack, lineage and runs of a notebook, live in any front end that shows widgets."""
