"""`python -m limner` is the `limner` command."""

import sys

from limner.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
