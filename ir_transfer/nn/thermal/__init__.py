"""From content features to apparent intensity: neck, thermal map, detail at full size and tone."""
