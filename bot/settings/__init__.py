"""The settings: `schema` defines them, `load` reads them, and `check` reports mistakes and the values in force."""
