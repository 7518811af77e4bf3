"""The local web page of ``ir-transfer app``: a form with the options of ``ir-transfer convert``, and its results."""
