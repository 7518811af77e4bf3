"""``python -m ir_transfer`` is ``ir-transfer``."""

import sys

from ir_transfer.cli import main

sys.exit(main())
