"""The embedded bundle: small models that need no download, and the recipe that made them."""
