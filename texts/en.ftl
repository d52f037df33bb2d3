# Every sentence that people read, in English. A message that stands for a failure bears the name of its class
# (UnknownWord: unknown-word); `.admin` is a hint for the people who run the bot and for nobody else.

## Places and turns (models/failures.py)

already-asking =
    { $limit ->
        [one] You already have a request in progress. Wait for it to finish, then ask again.
       *[other] You already have { $limit } requests in progress. Wait for one to finish, then ask again.
    }
lane-full =
    I am busy: { $waiting ->
        [one] { $waiting } request is already waiting
       *[other] { $waiting } requests are already waiting
    }. Try again in a minute.
late = That took too long, so I stopped. Try again, or ask for less.
not-your-turn = Your request waited too long in the queue. Try again when I am less busy.
cancelled = Stopped before there was anything to show.
stopping = I am restarting. Try again in a minute.

## Models in general (models/failures.py)

bad-sampling = Use a temperature of at least 0, a top_k of at least 0, a top_p above 0 and at most 1, a min_p from 0 to 1, and a repetition_penalty above 0.
other-model = The model has been replaced, and the new one cannot continue this text. Start again with a prompt of your own.
no-such-slot = This is not set up here. /help shows what I can do.
still-loading = The model for this is still loading. Try again in a minute.
no-time-to-fetch = The download did not finish in time. Ask again, and it resumes where it stopped.

## The models on other machines (models/failures.py)

ray-missing = inference.backend is "ray", but Ray is not installed.
    .admin = Install it with: pip install "tokenwise[ray]"
no-cluster = No Ray cluster can be reached at { $address }.
    .admin = Start one with `ray start --head`, or set inference.address.
not-deployed = The models are not running yet. Ask again in a minute.
    .admin = `tokenwise serve` starts them on the cluster.
cluster-away = I cannot reach the model servers right now. I am reconnecting; try again in a minute.
no-replica = The server that was answering has stopped, and no other was free in time. Try again.
no-room-in-cluster = The cluster has no room for a second { $slot } beside the one that is serving.
    .admin = A reload briefly needs the slot's CPUs, GPUs and memory twice. Add a machine, or ask for less in [inference.{ $slot }].

## What Discord refuses, or what went wrong on the way (bot/errors.py)

on-cooldown = Slow down: try again in { $seconds } s.
only-in-a-server = This works only in a server, not in direct messages.
you-need-permission = To use this, you need: { $permissions }.
i-need-permission = In this channel I need: { $permissions }.
you-need-a-role = To use this, you need a role that you do not have here.
not-allowed = You are not allowed to use this here.
cannot-read-option = I do not understand { $value } here. Choose a suggestion, or write it another way.
command-changed = This command has changed. Reload Discord (Ctrl+R) and try again.
commands-elsewhere =
    { COUNT($channels) ->
        [0] I do not answer in this channel.
       *[other] I do not answer in this channel; ask me in { $channels }.
    }
unclaimed = This button or form has expired. Run the command again.
answer-too-large = My answer is too large for Discord. Ask for less.
discord-forbids = Discord does not let me do that in this channel. Ask someone who manages the server.
thread-archived = This thread is archived, so I cannot answer here. Open it again, or ask in another channel.
discord-in-trouble = Discord is having problems. Try again in a minute.
connection-broke = I lost the connection to Discord. Try again in a moment.
out-of-memory = There is not enough memory for that. Try a shorter text, or try again in a minute.
unforeseen = Something went wrong on my side (reference { $reference }).

## Why the bot cannot run (bot/failures.py)

broken-extension = { $extension } failed to load: { $kind }: { $reason }
bad-token = Discord rejected the token. Copy it again from your bot's page in the developer portal and set DISCORD_TOKEN to it.
intents-refused = Discord rejected the bot's intents.
gateway-closed = Discord closed the gateway permanently (close code { $close_code }).
login-refused = { $url } rejected the login with status { $status }.
health-stopping = The bot is shutting down.
health-not-connected = The bot is not connected to Discord.
health-loading = { $slot }: { $name } is loading.
health-not-loaded = { $slot }: { $name } is not loaded yet.
health-failed = { $slot }: { $reason }
audit-not-writable = audit.file: cannot write to { $path }: { $reason }.
address-taken = health: cannot listen on { $host }:{ $port }: { $reason }.

## What a key of the settings may hold (models/sections.py, bot/settings/)

setting-device = "auto", "cpu", "mps", "cuda" or "cuda:N"
setting-default-new-tokens = at most language.max_new_tokens ({ $limit })
setting-ids = ids (whole numbers)
setting-rest-url = a URL that starts with https:// or http://
setting-gateway-url = a URL that starts with wss:// or ws://, or empty
setting-shard-ids = different numbers below discord.shard_count ({ $count })
setting-database-url = a URL that starts with sqlite or postgresql, or empty
setting-cluster-address = "auto" or HOST:PORT
setting-host = a host name or address
setting-path = a file or folder
setting-name = a model name on the hub, or a local file or folder
setting-vectors = a local file or folder, an https:// address, a gensim dataset, or a model name on the hub
setting-address = a local file, or an https:// address
setting-encoding = the name of an encoding, or empty
setting-word = a word of at most 30 characters, or empty
setting-places = a list with at least one entry, each { $place }
setting-list = a list of: { $item }
setting-choice = one of { $choices }
setting-table = a table, starting with the line [{ $key }]
setting-tables = one table of limits per id
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

setting-file-missing = { $path }: no such file; pass another one with --config
setting-file-is-folder = { $path }: this is a folder; pass a file with --config
setting-file-no-text = { $path }: not valid TOML: the file is not UTF-8 text
setting-file-no-toml = { $path }: not valid TOML: { $reason }
setting-file-unreadable = { $path }: cannot be read: { $reason }
setting-token-misplaced = { $where }: do not put the token here; set DISCORD_TOKEN, or point discord.token_file to a file that contains it (and reset the token if others may have read it)
setting-variable-unknown = { $name }: unknown setting
setting-variable-misspelt = { $name }: unknown setting; did you mean { $similar }?
setting-key-unknown = { $key }: unknown key
setting-key-misspelt = { $key }: unknown key; did you mean { $similar }?
setting-from-variable = { $key } (from { $name })
setting-missing = { $where }: missing; allowed: { $allowed }
setting-not-allowed = { $where }: got { $value }; allowed: { $allowed }
setting-like-a-token = something that looks like a token
setting-token-file-unreadable = { $source }: cannot read { $path }: { $reason }
setting-token-file-no-text = { $source }: cannot read { $path }: it is not a text file
setting-token-file-empty = { $source }: { $path } is empty; it must contain only the token
setting-section-missing = { $slot }: the settings have no [{ $slot }] section
setting-section-needed = { $slot }: this needs a [{ $slot }] section in the settings
setting-no-such-token = { $source }: not a token: a token is one word, without spaces or line breaks
setting-no-path = { $where }: { $value } is not a valid file or folder name: { $reason }
setting-path-null = it contains a null character
setting-path-too-long = it is too long
setting-path-no-home = that home folder does not exist
setting-path-no-address = it is not a complete address
setting-too-long = { $where }: too long to be valid ({ $size } characters)
setting-too-deep = it is nested too deeply
setting-number-too-long = { $key }: a number of { $digits } digits is too long
setting-nothing-there = { $key }: there is no file or folder called { $name }
setting-address-incomplete = { $key }: { $value } is not a complete address
setting-no-such-place = { $key }: { $value } is not { $place }
setting-data-dir-locked = data_dir: cannot write to { $path }

## Warnings about the settings, and the token among those in force (bot/settings/check.py)

setting-file-not-here =
    { $key }: { $name } is not on this machine{ $slot ->
        [songs] , so /recommend will not work
       *[other] {""}
    }
setting-file-to-fetch =
    { $key }: { $name } is not on this machine yet{ $slot ->
        [songs] , so /recommend will not work
       *[other] {""}
    }; “{ $command }” downloads it
setting-no-token = no token: set DISCORD_TOKEN before `run`; the demo and the other commands do not need one
setting-shards-apart = discord.shard_ids: processes that do not share a PostgreSQL database (database.url) keep separate likes, and may start sessions too close together
setting-not-encrypted = discord.api_url: the token is sent to { $host } unencrypted
setting-token-set = token: set
setting-token-not-set = token: not set

## The store (bot/failures.py)

database-url-unreadable = Cannot open the database: database.url is not a valid database URL.
database-not-opened = Cannot open the database { $database }: { $reason }.
database-not-supported = Cannot open the database { $database }: { $driver } is not supported; use sqlite+aiosqlite or postgresql+asyncpg.
database-unusable = Cannot use the database { $database }: { $reason }.
database-on-server = The database is on a server: back it up and restore it with pg_dump and pg_restore.
no-database-file = There is no database at { $path }.
would-overwrite = { $path } already exists. Choose another name.
database-in-use = The database { $database } is in use. Stop the bot before you restore it.
backup-failed = Cannot copy { $source } to { $target }: { $reason }.
database-damaged = The database { $database } is damaged ({ $reason }). Restore it from a backup.
database-emptied = The database { $database } is empty or missing, but { $beside } next to it shows that there was one. Restore it from a backup, or move { $beside } elsewhere to start with an empty database.
database-too-new = The database { $database } has version { $version }, but this program supports versions only up to { $known }. Update the program, or use another data_dir.
database-too-old = The database { $database } runs on PostgreSQL { $version }; version { $oldest } or later is required.
database-encoding = The database { $database } uses the encoding { $encoding }; it must be UTF8.
database-read-only = The database { $database } is read-only. Use the primary server and an account with write access.
postgresql-not-installed = The settings name a PostgreSQL database, but the driver is not installed: pip install 'tokenwise[postgresql]'.
copy-differs = Copying stopped: the database { $database } already contains { $table } that the source does not have. Copy to an empty database.
store-unavailable = I cannot reach my database right now, so nothing was changed. Try again in a minute.
store-uncertain = I lost my database while it was saving this, so I do not know whether it was saved. Check again in a minute.

