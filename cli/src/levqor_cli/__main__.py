"""`python -m levqor_cli` is the same as `levqor`."""

from levqor_cli.main import main

if __name__ == "__main__":
    main()
