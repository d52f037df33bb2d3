"""The process: settings, the Discord client, admission of jobs, liked songs, errors, the command line."""