## What the terminal refuses (bot/cli/failures.py)

no-token = No token: set DISCORD_TOKEN to your bot's token, or point discord.token_file to a file that contains it.
not-sqlite = The source must be an SQLite file, such as data/tokenwise.db.
not-postgresql = The target must be PostgreSQL: a URL that starts with postgresql://.
not-on-cluster = inference.backend is "local", so the bot runs its models itself. Set it to "ray" to run them on a cluster.
nothing-to-ask = There is nothing to ask: pass a command, as in --say /help.
health-not-served = health.enabled is false, so the bot does not report its health.
nobody-answers = No bot responds at { $host }:{ $port }: { $reason }
input-not-utf8 = Standard input is not valid UTF-8.
text-not-utf8 = The text is not valid UTF-8.
no-such-path = No such file or folder: { $path }.
no-tokenizers = None of the configured tokenizers could be loaded.
## What the terminal shows (bot/cli/)

terminal-unforeseen = Something went wrong ({ $kind }: { $reason }); python -X dev -m bot shows where.
terminal-small-models = The small bundled models answer at once: add --config demo/config.toml.
terminal-migrated = The database { $database } is at version { $version }.
terminal-copied = { $table }: { $count ->
        [one] 1 record copied and verified
       *[other] { $count } records copied and verified
    }.
terminal-warning = warning: { $line }
terminal-running-bot = the running bot: { $line }
terminal-model-problem = { $slot }: { $problem }
terminal-song-heading = { -item }
terminal-shared-heading = { -lists } in common
terminal-reasons-heading = because of ({ -lists } in common)
terminal-shared = { $shared } of { $playlists }
terminal-song-taken = I took “{ $typed }” to mean { $song } (id { $id }).
terminal-generated = { $model } on { $device }, { $dtype }: { $tokens ->
        [one] 1 token
       *[other] { $tokens } tokens
    } in { $seconds } s ({ $finish })
terminal-moved = Apart from words such as “the” and “to”, the context changed “{ $word }” the most: the cosine between its two vectors is { $cosine }.
terminal-unrelated = { $model }: two different words of these texts have a cosine of { $cosine } on average
terminal-embedding = { $model }: { $tokens ->
        [one] 1 token
       *[other] { $tokens } tokens
    }, { $numbers } numbers each
terminal-pair = Of { $others } other words, { $second } is number { $second_rank } among the nearest to { $first }, and { $first } number { $first_rank } among the nearest to { $second }
terminal-odd-one = { $word } does not belong
terminal-loaded = { $slot }: loaded { $name } ({ $seconds } s)
terminal-deploying = waiting for { $slots }
terminal-undeployed = The models are stopped.
terminal-slot = { $slot }: { $state }, { $name }, version { NUMBER($version, useGrouping: 0) }
terminal-replica = on { $node }: version { NUMBER($version, useGrouping: 0) }, { $state }, { SIZE($memory) }, { $running } running
terminal-backed-up = Backed up the database to { $file } ({ $size }).
terminal-restored = Restored { $database } from { $file }.
terminal-set-aside = The previous database is kept as { $file }.
terminal-no-data-folder = Cannot create the data folder { $path }: { $reason }.
terminal-demo-starts = Starting the bot in a local Discord ...
terminal-demo-small = { $reason } Using the small bundled models instead.
terminal-demo-at = Open your local Discord at { $url } in a browser, or type here.

## What the demo's page opens with (bot/cli/welcome.py)

welcome-about =
    I show what a language model sees: how it writes, what it reads instead of words, and how words and songs become vectors.
    Try an example, or type / to ask your own question. Nothing leaves this machine.
welcome-generate = How does a model write text?
welcome-tokens = What does it read instead of words?
welcome-similar = Can you calculate with words?
welcome-embed = Does a word always mean the same?
welcome-recommend = What do playlists say about songs?

## Looking inside in the terminal (bot/cli/looking.py and the commands that use it)

terminal-read = { $model } read { $count ->
    [one] one token
   *[other] { $count } tokens
 }.
terminal-bos-left-out = The tokenizer adds no beginning-of-text token.
terminal-next = { $bits } bits of entropy, like choosing among { $choices }; with these settings { $left ->
    [one] one token remains
   *[other] { $left } tokens remain, like choosing among { $after }
 }.
terminal-perplexity = { $bits } bits per token on average, a perplexity of { $perplexity }. Lighter tokens are more surprising.
terminal-surprising = { $token } ({ $bits } bits) where { $expected } was expected
terminal-lens = The answer { $answer } takes over at layer { $layer } of { $layers } and stays. For some models the lens says little about early layers.
terminal-attention-mean = Mean over the { $heads } heads of layer { $layer } (0 to { $last }). Attention shows where information can come from, not why the model answers as it does.
terminal-attention-head = Head { $head } of layer { $layer } (0 to { $last }, { $heads } heads each). Attention shows where information can come from, not why the model answers as it does.
terminal-why = What { $token } ({ $probability }) depends on: how far its log-probability falls when a word is removed, and gradient × input. Both are estimates and need not agree.
terminal-paths = The { $width } likeliest continuations at each length, with the probability of each token given those before it. ★ marks the greedy path, ⚄ a sampled one.

## Downloads in the terminal (bot/cli/fetch.py)

terminal-fetch-failed = ✗ { $slot }: { $error }
terminal-fetch-present = ✓ { $slot }: { $item }: already on this machine
terminal-fetched = ✓ { $slot }: { $item }: downloaded { $size } in { $seconds } s ({ $pace }/s)
terminal-fetch-summary = { $there } of { $all } ready.

## Training and measuring in the terminal (bot/cli/train.py, evaluate.py)

terminal-trained = { $name }: { $detail }; { $seconds } s
terminal-evaluation =
    Trained on { $playlists } playlists with { $plays } plays of { $songs } songs{ $folds ->
        [one] {""}
       *[other] { " " }in each of { $folds } folds
    }. Tested on { $used } of { $tests } test playlists, { $draws ->
        [one] once
       *[other] { $draws } times
    } each: { $likes ->
        [one] one song
       *[other] { $likes } songs
    } of a playlist are given, and the rest should be among the first { $k }.
terminal-playlists-too-short =
    Skipped { $count ->
        [one] 1 test playlist
       *[other] { $count } test playlists
    } with too few known songs.
terminal-songs-not-in-training =
    Ignored { $count ->
        [one] 1 song of the test playlists that is
       *[other] { $count } songs of the test playlists that are
    } in no training playlist.
terminal-playlists-in-training-too =
    { $count ->
        [one] 1 test playlist is also a training playlist
       *[other] { $count } test playlists are also training playlists
    }, so this is not a fair test.
terminal-interval = ± is half the width of a 95% bootstrap interval over the test playlists.

## Reloading a model (bot/failures.py)

settings-wrong = The settings now contain errors, so nothing was changed. { $problems }
no-revisions = Only the language model and the encoder have revisions. Leave the revision out for { $slot }.
revision-of-folder = The settings name a local folder, which has no revisions. Leave the revision out.

## Files on this machine (models/failures.py)

no-name = There is no file or folder with an empty name.
no-such-file = There is no file or folder called { $name } on this machine.
no-such-model-folder = There is no model folder called { $name } on this machine.
not-downloaded = { $label } is not on this machine yet.
    .admin = “{ $command }” downloads it.
partly-downloaded = { $label } is only partly on this machine.
    .admin = “{ $command }” downloads it.
no-weights = The folder of { $label } contains no weights.
    .admin = It has no safetensors file.
only-pickled-weights = { $label } has its weights only as a pickle, which can run code when it is opened. I read only safetensors.
only-pickles-offered = { $label } offers its weights only as a pickle, which can run code when it is opened. I read only safetensors.
asks-for-hub-code = { $label } needs to run code from the hub, which I never do.
not-one-vector-file = { $label } must contain exactly one file of word vectors, but contains { $count }.
    .admin = Put the https:// address of one of them (.txt, .vec, .gz or .bin) into the settings.
no-such-data-set = gensim has no word vectors called { $name }.
not-a-web-address = Only addresses that start with https:// or http:// can be downloaded.

## Downloads (models/failures.py)

downloads-off = { $label } is not on this machine, and downloads are disabled.
    .admin = HF_HUB_OFFLINE disables downloads.
no-room = There is not enough disk space for { $label }: it needs { SIZE($size) }, and { SIZE($free) } is free.
disk-full = The disk is full, so { $label } could not be downloaded completely. What has arrived is kept.
cannot-write = Cannot write { $label } to its folder ({ $reason }).
download-damaged = { $label } arrived damaged, so it was deleted.
    .admin = Its { $algorithm } checksum is wrong. Download it again.
download-broke-off = The download of { $label } was interrupted.
    .admin = What has arrived is kept, so start it again to resume.
meaningless-answer = The server sent an invalid response for { $label }.
terms-not-accepted = { $label } is available only to people who have accepted its terms.
    .admin = The terms are on the hub. Accept them there and set HF_TOKEN.
no-such-revision = { $label } has no revision “{ $revision }” on the hub.
no-such-repository = The hub has no model called { $label }, or it is private.
    .admin = If it is private, HF_TOKEN gives no access to it.
