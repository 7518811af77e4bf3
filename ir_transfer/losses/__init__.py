"""Losses, one per file; recipes weight them by the names in :data:`ir_transfer.losses.registry.LOSSES`."""
