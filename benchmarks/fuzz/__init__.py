"""Fuzzing of everything that reads what others write; ``python -m benchmarks.fuzz --help``."""
