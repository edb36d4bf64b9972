"""``python -m maskgan``."""

from maskgan.cli.main import entry_point

if __name__ == "__main__":  # worker processes import this module without being the program
    entry_point()
