"""Reading people's code: cells, names read and bound, definitions reached, fingerprints. Stdlib and blake3 only."""
