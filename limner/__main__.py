"""`python -m limner` is the `limner` command."""

import sys


def start() -> int:
    """The command as a process: Ctrl-C is one line from the first import on; see `limner.cli.main.main`."""
    try:
        from limner.cli.main import main

        code = main()
    except KeyboardInterrupt:  # outside of what `main` does about it
        print("error: interrupted", file=sys.stderr)
        code = 130
    if code == 130:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_DFL)  # once more, and Python's own end is not waited for either
    return code


if __name__ == "__main__":
    sys.exit(start())
