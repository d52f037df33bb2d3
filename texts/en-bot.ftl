## What Discord refuses, or what went wrong on the way (bot/errors.py)

on-cooldown = That was fast: you can ask again in { $seconds } s.
only-in-a-server = This works only in a server, not in direct messages.
you-need-permission = For this you need the permission { $permissions }.
i-need-permission = For this I need the permission { $permissions } in this channel.
you-need-a-role = For this you need a role that you do not have here.
not-allowed = You may not use this here.
cannot-read-option = I cannot read { $value } here. Choose one of the suggestions, or write it another way.
command-changed = This command has changed. Reload Discord (Ctrl+R) and try again.
answer-too-large = My answer is larger than Discord takes. Ask for less.
discord-forbids = Discord does not let me do that in this channel. Ask somebody who manages the server.
discord-in-trouble = Discord has trouble at the moment. Try again in a minute.
connection-broke = The connection to Discord broke. Try again in a moment.
out-of-memory = There was not enough memory for that. Try a shorter text, or ask again in a minute.
unforeseen = Something went wrong on my side (reference { $reference }).

## Why the bot cannot run (bot/failures.py)

broken-extension = { $extension } cannot be loaded: { $kind }: { $reason }
bad-token = Discord refused the token. Copy it anew from the bot's page in the developer portal into DISCORD_TOKEN.
intents-refused = Discord refused the bot's intents.
gateway-closed = Discord closed the gateway for good (code { $close_code }).
login-refused = { $url } refused the login with status { $status }.
address-taken = health: { $host }:{ $port } cannot be listened on: { $reason }.
