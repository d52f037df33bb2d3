"""The process: settings, the Discord client, admission of jobs, liked songs, errors, the command line."""

__version__ = "0.1.0"
