"""Runs the command line with ``python -m ir_transfer``."""

import sys

from ir_transfer.cli import main

sys.exit(main())
