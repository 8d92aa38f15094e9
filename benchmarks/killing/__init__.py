"""The parts of ``benchmarks.kill_matrix``: a listener that kills itself, what it reloads, and who judges."""
