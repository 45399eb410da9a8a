"""Values and pure functions: what a step, a pipeline, a run and a stack are. Stdlib and blake3 only, no I/O."""
