"""Experiments on real services under real load. They print what happened; they assert nothing."""
