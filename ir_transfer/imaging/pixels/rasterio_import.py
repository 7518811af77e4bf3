"""rasterio, imported when it is first needed and set up for images."""

from __future__ import annotations

import logging
import warnings
from functools import cache
from types import ModuleType


@cache
def rasterio_module() -> ModuleType:
    """Return rasterio, whose import takes a tenth of a second, with GDAL restricted to safe drivers."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    from ir_transfer.imaging.raster.references import restrict_gdal

    restrict_gdal()
    # An RGB image without coordinates is the rule here, and GDAL's complaints come back as our own errors.
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    logging.getLogger("rasterio").addHandler(logging.NullHandler())
    module: ModuleType = rasterio
    return module
