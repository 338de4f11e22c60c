"""`python -m hfscore`."""

from hfscore.cli import main

if __name__ == "__main__":
    main()
