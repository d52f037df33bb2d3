"""Songs: the catalogue, its search, and what playlists teach."""
