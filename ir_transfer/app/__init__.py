"""The local page of ``ir-transfer app``: a form for what ``ir-transfer convert`` takes, and its results."""