download-refused = { $label } could not be downloaded: { $host } denied access (status { $status }).
nothing-at-address = { $label } could not be found: { $host } has nothing at this address.
asked-too-often = { $label } could not be downloaded: { $host } received too many requests. Try again later.
server-failed = { $label } could not be downloaded: { $host } answered with status { $status }. Try again later.
host-unreachable = { $label } could not be downloaded: { $host } cannot be reached. Check the network connection.
download-failed = { $label } could not be downloaded ({ $kind }).

## Loading (models/failures.py)

load-failed = { $label } could not be loaded ({ $kind }).
brings-own-code = { $label } comes with its own program code, which I never run.
not-enough-memory = There is not enough memory for { $label }.
damaged-file = A file of { $label } is damaged.
unknown-architecture = { $label } has an architecture that I do not support.
missing-package = { $label } needs a Python package that is not installed here.
    .admin = It needs the Python package { $package }.
unnamed-package = { $label } needs a Python package that is not installed here.
model-failed = { $name } failed on this text ({ $kind }). Try another text.
missing-shard = The weights of { $label } are incomplete.
    .admin = The file { $file } is missing. Download the model again, or copy the file into its folder.
only-variant-weights = { $label } has no weights that I can read.
    .admin = It has its weights only as { $file }, but I read model.safetensors. Rename the file, or download a version with model.safetensors.
other-weights = { $label } has weights only for other libraries ({ JOIN($formats, separator: ", ") }). I read safetensors and GGUF.
adapter-folder = { $label } is an adapter, not a complete model: it belongs to { $base }.
    .admin = Name that model, or merge the adapter into it and name the result.
lone-adapter = { $label } is an adapter, not a complete model, and does not say which model it belongs to.
    .admin = Merge it into its model, and name the result.
quantised-weights = The weights of { $label } are quantised with { $method }, which I cannot read.
    .admin = Name the unquantised model, or a GGUF file of it.
pointer-file = { $label } is incomplete: it contains a Git LFS pointer instead of the data.
    .admin = The file { $file } is only a pointer. Run “git lfs pull” in its folder, or download the model.
several-gguf-files = The folder { $label } contains several GGUF files.
    .admin = Name one of them: { JOIN($files, separator: ", ") }.
folder-without-tokenizer = The folder of { $label } contains no tokenizer.
incomplete-weights = The weights of { $label } are incomplete for this use.
    .admin = { $missing }{ $more ->
        [0] {" "}is missing.
       *[other] {" "}and { $more } more are missing.
    }
no-such-device = This machine has no device “{ $device }” that torch can use.
    .admin = Try “auto”.
no-such-dtype = Unknown number format “{ $dtype }”.
    .admin = Set dtype to auto, { $known }.
lone-surrogate = The text contains half a character (a lone surrogate), which cannot be encoded. Delete it and try again.

## The hub of models (models/failures.py)

unknown-slot = There is no slot called { $slot }. Available: { $known }.
already-loading = The { $slot } slot is already loading. Wait until it has finished.
hub-closed = I am shutting down, so the models no longer answer.
model-loading = { $name } is still loading. Ask again in a minute.
model-not-loaded = { $name } is not loaded.
model-unavailable = { $name } is not available. { $reason }
load-interrupted = Loading was interrupted.
questions-do-not-end = Some requests do not finish and still use the old model, and there is not enough memory for both.
neither-loads = { $reason } The previous model could not be loaded again either: { $second }

## How a slot stands (models/hub.py)

slot-loading = Loading.
slot-loading-beside = Serving while a new one loads.
slot-draining = Waiting for requests to finish: two copies do not fit into memory.
slot-drained = Being replaced: two copies do not fit into memory.
slot-reload-failed = The last reload failed, so the previous model keeps serving: { $reason }
slot-closed = Closed.

## What a load is doing (models/hub.py, models/pretrained.py, models/local.py)

progress-probing = testing it
progress-draining =
    { $count ->
        [one] waiting for { $count } request to finish: two copies do not fit
       *[other] waiting for { $count } requests to finish: two copies do not fit
    }
progress-waiting-for-previous = waiting for requests that the previous version is still answering
progress-replicas = { $ready } of { $count } replicas are ready
progress-restoring = reloading the old one
progress-reading-weights = reading the weights of { $name }
progress-packing-weights = choosing the fastest weight format for { $name }
progress-moving-model = moving { $name } to { $device }
progress-asking = requesting { $name }
progress-downloading = downloading { $name }, { SIZE($done) }
progress-downloading-of = downloading { $name }, { SIZE($done) } of { SIZE($total) }
download-part = { $name } ({ $part } of { $count })

## Language (models/failures.py)

too-few-new-tokens = Ask for at least 1 new token.
nothing-to-continue = The prompt is empty. Write the beginning of a text, and I will continue it.
prompt-over-window = The text has { $tokens } tokens, but the context window of { $model } takes fewer than { $limit }. Shorten it.
text-too-long-for-model = The text is too long for { $model }. Shorten it.
too-many-tokens = Prompt and continuation together may have at most { $limit } tokens. Ask for fewer, or shorten the prompt.
unseen-token = { $model } has never seen the token “{ $token }”. Leave it out of the prompt.
unusable-stop = This model cannot stop at { $stop }. Choose another stop text.
scores-not-finite = The model failed on this text (its numbers are not finite). Try another prompt.
no-memory-for-text = There is not enough memory for this text. Ask for a shorter one.
stopped-before-start = This was stopped before it started.
late-before-start = There was no time left to start this.
tokenizer-too-large = The tokenizer of { $model } has more entries than the model has embeddings.
int8-unsupported = The model cannot be loaded in this number format.
    .admin = int8 needs a CPU, and dtype auto or bfloat16; leave int8 out, or change device and dtype.
compiled-needs-cpu = The model cannot be loaded here.
    .admin = runtime = "compiled" computes on a CPU: set device = "cpu", or runtime = "torch".

## Looking inside (models/failures.py)

nothing-to-look-into = The text is empty. Write a few words, and I will show what the model makes of them.
no-such-layer = { $model } has no layer { $layer }. Choose one from 0 to { $last }.
no-such-head = { $model } has no head { $head }. Choose one from 0 to { $last }.
no-attention-weights = { $model } has no attention to show: it carries a state from token to token instead. Try /lens, /next or /surprise.
layer-without-attention = Layer { $layer } of { $model } has no attention. Choose one of { $others }.
too-many-weights = The attention of all heads over { $tokens } tokens is too much to show. Choose one head, or a text of at most { $most } tokens.
no-layers = I cannot identify the layers of { $model }. /next, /generate and /tokens still work with it.
nothing-to-take-out = The prompt contains no word to remove. Write at least one.

## Tokenizers (models/failures.py)

unknown-token-id = { $tokenizer } has no token with the id { $token_id }. Its ids range from 0 to { $last }.
no-token-for = { $tokenizer } has no token for { JOIN($parts, separator: " ") }, and none for unknown text, so it cannot split this text.
tokenizer-failed = { $tokenizer } failed on this ({ $kind }). Try another text or another tokenizer.
no-tokenizer-answers = { $reasons }
unknown-tokenizer = I have no tokenizer with that name. Choose one of: { $names }.
missing-tokenizer = { $reason } Available tokenizers: { $names }.
no-tokenizer-named = No tokenizer is set up.
    .admin = Name one in tokenizers.names.
no-tokenizer-loaded = { $reasons }
    .admin = { $remedies }

## Encoder (models/failures.py)

nothing-to-embed = The text is empty. Write a word or a sentence.
text-over-limit = The text has { $tokens } tokens, but { $model } reads at most { $limit }. Shorten it.
no-shared-word = The two texts have no word in common. Use the same word in both to see how its vector changes.
vectors-not-finite = { $model } returned numbers that are not finite.
other-vocabulary = { $tokenizer } does not have the vocabulary that { $model } was trained with, so the vectors would be meaningless.
    .admin = Use the model's own tokenizer.
mismatched-tokenizer = The tokenizer has { $entries } entries, but { $model } knows { $known }. They do not belong together, so the vectors would be meaningless.
    .admin = Use the model's own tokenizer.

## What special tokens are for (models/results.py, Role)

role-cls = added to every text, usually at its start; a classifier reads its answer from this token's vector
role-bos = beginning of a text
role-bos-left-out = beginning of a text; this tokenizer does not add it by itself
role-sep = follows a text, and separates two of them
role-eos = end of a text: a model that writes it is done
role-mask = a blank: in training, the model guessed which token belongs there
role-pad = pads shorter texts of a batch to the length of the longest; the model is told to ignore it
role-unknown = stands for anything that the vocabulary cannot spell
role-never-unknown = meant for what cannot be spelt, but never needed: every byte has its own token
role-gap = a numbered gap: in training, spans of text were cut out, and the model wrote what belongs in each
role-reserved = reserved by the authors of the tokenizer, for example for chat turns

## What the marks in tokens mean (models/results.py, Mark)

token-mark-continues = continues the previous word; not unknown, and not part of the text
token-mark-word-end = ends a word
token-mark-space-byte = the letter for the space byte: the token begins a word after a space
token-mark-space = stands for the space before a word; a token decoded alone loses it
token-mark-byte = one byte of a character that is missing from the vocabulary
token-mark-half-character = what an incomplete sequence of bytes decodes to; not unknown: with its neighbours, it forms a character

## How tokenizers work (models/results.py, Algorithm)

