"""Save a file; the service under Supervisor runs the new code; nobody noticed."""

__version__ = "0.1.0"
