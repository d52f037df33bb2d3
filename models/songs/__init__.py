"""Songs: the catalogue, its search, and recommendations learnt from playlists."""