-merges = the neighbouring pair that was learnt first, because it was the most frequent in training, is merged into one token, again and again, until no known pair is left.
-likeliest = Every token has a probability p from training. Of all ways to split a word, the tokenizer picks the one with the highest product of probabilities: their logarithms are added up, and the sum closest to 0 wins.
idea-byte-level-bpe = The text is read as bytes, each written as one letter: Ġ is the space byte, and a character outside ASCII is several bytes. Each word starts as single bytes; then { -merges }
idea-bpe = Each word starts as single characters; then { -merges }
idea-bpe-byte-fallback = Each word starts as single characters, or as UTF-8 bytes such as <0xE2> where the vocabulary lacks a character; then { -merges }
idea-wordpiece = Each word is matched from the left: the longest prefix in the vocabulary, then the longest continuation, marked with ##, and so on. If any part is missing, the whole word becomes one unknown token.
idea-unigram = { -likeliest }
idea-unigram-byte-fallback = { -likeliest } Characters missing from the vocabulary are spelt as UTF-8 bytes such as <0xE2>.
idea-whole-words = Each word is one token; words outside the vocabulary are unknown.
idea-other = It has its own algorithm, which cannot be inspected here.

## Words (models/failures.py)

unknown-word =
    I do not know the word “{ $word }”. { COUNT($suggestions) ->
        [0] Try another one.
       *[other] Did you mean { $suggestions }?
    }
word-without-direction = The vector of “{ $word }” is all zeros, so it has no direction and no neighbours. Try another word.
no-word-given = Write a word, for example engineer, or a sum such as king - man + woman.
no-neighbours-wanted = Ask for at least one neighbour.
no-other-words = There are no other words to compare with.
words-cancel-out = These words cancel each other out, so nothing is left to compare. Change one of them.
sum-among-words = Write either a sum, as in king - man + woman, or words separated by commas.
wrong-number-of-words = Name { $least } to { $most } different words, separated by commas.
missing-term = A word is missing next to a sign. Write it like this: king - man + woman.
too-many-terms = A sum may have at most { $most } words.
not-one-word = “{ $words }” is more than one word. Put + or - between them, as in king - man + woman.
no-words-in-file = { $label } contains no words.
not-word-vectors = { $label } contains no word vectors that I can read.
damaged-word-vectors = { $label } is truncated or damaged.
    .admin = Download it again.
pickled-word-vectors = { $label } was saved by gensim as a pickle, which can run code when it is opened.
    .admin = Save it with save_word2vec_format instead.
archive-of-several = { $label } is an archive of { $count } files ({ JOIN($names, separator: ", ") }), and I cannot tell which one contains the vectors.
    .admin = Unpack it, and name one file in the settings.
archive-encrypted = { $label } is an encrypted archive.
    .admin = Unpack it, and name the extracted file in the settings.
not-utf8 = { $label } is encoded in UTF-16.
    .admin = Save it as UTF-8.
numbers-not-finite = { $label } cannot be used: the vector of “{ $word }”, row { NUMBER($row, useGrouping: 0) }, contains a number that is not finite (NaN or infinity).
line-not-finite = { $label } cannot be used: the vector of “{ $word }” in line { NUMBER($line, useGrouping: 0) } contains a number that is not finite (NaN or infinity).
vector-length-wrong = { $label } is inconsistent: line { NUMBER($line, useGrouping: 0) } has { $found ->
        [one] one number
       *[other] { NUMBER($found, useGrouping: 0) } numbers
    }, but by line { NUMBER($standard, useGrouping: 0) } each word has { NUMBER($expected, useGrouping: 0) }.
    .admin = The file is damaged, its first line is wrong, or several files were joined. Download it again, or correct that line.
vector-count-wrong = { $label } is inconsistent: line 1 announces { NUMBER($announced, useGrouping: 0) } words, but the file contains { NUMBER($found, useGrouping: 0) }.
    .admin = The file is truncated, several files were joined, or the first line is wrong. Download it again.
vectors-go-on = { $label } is inconsistent: line 1 announces { NUMBER($announced, useGrouping: 0) } words, but the file contains more.
    .admin = The file is damaged, or its first line is wrong. Download it again.
broken-entry = { $label } cannot be used: word { NUMBER($number, useGrouping: 0) } contains bytes that no word has, so the file is damaged or its first line is wrong.
    .admin = Download it again.
vector-line-unreadable = { $label } cannot be used: line { NUMBER($line, useGrouping: 0) } has “{ $text }” instead of a number.
    .admin = Each line should contain a word and its numbers, separated by spaces.
decimal-comma = { $label } cannot be used: line { NUMBER($line, useGrouping: 0) } has “{ $text }” instead of a number. Write decimals with a point, not a comma.
vector-files-joined = { $label } has different vectors for the same word, first for “{ $word }” (line or entry { NUMBER($place, useGrouping: 0) }), { $repeated ->
        [one] once
       *[other] { $repeated } times
    } in all. Several files may have been joined.
only-zeros = Every vector in { $label } is all zeros, so none has a direction.
not-a-matrix = The vectors of { $label } are not a table of real numbers with a row for each word.
    .admin = The table is its vectors.npy.
mismatched-word-vectors = The words and vectors of { $label } do not match: there must be one vector per word.
repeated-word = The words of { $label } are not usable: one of them appears twice.
folder-without-word-vectors = The folder { $label } contains no word vectors.
    .admin = It must contain vectors.npy and words.txt, or one file of word vectors ({ JOIN($suffixes, separator: ", ") }).

## Words (models/words/)

words-detail =
    { $words ->
        [one] { $words } word
       *[other] { $words } words
    }, { $size ->
        [one] { $size } number
       *[other] { $size } numbers
    } each
progress-reading-vectors = reading the word vectors { $name }

## Songs (models/failures.py)
# The words of a catalogue; [songs.words] of the settings has others for films, books and so on.

-item = song
-items = songs
-list = playlist
-lists = playlists
-by = artist

song-gone = That { -item } is no longer in my catalogue. Ask for recommendations again.
no-such-song-like = I found no { -item } like “{ $text }”. Type part of its title or { -by } and choose from the list.
no-such-song =
    There is no { -item } with the id or title '{ $text }'.{ COUNT($near) ->
        [0] {""}
       *[other] {" "}Did you mean one of these: { JOIN($near, separator: "; ") }?
    }
ambiguous-song = '{ $text }' may be more than one { -item }: { JOIN($songs, separator: "; ") }. Name one by its id.
no-songs-wanted = Ask for at least one { -item }.
no-songs-in-file = { $label } contains no { -items }.
not-playlists =
    { $label } contains no { -lists } in a layout that I know: it looks like { $seen ->
        [pointer] a Git LFS pointer
        [html] a web page
        [xml] XML
        [json] JSON
        [object] JSON with the keys { $detail }
        [table] a table with the columns { $detail }
        [text] plain text
       *[binary] a binary file
    }.
    .admin = docs/catalogues.md describes the layouts. If it is a table, name its columns in [songs.columns].
not-a-song-table =
    { $label } is not a table of { -items } in a layout that I know: it looks like { $seen ->
        [pointer] a Git LFS pointer
        [html] a web page
        [xml] XML
        [json] JSON
        [object] JSON with the keys { $detail }
        [table] a table with the columns { $detail }
        [text] plain text
       *[binary] a binary file
    }.
    .admin = docs/catalogues.md describes the layouts. If it is a table, name its columns in [songs.columns].
no-files = The folder or archive of the catalogue contains no files.
no-titles = { $label } contains ids, but no file says what they stand for.
    .admin = Name the table of ids and titles in songs.songs.
no-such-column = The catalogue has no column “{ $column }”.
    .admin = Its columns are { JOIN($columns, separator: ", ") }.
not-ratings = The ratings in { $label } are not numbers: the first is “{ $value }”.
no-shared-ids = The { -lists } and the table of { -items } have no id in common: the { -lists } have ids such as { $played }, the table such as { $song }.
no-playlists-in-file = { $label } contains no { -list } of two { -items } or more.
unreadable-file = { $label } cannot be read ({ $reason }).
no-frequent-song = No { -item } is in enough { -lists } to learn from.
    .admin = None is in { $min_count } of them. Lower songs.min_count.
too-few-playlists = { $playlists } { -lists } cannot be split into { $folds } parts for training and testing.
no-usable-test-playlist = No test { -list } has more than { $likes } different { -items } that the training { -lists } contain. Use fewer likes.

## Songs (models/songs/)

song-without-title = { CAPITAL(-item) } { $id }
songs-detail =
    { $songs ->
        [one] { $songs } { -item }
       *[other] { $songs } { -items }
    }, { $playlists ->
        [one] { $playlists } { -list }
       *[other] { $playlists } { -lists }
    }, { $size ->
        [one] { $size } number
       *[other] { $size } numbers
    } each
progress-reading-songs = reading { -items }
progress-reading-playlists = reading { -lists }
progress-training-word2vec = training Word2Vec on the { -lists }
progress-learning-playlists = learning which go together
progress-preparing-search = preparing the search
progress-evaluating = training and testing: { $name }
progress-evaluating-part = training and testing: { $name }, part { $part } of { $parts }

## Shared by several features (cogs/shared)

and-more = … and { $n } more
and-more-stop = … and { $n } more.
ordinal =
    { $form ->
        [one] { $n }st
        [two] { $n }nd
        [few] { $n }rd
       *[other] { $n }th
    }
quoted = “{ $text }”

# What the marks in tokens mean.
mark-space = space
mark-tab = tab
mark-new-line = new line
mark-carriage-return = carriage return
mark-word-start = start of a word
mark-continues = continues a word
mark-byte = one byte of a character
mark-shapeless = invisible character
mark-special = special token

# Commands in the Apps menu of a message, and the option of several commands that keeps an answer private.
menu-tokens = Tokens
menu-continue = Continue this
message-without-text = That message has no text to read. Choose one that has.
option-private = True shows the answer to you alone

