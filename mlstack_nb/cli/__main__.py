"""`python -m mlstack_nb.cli` is the `mlstack` command."""

from mlstack_nb.cli.main import main

main()
