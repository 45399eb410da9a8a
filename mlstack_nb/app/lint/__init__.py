"""`mlstack lint`: notebooks and modules against the table of rules, and the fixes."""