not-an-admin = Only the people who run this bot can do that, in a server that the bot was invited to.
answer-forgotten = I no longer have the data behind this answer. Run the command again.

## /help (cogs/help)

help-title = What a language model sees
help-click = Tap a command to use it, or copy an example. { $learn } explains everything step by step.
help-topic-tokens = See tokens
help-topic-text = See how a text is written
help-topic-inside = Look inside the model
help-topic-vectors = See what vectors are
help-topic-words = Find neighbours of words
help-topic-songs = Get { -items } from { -lists }
help-topic-likes = The { -items } you like
help-topic-data = Your data
help-topic-about = About the bot
help-topic-admin = For admins

## /tokens and /decode (cogs/tokens)

empty-text = The text is empty. Type something, even a single space.
text-too-long =
    The text may have at most { $limit ->
        [one] { $limit } character
       *[other] { $limit } characters
    }; yours has { $length }.
not-a-token-id = “{ $text }” is not a token id. Write numbers such as 16594, 281, separated by commas or spaces.
no-token-ids = Write at least one token id, such as 16594.
too-many-token-ids = I decode at most { $limit } ids at a time; you sent { $count }.

tokens-about =
    { $tokenizer }: **{ $n ->
        [one] { $n } token
       *[other] { $n } tokens
    }** · vocabulary of { $vocabulary } · { $algorithm }
tokens-missing = { $tokenizer }: { $why }
tokens-more-in-file = … and { $n } more in the file.
tokens-alt =
    { $tokenizer } makes { $n ->
        [one] one token
       *[other] { $n } tokens
    }: { JOIN($pieces, separator: " | ") }
tokens-of-one =
    { $tokenizer }: **{ $n ->
        [one] { $n } token
       *[other] { $n } tokens
    }** · { NUMBER($ratio, minimumFractionDigits: 2, maximumFractionDigits: 2) } characters per token · vocabulary of { $vocabulary } · { $algorithm }
tokens-file-head =
    # { $tokenizer } ({ $algorithm }): { $n ->
        [one] { $n } token
       *[other] { $n } tokens
    }
tokens-file-cut = ... truncated: the file would be too large for Discord.
tokens-not-in-picture = … and { $left } more

decoded-title =
    { $n ->
        [one] { $n } id
       *[other] { $n } ids
    } of { $tokenizer }
decoded-together = Together:
decoded-one-by-one = One by one:
decoded-columns = id | decoded | vocabulary
decoded-differently = Decoded one by one, they give a different text: a single token may lose its leading space or be only part of a character.

# Buttons below an answer of /tokens.
token-ids = Ids and CSV
token-bytes = Bytes
token-specials = Special tokens
token-how = How it works
token-cost = Cost
token-previous = ◀ Previous tokenizer
token-next = Next tokenizer ▶

token-bytes-title = Characters split across tokens
token-bytes-split =
    { $tokenizer } has no token for { $n ->
        [one] { $n } character
       *[other] { $n } characters
    } of this text, so it spells each one as UTF-8 bytes. A token with only some of these bytes decodes to �, which does not mean that the character is unknown.
token-bytes-unknown =
    { $tokenizer } has no tokens for bytes. What its vocabulary cannot spell becomes an unknown token: { $n ->
        [one] { $n } time
       *[other] { $n } times
    } in this text. The original cannot be recovered from the ids.
token-bytes-whole = { $tokenizer } has a token for every character of this text, so none is split into bytes.

token-specials-title = Special tokens of { $tokenizer }
token-special = { $token } id { $id }
token-special-here =
    { $n ->
        [one] { $n } time
       *[other] { $n } times
    } in this text
token-special-added = added by the tokenizer
token-specials-none = It has none.
token-specials-more = … and { $n } more reserved tokens.
token-specials-marks = Marks inside other tokens

token-how-title = How { $tokenizer } works: { $algorithm }
token-how-normalized = First, it normalizes the text:
token-how-whole = Matched first, as whole tokens that were added to the vocabulary:
token-how-chunks =
    Before the vocabulary is used, the text is split into { $n ->
        [one] { $n } part
       *[other] { $n } parts
    }:
token-how-steps = How { $word } becomes tokens:
token-how-merges = How { $word } becomes tokens. Each step merges the pair in brackets:
token-how-no-steps = The steps from there to the tokens cannot be shown.
token-how-more-steps =
    … { $n ->
        [one] { $n } more step
       *[other] { $n } more steps
    }

token-cost-title = What it costs
token-cost-explained =
    The text has { $n ->
        [one] { $n } character
       *[other] { $n } characters
    }. A model reads and writes token by token, so fewer tokens are faster and leave more room. Special tokens count too.
token-cost-window = The language model here has a window of { $window } tokens.
token-cost-tokens =
    { $n ->
        [one] **{ $n } token**
       *[other] **{ $n } tokens**
    }
token-cost-rate = { NUMBER($rate, maximumFractionDigits: 0) } per 1,000 characters
token-cost-share = { $share } of the window
token-cost-loses =
    loses text: { $n ->
        [one] { $n } part becomes
       *[other] { $n } parts become
    } { $token } and cannot be recovered
token-cost-cheapest =
    { $losing ->
        [0] { $tokenizer } needs the fewest tokens for this text.
       *[other] Of those that lose nothing, { $tokenizer } needs the fewest tokens for this text.
    } In another language, the order may differ.

## /embed (cogs/vectors)

text-to-embed-too-long =
    A text may have at most { $limit ->
        [one] { $limit } character
       *[other] { $limit } characters
    }; yours has { $length }.

vectors-shape =
    { $model } turned this into vectors of shape **({ NUMBER($texts, useGrouping: 0) }, { NUMBER($tokens, useGrouping: 0) }, { NUMBER($numbers, useGrouping: 0) })**: { $texts ->
        [one] { $texts } text
       *[other] { $texts } texts
    }, { $tokens ->
        [one] { $tokens } token
       *[other] { $tokens } tokens
    }, { $numbers ->
        [one] { $numbers } number
       *[other] { $numbers } numbers
    } each.
vectors-columns = | token | id | vector
vectors-more =
    … and { $n ->
        [one] { $n } more token
       *[other] { $n } more tokens
    }.
vectors-no-way-back = An id is an index into the vocabulary, so it can be looked up and decoded. A vector cannot: it is what the model computed for that token in this text, and the same token gets a different vector in another text. Vectors can only be compared with each other.
vectors-alt-numbers = The { $numbers } numbers of each token's vector, one row per token: { JOIN($tokens, separator: ", ") }.
vectors-alt-cosines = The cosine between every two tokens of { JOIN($tokens, separator: ", ") }. Most alike: { $first } and { $second } ({ NUMBER($cosine, minimumFractionDigits: 2, maximumFractionDigits: 2) }).
vectors-alt-cosine-alone = The cosine of the only token, { $token }, with itself: 1.
vectors-picture-axis = index in the vector
vectors-picture-position = position of the token
vectors-files = CSV and NPY
vectors-files-explained =
    All vectors of the last layer. The CSV file has one row per token; numpy.load opens the NPY { $files ->
        [one] file
       *[other] files
    }, shape (tokens, numbers).
vectors-picture-numbers = The { $n } numbers of each token
vectors-picture-cosines = Cosine between tokens

contexts-title = The same words in two contexts
contexts-moved = The context changed **“{ $word }”** the most: the cosine between its two vectors is **{ NUMBER($cosine, minimumFractionDigits: 2, maximumFractionDigits: 2) }**, where 1 would mean no change.
contexts-moved-of-content = Apart from words such as “the” and “to”, the context changed **“{ $word }”** the most: the cosine between its two vectors is **{ NUMBER($cosine, minimumFractionDigits: 2, maximumFractionDigits: 2) }**, where 1 would mean no change.
contexts-unrelated = Two different words of these texts have a cosine of { NUMBER($cosine, minimumFractionDigits: 2, maximumFractionDigits: 2) } on average.
contexts-note = A word's id is the same in both texts, but its vector is not, because the model reads the whole text.
contexts-alt = One bar per shared word, as long as the cosine between its two vectors: { JOIN($words, separator: ", ") }.
contexts-picture-title = Cosine between a word's two vectors
contexts-picture-unrelated = different words: { NUMBER($cosine, minimumFractionDigits: 2, maximumFractionDigits: 2) } on average
contexts-picture-axis = cosine
contexts-picture-one = 1: the context changed nothing

## /similar (cogs/similar)

similar-title = Nearest to { $query }
similar-alt = A map of the words nearest to “{ $query }”, nearest first: { JOIN($words, separator: ", ") }.
similar-odd-alt = A map of { JOIN($words, separator: ", ") }. { $odd } fits least.
similar-columns = | word | | cosine
similar-footer = { $model } · cosine 1: same direction, 0: unrelated
similar-footer-by-vector = { $model } · cosine 1: same direction, 0: unrelated · by vector, so the word itself is included
similar-pair-title = { $first } and { $second }
similar-pair-cosine = Cosine **{ NUMBER($cosine, minimumFractionDigits: 3, maximumFractionDigits: 3) }** { $bar }
similar-pair-same = They are the same word, so they have the same vector.
similar-pair-ranks = Of the other { $others } words, **{ $second }** is the { $rank_of_second } nearest to **{ $first }**, and **{ $first }** is the { $rank_of_first } nearest to **{ $second }**.
similar-odd-title = { $word } does not belong
similar-odd-explained = Its vector is the furthest from the mean of all the words.
similar-odd-columns = word | | cosine
similar-map-marks = ◆ asked   ● neighbours, numbered as listed
similar-map-marks-odd = ◆ does not belong   ● the others
similar-map-across = principal component 1 →
similar-map-up = ↑ principal component 2
similar-map-share = both together: { NUMBER($share, style: "percent") } of the variance

