"""`python -m naru` is `naru`."""

from naru.cli import main

if __name__ == "__main__":
    main()
