"""`python -m edge`: the same command as the console script `edge`."""

from edge.cli.main import main

if __name__ == "__main__":
    main()
