## What the terminal refuses (bot/cli/failures.py)

no-token = There is no token: set DISCORD_TOKEN to your bot's token, or let discord.token_file name a file with it.
nothing-to-ask = There is nothing to ask: --say names no question, as in --say /help.
health-not-served = health.enabled is false, so the bot does not say how it is.
nobody-answers = No bot answers at { $host }:{ $port }: { $reason }
input-not-utf8 = The standard input is no UTF-8 text.
text-not-utf8 = The text is no UTF-8.
no-such-path = There is no file or folder { $path }.
no-tokenizers = None of the tokenizers in the settings could be loaded.
## What the terminal shows (bot/cli/)

terminal-unforeseen = Something went wrong ({ $kind }: { $reason }); python -X dev -m bot shows where.
terminal-small-models = The small models that come with the bot answer at once: add --config demo/config.toml.
terminal-warning = warning: { $line }
terminal-song-taken = { $typed } is taken for { $song } (id { $id }).
terminal-generated = { $model } on { $device }, { $dtype }: { $tokens } tokens in { $seconds } s ({ $finish })
terminal-embedding = { $model }: { $tokens } tokens, { $numbers } numbers each
terminal-pair = { $second } is number { $second_rank } of { $others } around { $first }; { $first } number { $first_rank } around { $second }
terminal-odd-one = { $word } does not belong
terminal-loaded = { $slot }: { $name } is loaded ({ $seconds } s)
terminal-no-data-folder = The data folder { $path } cannot be made: { $reason }.
terminal-demo-starts = Starting the bot in a Discord of its own ...
terminal-demo-at = A Discord of your own is at { $url }: open it in a browser, or type here.

## Downloads in the terminal (bot/cli/fetch.py)

terminal-fetch-failed = ✗ { $slot }: { $error }
terminal-fetch-present = ✓ { $slot }: { $item }: here already
terminal-fetched = ✓ { $slot }: { $item }: downloaded { $size } in { $seconds } s ({ $pace }/s)
terminal-fetch-summary = { $there } of { $all } are here.

## Training and measuring in the terminal (bot/cli/train.py, evaluate.py)

terminal-trained = { $name }: { $detail }; { $seconds } s
terminal-evaluation =
    Learnt from { $playlists } playlists, { $plays } plays of { $songs } songs{ $folds ->
        [one] {""}
       *[other] { " " }in each of { $folds } parts
    }. Asked about { $used } of { $tests } test playlists, { $draws } times each: { $likes } of a playlist's songs are known, the others to be found among the first { $k }.
terminal-playlists-too-short = { $count } test playlists have no more known songs than that and are left out.
terminal-songs-not-in-training = { $count } songs of the test playlists are in no training playlist and do not count.
terminal-playlists-in-training-too = { $count } test playlists are among the training playlists: this is no fair test.
terminal-interval = ± is half of a 95 % bootstrap interval over the test playlists.

## Reloading a model (bot/failures.py)

settings-wrong = The settings are wrong by now, so nothing was changed. { $problems }
no-revisions = Only the language model and the encoder come in revisions; leave it out for { $slot }.
revision-of-folder = The settings name a folder on this machine, which has no revisions. Leave it out.
