"""``python -m maskgan``."""

import sys

from maskgan.cli.main import main

sys.exit(main())
