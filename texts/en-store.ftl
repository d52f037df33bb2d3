## The store (bot/failures.py)

database-not-opened = The database { $database } cannot be opened: { $reason }.
database-unusable = The database { $database } cannot be used: { $reason }.
database-damaged = The database { $database } is damaged ({ $reason }). Restore it from a backup.
database-too-new = The database { $database } is of version { $version }, newer than this program knows ({ $known }). Update the program, or use another data_dir.
store-unavailable = I cannot reach my database right now, so nothing was changed. Try again in a minute.
