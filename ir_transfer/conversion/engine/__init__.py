"""How a run is carried out: workers that deal with pictures, and the engines that hold them, here or in a cluster."""