## /models (cogs/models)

no-section = The settings have no section [{ $slot }], so there is nothing to load.

models-title = What is loaded
models-state = { $sign } { $slot }: { $state }
models-nothing-yet = Nothing here yet.
models-load-seconds = loaded in { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } s
models-queue = { $running } running, { $waiting } waiting (at most { $places })
models-queue-idle = idle
models-other-lanes = Other queues
models-other-lane =
    { $lane ->
        [drawing] pictures
        [inside] views into models
        [loading] reloads
        [suggesting] suggestions
       *[other] { $lane }
    }: { $queue }
models-replica = -# version { NUMBER($version, useGrouping: 0) } on { $node }: { $state }, { $memory }, { $running } running
models-more-replicas =
    { $count ->
        [one] -# and one more replica
       *[other] -# and { $count } more replicas
    }
models-bot = Tokenwise { $version } · up for { $uptime }

models-loading = ⏳ Reloading **{ $slot }**: { $what }
models-loading-seconds = { NUMBER($seconds, maximumFractionDigits: 0, useGrouping: 0) } s
models-loading-serving = the previous one keeps serving
models-loading-waited-for = requests wait for it
models-loaded = ✅ Reloaded **{ $slot }**: { $facts }
models-loaded-in = { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } s
models-memory = models: { $models_before } before, { $models_after } after · the whole process: { $process_before } before, { $process_after } after
models-drained = Two copies did not fit into memory, so the previous one was unloaded first.
models-not-loaded = ❌ **{ $slot }** was not reloaded: { $why }
models-still-serving = The previous one keeps serving.
models-nothing-serves = Nothing is loaded there now.

## Buttons of several features (cogs/shared/buttons.py)

button-back = ◀ Back
button-next = Next ▶
button-keep = Keep everything
file-too-large = Left out because it is too large for this server: { JOIN($files, separator: ", ") }
nothing-changed = Nothing was changed.
somebody-elses-button = That button belongs to someone else. Run the command yourself to get your own.

## /generate (cogs/generate)

button-stop = Stop
button-generated-tokens = Tokens
button-why = Why this word
button-mattered = What mattered
button-continue = Continue
button-again = Again

empty-prompt = The prompt is empty. Write the beginning of a text, and I will continue it.
prompt-too-long =
    The prompt may have at most { $limit ->
        [one] { $limit } character
       *[other] { $limit } characters
    }; yours has { $length }.
no-language-model = No language model is set up here, so I cannot write. Try /help for what I can do.
too-many-new-tokens =
    I write at most { $limit ->
        [one] { $limit } token
       *[other] { $limit } tokens
    } at a time. Ask for fewer.
not-yours-to-stop = Only the person who asked, or someone who manages this server, can stop this text.
nothing-to-stop = There is nothing to stop: this text is finished, or I have restarted since it began.

# While a text waits, and while it is written.
generate-loading = The model is still loading.
generate-in-line = You are { $position } in line.
generate-reading = Reading the prompt ...
generate-so-far = { $characters } characters so far
generate-restarting = I am restarting, so this text stops in a moment.
generate-broken = This text could not be finished.

# A finished text, and below it how it came about.
generate-blank = Only white space: { $marks }
generate-nothing = The model ended the text immediately.
generate-in-file = This is the beginning; the whole text is in the file.
generate-chat-model = chat model
generate-base-model = base model (continues text)
generate-new-tokens =
    { $tokens ->
        [one] { $tokens } new token
       *[other] { $tokens } new tokens
    }
generate-speed = { NUMBER($tokens_per_second, minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: 0) } tokens/s
generate-temperature = temperature { NUMBER($temperature, maximumFractionDigits: 5) }
generate-greedy = temperature 0 (greedy)
generate-top-k = top_k { NUMBER($top_k, useGrouping: 0) }
generate-top-p = top_p { NUMBER($top_p, maximumFractionDigits: 5) }
generate-seed = seed { NUMBER($seed, useGrouping: 0) }
finish-eos = reached end of text
finish-length = stopped at max_new_tokens
finish-context = the context window is full
finish-stop = reached a stop sequence
finish-stopped = stopped on request
finish-max_time = reached the model's own time limit (max_time)
finish-deadline = out of time

# The tokens of a finished text.
generated-tokens-title = What the model read and wrote
generated-tokens-read =
    { $model } read { $tokens ->
        [one] **{ $tokens } token**
       *[other] **{ $tokens } tokens**
    }
generated-tokens-wrote =
    { $model } wrote { $tokens ->
        [one] **{ $tokens } token**
       *[other] **{ $tokens } tokens**
    }
generated-tokens-in-file = … and { $left } more in the file.
generated-tokens-template = The first tokens are the model's chat template around your prompt.

# Which words of the prompt a token depends on.
mattered-token = Token to explain
mattered-next = Next token ▶
mattered-title = What “{ $token }” depends on
mattered-most = The { $place } token of the continuation, { $token }, had a probability of { $share }. Without **{ $word }**, its log-probability would { $change ->
        [fell] fall by { NUMBER($size, minimumFractionDigits: 2, maximumFractionDigits: 2) }: no other word supports it more.
       *[rose] rise by { NUMBER($size, minimumFractionDigits: 2, maximumFractionDigits: 2) }, and no other word supports it.
    }
mattered-unknown = The { $place } token of the continuation, { $token }, had a probability of { $share }.
mattered-groups = The prompt is long, so neighbouring words were removed together.
mattered-strongest = The picture shows the { $shown } words that matter most; the file has all of them.
mattered-no-gradient = This model provides no gradients, so only occlusion is shown.
mattered-care = Occlusion removes a word without replacing it; gradient × input measures the effect of a tiny change. Both are estimates and may disagree.
mattered-occlusion = word removed
mattered-gradient = gradient × input
mattered-alt = How much the log-probability of { $token } changes without each word of the prompt: { JOIN($words, separator: ", ") }.

# Why each token was chosen.
why-title = Why this word
why-explained = After each token, the model gives every token of its vocabulary a probability.
why-drawn = Tokens were sampled at temperature { NUMBER($temperature, maximumFractionDigits: 5) }; { $unlikely } of { $steps } were not the likeliest.
why-greedy = The likeliest token was taken each time (greedy).
why-written = written
why-candidates = alternatives, likeliest first
why-id = id { NUMBER($id, useGrouping: 0) }
why-alt = Each written token with its probability, and the likeliest of those it was chosen over: { JOIN($tokens, separator: ", ") }.
why-over = { $written } over { $other }
why-page = Tokens { NUMBER($first, useGrouping: 0) } to { NUMBER($last, useGrouping: 0) } of { NUMBER($steps, useGrouping: 0) } · probabilities before temperature and top_p

## /recommend, /likes and the buttons under songs (cogs/songs)

button-like = Like
button-liked = Liked
button-compare = Compare with vectors
button-map = Map
button-three-favourites = Name three favourites
button-likes-page = Page { $page }
button-likes-clear = Remove all

song-title = **{ $title }**
song-title-artist = **{ $title }** by { $artist }
song-heading = { $title } – { $artist }
song-little-known =
    { $playlists ->
        [one] little known: in { $playlists } { -list }
       *[other] little known: in { $playlists } { -lists }
    }
because-you-liked = because you liked { $songs }
because-of = because of { $songs }
reason-shared =
    { $playlists ->
        [one] in { $shared } of the { $playlists } { -list } with { $song }
       *[other] in { $shared } of the { $playlists } { -lists } with { $song }
    }
reason-shared-named =
    { $playlists ->
        [one] in { $shared } of its { $playlists } { -list }
       *[other] in { $shared } of its { $playlists } { -lists }
    }
reason-alike = in no { -list } with { $song }

# Two lists side by side, and the map.
compare-playlists = From { -lists }
compare-vectors = Nearest vectors
compare-nothing = Nothing.
compare-explained = Both were learnt from the same { -lists }: the first ranks { -items } that share { -lists }, weighted by how informative each { -list } is; the second ranks { -items } whose vectors point in a similar direction. { $both } of { $shown } are in both (●).
map-title = A map of this list
map-explained = Orange diamonds are what the list is based on; blue numbers are what it recommends. { CAPITAL(-items) } close together appear in { -lists } with similar contents. Directions have no meaning.
map-marks = ◆ based on   ● recommended
map-axes = close together: in similar { -lists }
map-alt = A map of { -items }. Orange: { $liked }. Blue: { $songs }.
map-alt-near = { $number }. { $title }, nearest to { $near }
map-alt-alone = { $number }. { $title }

# The options of /recommend, as long as Discord allows.
recommend-description = Get { -items } that share { -lists } with { A(-item) }, or with the { -items } you like.
recommend-option-song = Part of a title or { A(-by) }; leave it out to use the { -items } you like
recommend-option-like = Another { -item } that the answer should be like
recommend-option-unlike = { A(-item, capital: 1) } to steer away from: what goes with it ranks lower
recommend-option-by = vectors: nearest Word2Vec vectors, as in the notebook; default: the best ranking from { -lists }
recommend-option-n = How many { -items } (default 5)
recommend-option-same-artist = True allows any number by one { -by }; the default is at most two

# What a list of songs is made from.
songs-like-title = Goes with { $songs }
songs-like-unlike-title = Goes with { $songs }, not with { $unlike }
songs-without-title = { $title }, without what goes with { $songs }
songs-from-one-like = Because you liked { $song }
songs-from-likes = From the { -items } you like
songs-from-likes-together = From the { -items } you like together
songs-popular = Popular { -items }
songs-no-more = No more { -items }
songs-guessed = I took “{ $typed }” to mean { $song }.
songs-for-people = For { $people } together.
songs-nothing-from =
    { $count ->
        [one] Nothing is based on { $people }, who likes no { -items } yet.
       *[other] Nothing is based on { $people }, who like no { -items } yet.
    }
