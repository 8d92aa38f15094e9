"""The core: words and pure rules. It never does I/O, reads a clock or starts a thread."""
