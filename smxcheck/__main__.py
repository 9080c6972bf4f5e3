"""``python -m smxcheck``."""

from smxcheck.cli import main

if __name__ == "__main__":
    main()