songs-song-unknown = None of the { -lists } I learnt from shows what goes with { $songs }.
songs-likes-unknown = I do not know the { -items } you like well enough yet.
songs-no-likes = You have not liked any { -items } yet, so these are popular ones of every kind.
songs-nobody-likes = None of you has liked { A(-item) } yet, so these are popular ones of every kind.
songs-like-some = Press Like under { A(-item) } or use { $add }, then ask again.
songs-shorter = The list is shorter because of what you have liked or disliked since.
songs-nothing-left = You have already liked or disliked every { -item } I know.
songs-actions = More like one of these, or hide one …
songs-more-like-this = More like { $number }. { $title }
songs-never-again = Never recommend { $number }. { $title }

# The form for three favourites.
favourites-title = Three { -items } that you like
favourites-first = { A(-item, capital: 1) }
favourites-second = Another { -item }
favourites-third = And one more
favourites-placeholder = Title, { -by }, or both
favourites-liked = You now like these. Use { $command } to undo mistakes.
favourite-liked = “{ $typed }”: 👍 { $song }
favourite-unknown = “{ $typed }”: I found no { -item } like it. Try its { -by }, or another spelling.

# Opinions.
liked-now = 👍 You now like { $song }.
liked-already = You already like { $song }.
liked-list = Press Like again to take it back; { $command } shows all your { -items }.
liked-take-back = { $command } takes it back.
like-removed = You no longer like { $song }.
disliked-now = 👎 I will not recommend { $song }, or other versions of it, to you again.
disliked-already = I am already leaving { $song } out of your recommendations.
disliked-take-back = { $command } takes this back.
dislike-removed = I may recommend { $song } to you again.
song-guessed = I took “{ $typed }” to mean it.

# The commands of /likes, as long as Discord allows.
likes-description = The { -items } you like, visible only to you.
likes-list-description = See the { -items } you like and those you never want recommended.
likes-add-description = Like { A(-item) }, so that recommendations start from it.
likes-remove-description = Remove a like.
likes-dislike-description = Never have { A(-item) }, or other versions of it, recommended to you.
likes-undislike-description = Allow { A(-item) } to be recommended to you again.
likes-clear-description = Remove all your likes, after a confirmation.
likes-export-description = Get the { -items } you like as a file.
likes-option-any = Part of a title or { A(-by) }; choose from the list that appears
likes-option-liked = One of the { -items } you like; choose from the list that appears
likes-option-disliked = One of the { -items } you do not like; choose from the list that appears

# The list of likes.
likes-title = { CAPITAL(-items) } you like
likes-undislike = Allow one again …
likes-not-recommended =
    Not recommended to you: { $songs ->
        [one] { $songs } { -item }
       *[other] { $songs } { -items }
    }
likes-none = No { -items } yet. Add one with { $add }, or press Like under { A(-item) } that { $recommend } shows.
likes-page = page { $page } of { $pages }
likes-clear-question =
    Remove { $likes ->
        [one] { $likes } like
       *[other] { $likes } likes
    }? This cannot be undone.
likes-clear-nothing = You have not liked any { -items }, so there is nothing to remove.
likes-cleared =
    Done: { $likes ->
        [one] { $likes } like
       *[other] { $likes } likes
    } removed.
likes-exported =
    In this file: { $songs ->
        [one] { $songs } { -item }
       *[other] { $songs } { -items }
    }.

liked-song-gone = That { -item } is no longer in my catalogue, so I cannot keep it for you.
not-one-of-your-songs =
    { $matching ->
        [0] None
       *[other] Several
    } of the { $opinion ->
        [dislike] { -items } you do not want to be recommended
       *[like] { -items } you like
    } match “{ $typed }”. Choose one from the list that appears while you type.
not-your-pages = Only the person who asked can turn these pages. Run the command yourself to get your own.
songs-without-opinions = I cannot reach my database right now, so this list may include { -items } that you already like or dislike.
no-longer-sharing = You no longer share your likes, so I show no more { -items } in this public answer. Run the command again to get a list that only you see.
not-sharing =
    <@{ NUMBER($person, useGrouping: 0) }> has not allowed others to use their likes. Only they can, with { $command ->
        [0] `/privacy share`
       *[other] </privacy share:{ NUMBER($command, useGrouping: 0) }>
    }.
no-favourites = Name at least one { -item }, by its title, its { -by }, or both.
people-outside-server = The likes of several people can be combined only in a server.
song-and-people = Give either { A(-item) } or people: with { A(-item) }, likes play no part.
vectors-of-nothing = Name { A(-item) } with song: or like:, so that I know whose vector to use.
bots-like-nothing = Bots have no likes. Choose a person.
only-yourself = Choose someone else: your own likes always count.

## /privacy (cogs/privacy)

button-privacy-delete = Delete everything

privacy-show =
    Under your Discord id I keep:
    - { $likes ->
        [one] { $likes } { -item }
       *[other] { $likes } { -items }
    } you like and { $dislikes ->
        [one] { $dislikes } { -item }
       *[other] { $dislikes } { -items }
    } you do not, with the time of each
    - { $boards ->
        [one] { $boards } text
       *[other] { $boards } texts
    } that you began with /next. The texts of /next, with each person's vote for the next token, are kept for 30 days after their last token.
    - whether others may use your likes. { $sharing }

    Your other questions and my answers are never written to disk or to my log. The latest ones stay in memory, without your name, for the buttons under an answer, until I restart. Nothing leaves the machine I run on, except the answers, which go to Discord.

    { $export } gives you all of it as a file; { $delete } deletes all of it.
privacy-audit = The people who run me also record who used which command, where, when, how it ended and how long it took. They keep these records for a while; { $delete } does not remove them.
privacy-sharing = Others may name you in { $recommend } and get { -items } based on your likes and theirs; the answer names which of your { -items } led to it. { $share } ends that at once.
privacy-not-sharing = Nobody can name you in { $recommend }: your likes count for you alone. { $share } allows it.
privacy-exported = This is everything I keep about you.
privacy-delete-question = Delete everything I keep about you? This cannot be undone. { $export } gives you a copy first.
privacy-deleted =
    Deleted: { $records ->
        [one] { $records } record
       *[other] { $records } records
    }. I keep nothing about you now.

## Starter models (models/failures.py, models/starter/)

starter-download-failed = Downloading the package { $project } failed.
starter-hash-mismatch = The file that the package index offers for { $project } is not the one that was verified, so it was not used.
starter-no-space = There is not enough free disk space for { $project }.
starter-unreachable = The package index cannot be reached, or it does not have { $project }.
pip-missing = { $project } cannot be downloaded because this Python environment has no pip.
    .admin = Install it with: python -m ensurepip
starter-conversion-failed = { $name } was downloaded but could not be converted.
    .admin = Memory may be low. Set TOKENWISE_LOG__LEVEL=DEBUG to see the reason.
starter-folder-refused = Cannot write the folder for the starter models: { $reason }.
progress-starter-download = downloading { $name } ({ SIZE($size) })
progress-starter-convert = converting { $name }

## /learn (cogs/learn)

