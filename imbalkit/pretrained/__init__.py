"""Networks with ImageNet weights that need no download: packages of the Python index and timm's cache, found without torch."""
