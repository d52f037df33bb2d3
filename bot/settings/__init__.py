"""The settings: `schema` says what can be set, `load` reads it, and `check` says what is wrong and what is in force."""
