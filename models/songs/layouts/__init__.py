"""Catalogues as people have them: a module for each layout, tried one after the other by `models.songs.layouts.reading`."""
