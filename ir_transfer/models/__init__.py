"""One folder per system; :mod:`ir_transfer.models.registry` finds them."""
