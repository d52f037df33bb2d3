## What a key of the settings may hold (models/sections.py, bot/settings/)

setting-device = "auto", "cpu", "mps", "cuda" or "cuda:N"
setting-default-new-tokens = at most language.max_new_tokens, which is { $limit }
setting-ids = ids, which are whole numbers
setting-rest-url = a URL that starts with https:// or http://
setting-gateway-url = a URL that starts with wss:// or ws://, or nothing
setting-database-url = a URL that starts with sqlite or postgresql, or nothing
setting-path = a file or folder
setting-name = a hub name, or a local file or folder
setting-vectors = a local file or folder, an https:// address, a gensim data set, or a hub name
setting-address = a file, or its https:// address
setting-places = a list with at least one of: { $place }
setting-list = a list of: { $item }
setting-choice = one of { $choices }
setting-table = a table, which begins with the line [{ $key }]
setting-whole-number = a whole number
setting-number = a number
setting-bool = true or false
setting-text = text in quotes
setting-at-least = at least { $bound }
setting-more-than = more than { $bound }
setting-at-most = at most { $bound }
setting-less-than = less than { $bound }
setting-bounded = { $what }, { $bound }
setting-between = { $what }, { $low } and { $high }

## Problems with the settings, a line each (bot/settings/)

setting-file-missing = { $path }: there is no such file; name a file with --config
setting-file-is-folder = { $path }: this is a folder; name a file with --config
setting-file-no-text = { $path }: this is no text, so it is no TOML; settings are text in UTF-8
setting-file-no-toml = { $path }: this is no TOML: { $reason }
setting-file-unreadable = { $path }: it cannot be read: { $reason }
setting-token-misplaced = { $where }: the token must not stand here; set DISCORD_TOKEN, or let discord.token_file name a file that holds it (and reset a token that others may have read)
setting-variable-unknown = { $name }: no key has this name
setting-variable-misspelt = { $name }: no key has this name; did you mean { $similar }?
setting-key-unknown = { $key }: there is no such key
setting-key-misspelt = { $key }: there is no such key; did you mean { $similar }?
setting-from-variable = { $key } (from { $name })
setting-missing = { $where }: this is missing; allowed: { $allowed }
setting-not-allowed = { $where }: got { $value }; allowed: { $allowed }
setting-like-a-token = something that looks like a token
setting-token-file-unreadable = { $source }: { $path } cannot be read: { $reason }
setting-token-file-no-text = { $source }: { $path } cannot be read: it holds no text
setting-token-file-empty = { $source }: { $path } is empty; it must hold the token and nothing else
setting-section-missing = { $slot }: the settings have no section [{ $slot }]
setting-section-needed = { $slot }: the settings have no section [{ $slot }], which this question needs
setting-no-such-token = { $source }: this is no token: a token is one word without blanks or line ends
setting-nothing-there = { $key }: there is no file or folder { $name }
setting-address-incomplete = { $key }: { $value } is no complete address
setting-no-such-place = { $key }: { $value } is not { $place }
setting-data-dir-locked = data_dir: { $path } cannot be written to

## Warnings about the settings, and the token among those in force (bot/settings/check.py)

setting-file-not-here =
    { $key }: { $name } is not here yet{ $slot ->
        [songs] , so /recommend will not answer
       *[other] {""}
    }
setting-file-to-fetch =
    { $key }: { $name } is not here yet{ $slot ->
        [songs] , so /recommend will not answer
       *[other] {""}
    }; “{ $command }” downloads it
setting-no-token = no token: set DISCORD_TOKEN before `run`; the demo and the questions here need none
setting-not-encrypted = discord.api_url: the token travels to { $host } without encryption
setting-token-set = token: set
setting-token-not-set = token: not set
