"""Catalogue layouts: one module each, tried in turn by `models.songs.layouts.reading`."""
