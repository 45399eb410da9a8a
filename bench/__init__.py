"""What the product costs, as ratios to a floor measured in the same run. `python -m bench`, or `make bench`."""
