"""What somebody may like who likes these songs, learnt from which songs playlists put together."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

SHRINK = 5.0
"""Playlists' worth of doubt: two songs that met once by chance are no proof of likeness."""


class Recommender:
    """Scores for every song from liked ones. Songs are numbers from 0."""

    def __init__(self, homes: sparse.csr_array) -> None:
        """`homes` is (playlists, songs) with ones."""
        self._homes = homes
        self._at = homes.tocsc()
        self.playlists: NDArray[np.int64] = np.asarray(homes.sum(axis=0)).ravel().astype(np.int64)
        """In how many playlists each song is, (songs,)."""

    @classmethod
    def fit(cls, plays: sparse.csr_array) -> Self:
        """`plays` is (playlists, songs): how often each playlist plays each song."""
        return cls((plays > 0).astype(np.float32))

    @property
    def memory(self) -> int:
        """Bytes held."""
        return int(sum(it.data.nbytes + it.indices.nbytes for it in (self._homes, self._at)))

    def votes(self, likes: NDArray[np.int64]) -> NDArray[np.float32]:
        """What each liked song says about every song, (likes, songs); not negative."""
        met = (self._at[:, likes].T @ self._homes).toarray()
        doubt = np.sqrt(np.outer(self.playlists[likes], self.playlists)) + SHRINK
        return np.asarray(met / doubt, np.float32)
