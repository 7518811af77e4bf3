"""One loss per file; a recipe names them with a weight: see :data:`ir_transfer.losses.registry.LOSSES`."""