lesson-title = Lesson { $number } of { $count } · { $title }
lesson-none = There are no lessons, because no models are set up.
lesson-back = ◀ Back
lesson-next = Next ▶
lesson-try = **Try it** with { $command }:
lesson-continue-title = A model continues a text
lesson-continue = A language model does one thing: given a text, it says how likely each possible next piece is. One piece is chosen, added to the text, and the question is asked again. To the model, writing is nothing more.
lesson-continue-look = **Look for:** the text grows piece by piece. Afterwards press **Why this word** to see what else could have come. With the same seed you get the same text again.
lesson-pieces-title = It reads tokens, not letters
lesson-pieces = Before a model reads a text, a tokenizer cuts it into tokens: words, parts of words, single characters. The model never sees the letters.
lesson-pieces-look = **Look for:** common words are one token, rare words are several. In many tokenizers the space in front of a word belongs to its token.
lesson-ids-title = Every token is a number
lesson-ids = Each token has a number, its id: its place in the vocabulary. The numbers have no order or meaning of their own, and the same number is another token in another tokenizer.
lesson-ids-look = **Look for:** each id is turned back into its piece of text, and all of them together into the whole text.
lesson-compare-title = Every tokenizer cuts differently
lesson-compare = A vocabulary is learnt from text, so each model has its own. Some keep capital letters, some do not; some mark the start of a word, some its continuation (##).
lesson-compare-look = **Look for:** the number of tokens. More tokens for the same text means more work and a higher price. Try another language, code or emoji.
lesson-vectors-title = A token becomes a vector
lesson-vectors = Inside the model each token is a list of numbers, a vector. The model passes it through its layers, and each layer changes it according to the tokens around it.
lesson-vectors-look = **Look for:** the shape. It says how many texts, how many tokens, and how many numbers each token has.
lesson-context-title = The same word, another vector
lesson-context = Because the tokens around it change a vector, the same word has different vectors in different texts. This is how a model tells a river bank from a bank with money.
lesson-context-look = **Look for:** the word both texts share whose vector moved the most.
lesson-neighbours-title = Words with similar vectors
lesson-neighbours = Older models give each word one fixed vector, learnt from the words it appears with. Words used alike point in similar directions; how similar is measured by the cosine of the angle between them.
lesson-neighbours-look = **Look for:** the nearest words. Taking one vector from another and adding a third can answer an analogy. Then compare two words: cat, dog.
lesson-songs-title = { CAPITAL(-items) } are words, { -lists } are sentences
lesson-songs = The same idea works without any language. { CAPITAL(-items) } that appear in the same { -lists } get similar vectors, just as words in the same sentences do.
lesson-songs-look = **Look for:** { -items } that go together although nothing is known about their sound. Then press **Compare with vectors**: it shows beside them what the vectors alone suggest.
lesson-taste-title = From your likes to recommendations
lesson-taste = Like a few { -items } and ask for recommendations without naming one: then all your likes count. Only you see them, and you can delete them at any time.
lesson-taste-look = **Look for:** the list says which of your likes it comes from.

## Looking inside (cogs/shared/looking.py)

text-to-read-too-long =
    The text may have at most { $limit ->
        [one] { $limit } character
       *[other] { $limit } characters
    }; yours has { $length }.
look-next = Next token
look-surprise = Surprise
look-lens = Layers
look-attention = Attention
look-paths = Paths
looking-read =
    { $model } read { $tokens ->
        [one] { $tokens } token
       *[other] { $tokens } tokens
    }.
looking-no-bos = Its tokenizer does not add a token for the beginning of a text.

## /lens (cogs/lens)

lens-earlier = ◀ Earlier tokens
lens-later = Later tokens ▶
lens-takes-over = After { $after }, the model predicts { $answer } ({ $share }). That answer takes over at layer **{ $layer }** of { $last } and stays.
lens-only-last = After { $after }, the model predicts { $answer } ({ $share }). Only the last layer, **{ $layer }**, settles on it.
lens-care = Each row reads the model's state after that layer as if it were the last one. In many models, early layers use a different representation, so their rows may mean little.
lens-layer = layer
lens-read = after reading
lens-framed = answer takes over
lens-likely = likely
lens-alt = A table of what each layer, from 0 to { $last }, would predict next. After reading { JOIN($tokens, separator: ", ") }, the last layer predicts { JOIN($answers, separator: ", ") }. These answers take over at layers { JOIN($layers, separator: ", ") }.

## /surprise (cogs/surprise)

surprise-two-title = Two texts, token by token
surprise-perplexity = **{ NUMBER($bits, minimumFractionDigits: 1, maximumFractionDigits: 1) } bits** per token on average, a perplexity of **{ NUMBER($perplexity, maximumSignificantDigits: 3) }**: as if the model chose among that many equally likely tokens each time.
surprise-nothing-to-measure = Nothing comes before the first token, so there is nothing to predict it from. Write a few more words.
surprise-two = Perplexity **{ NUMBER($first, maximumSignificantDigits: 3) }** for the first text and **{ NUMBER($second, maximumSignificantDigits: 3) }** for the second: the model predicted the text with the lower one better.
surprise-peak = { $token } surprised it by **{ NUMBER($bits, minimumFractionDigits: 1, maximumFractionDigits: 1) } bits**; it expected { $expected }.
surprise-beginning = The picture shows the first { $shown } tokens; the file has all of them.
surprise-care = 1 bit is a probability of 1/2, 10 bits one of 1/1024. Bits per token depend on the tokenizer, so models with different tokenizers cannot be compared by them.
surprise-axis = bits, token by token
surprise-scale = surprise (bits)
surprise-alt =
    A text of { $tokens ->
        [one] { $tokens } token
       *[other] { $tokens } tokens
    }, shaded by how much each one surprised the model. The most surprising, in bits: { JOIN($peaks, separator: ", ") }.

## /paths (cogs/paths)

paths-draw-again = Draw again
paths-best = Likeliest path: { $text } ({ $share })
paths-greedy-is-best = Taking the likeliest token at each step (greedy) gives the same path.
paths-greedy = Taking the likeliest token at each step (greedy): { $text } ({ $share })
paths-sampled = Sampled at temperature 1: { $text } ({ $share })
paths-pruned = The picture shows { $shown } of { $paths } paths; the file has all of them.
paths-care = Each percentage is the probability of a token after those before it; the probability of a path is their product. Beam search finds likely texts, but not all of them, and likely does not mean good.
paths-footer = { $width } paths followed, { $depth ->
        [one] { $depth } token
       *[other] { $depth } tokens
    } deep · seed { NUMBER($seed, useGrouping: 0) }
paths-ends = end ∎
paths-legend-greedy = ★ greedy
paths-legend-sampled = ⚄ sampled
paths-alt =
    A tree of { $paths ->
        [one] { $paths } continuation
       *[other] { $paths } continuations
    }. The likeliest is “{ $best }” ({ $share }); the greedy one is “{ $greedy }”.

## /attention (cogs/attention)

attention-layer = Layer
attention-head = Head
attention-token = From token
attention-all-layers = All layers (mean)
attention-all-heads = All heads of the layer
attention-layer-number = Layer { $n }
attention-head-number = Head { $n }
attention-go-previous = Previous token: { $head }
attention-go-first = First token: { $head }
attention-go-induction = Induction: { $head }
attention-kind-previous = previous token
attention-kind-first = first token
attention-kind-induction = induction
attention-map-previous = previous
attention-map-first = first
attention-map-induction = induction
attention-best-previous = { $head } attends to the previous token ({ $share })
attention-best-first = { $head } to the first token ({ $share })
attention-best-induction = { $head } to what followed the same token earlier (induction, { $share })
attention-standing-out = Heads that stand out, as layer.head: { JOIN($heads, separator: "; ") }.
attention-looks = When the model reads { $token }, it attends to { JOIN($where, separator: ", ") }.
attention-itself = itself
attention-grid = The { $heads } heads of layer { $layer }. Each row is a token, each column a token that it attends to; the stronger the shade, the more.
attention-where-mean = Mean over { $layers } layers of { $heads } heads
attention-where-layer = Layer { $layer } of 0 to { $last }, all { $heads } heads
attention-where-head = Layer { $layer } of 0 to { $last }, head { $head } of 0 to { $most }
attention-care = Attention shows where information can come from. It does not explain the answer, and much of it goes to the first token because the weights must add up to 1.
attention-arcs = what the framed token attends to
attention-maps = one map per head: rows attend to columns

## /next (cogs/next)

board-gone = This text is no longer available: the person who started it deleted their data, or nobody used it for a month. Start another one with /next.
board-locked = The person who started this text has locked it. Start your own with /next.
not-your-board = Only the person who started this text, or someone who manages this server, can lock or unlock it.
board-changed = Someone else was faster, and the text has changed. Look again, then choose.
no-votes = Nobody has voted yet. Choose a token in the menu first.
board-title = What comes next?
board-take = Take a token …
board-temperature = Temperature
board-top-k = top_k: keep the likeliest
board-cuts = top_p and min_p: no cut
board-choose = Vote for the next token …
board-draw = Draw one
board-undo = Undo
board-vote = Vote
board-count = Count votes
board-end = End the game
board-lock = Lock
board-unlock = Unlock
board-layers = Layers
board-option = { $share } · id { NUMBER($id, useGrouping: 0) }
board-temperature-value = temperature { NUMBER($value, maximumFractionDigits: 5) }
board-temperature-greedy = always the likeliest (greedy)
board-top-k-value = top_k { NUMBER($value, useGrouping: 0) }
board-top-k-all = all tokens
board-cut = { $name } { NUMBER($value, maximumFractionDigits: 5, useGrouping: 0) }
board-drawn = 🎲 drew { $token } ({ $share }).
board-likeliest = { $token } is the likeliest ({ $share }). The entropy is **{ NUMBER($bits, minimumFractionDigits: 1, maximumFractionDigits: 1) } bits**, like choosing among **{ NUMBER($choices, maximumSignificantDigits: 3) }** equally likely tokens.
board-kept =
    { $left ->
        [one] With { $settings }, one token is left.
       *[other] With { $settings }, { $left } tokens are left: { NUMBER($bits, minimumFractionDigits: 1, maximumFractionDigits: 1) } bits, like choosing among { NUMBER($choices, maximumSignificantDigits: 3) }.
    }
board-care = Likely means typical of the model's training texts. It does not mean true.
board-is-locked = locked: only the person who started it can change it
board-voting = **Vote:** which token comes next? The model's probabilities stay hidden until the votes are counted.
board-rules = Everyone has one vote and can change it. The token with the most votes is taken and compared with the model's own choice.
board-votes =
    { $votes ->
        [one] { $votes } vote
       *[other] { $votes } votes
    }
board-your-vote = You voted for { $token }. You can change your vote until the votes are counted.
board-counted-same = Round { $round }: the group chose { $chosen } ({ $votes } of { $all }), and so would the model ({ $share }).
board-counted = Round { $round }: the group chose { $chosen } ({ $votes } of { $all }); the model gave it { $share }. The model's own choice was { $likeliest } ({ $best }).
board-agreed = The group agreed with the model in { $agreed } of { $rounds ->
        [one] { $rounds } round
       *[other] { $rounds } rounds
    }.
board-score = **Game over:** you agreed with the model in { $agreed } of { $rounds ->
        [one] { $rounds } round
       *[other] { $rounds } rounds
    }. Your tokens surprised it by { NUMBER($group, minimumFractionDigits: 1, maximumFractionDigits: 1) } bits on average; its own choices would have surprised it by { NUMBER($model, minimumFractionDigits: 1, maximumFractionDigits: 1) }.
board-no-rounds = The game ended before the first vote was counted.
board-alt = The likeliest next tokens and their probabilities: { JOIN($tokens, separator: ", ") }.
board-alt-cut = The settings cut { JOIN($tokens, separator: ", ") }.
next-token = token
next-id = id
next-before = before
next-probability = probability
next-after = after
next-cut = cut
