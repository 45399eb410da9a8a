"""What is wrong with the code of steps for reasons of portability, reproducibility and the cache, found by reading."""
