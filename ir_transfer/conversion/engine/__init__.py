"""How a run is carried out: workers that process images, and the engines that hold them, here or in a cluster."""
