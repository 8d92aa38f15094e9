"""``python -m supervisor_reload`` is the console script ``supervisor-reload``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
