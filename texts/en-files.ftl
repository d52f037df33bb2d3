## Files on this machine (models/failures.py)

no-name = There is no file or folder called that on this machine.
no-such-file = There is no file or folder called { $name } on this machine.
no-such-model-folder = There is no model folder called { $name } on this machine.
not-downloaded = { $label } is not on this machine yet.
    .admin = “{ $command }” downloads it.
partly-downloaded = { $label } is only partly on this machine.
    .admin = “{ $command }” downloads it.
no-weights = The folder of { $label } holds no weights (no safetensors file).
only-pickled-weights = { $label } has its weights only as a pickle, which can run code when it is opened; I read safetensors only.
only-pickles-offered = { $label } offers its weights only as a pickle, which can run code when it is opened; I read safetensors only.
asks-for-hub-code = { $label } wants to run code from the hub, which I never do.
not-one-vector-file = { $label } must hold one file of word vectors (.txt, .vec, .gz or .bin), and it holds { $count }; put the https:// address of one into the settings.
no-such-data-set = gensim has no word vectors called { $name }.
not-a-web-address = Only addresses that begin with https:// or http:// can be downloaded.

## Downloads (models/failures.py)

downloads-off = { $label } is not on this machine, and HF_HUB_OFFLINE says that nothing is to be downloaded.
no-room = There is no space for { $label }: it takes { SIZE($size) }, and the disk has { SIZE($free) } free.
disk-full = There is no space left for { $label }; what has arrived is kept.
cannot-write = { $label } cannot be written to its folder ({ $reason }).
download-damaged = { $label } arrived damaged (its { $algorithm } checksum is wrong) and was thrown away; fetch it again.
download-broke-off = The download of { $label } broke off; what has arrived is kept, so fetch it again to go on.
meaningless-answer = The server's answer about { $label } makes no sense.
terms-not-accepted = { $label } may only be downloaded by people who agreed to its terms on the hub; agree there and set HF_TOKEN.
no-such-revision = { $label } has no revision “{ $revision }” on the hub.
no-such-repository = The hub has no model called { $label }, or it is private and HF_TOKEN does not open it.
download-refused = { $label } could not be downloaded: { $host } does not give it to everybody (status { $status }).
nothing-at-address = { $label } could not be found: { $host } has nothing at this address.
asked-too-often = { $label } could not be downloaded: { $host } was asked too often. Try again in a while.
server-failed = { $label } could not be downloaded: { $host } answered with status { $status }. Try again later.
host-unreachable = { $label } could not be downloaded: { $host } cannot be reached. Is there a network?
download-failed = { $label } could not be downloaded ({ $kind }).

## Loading (models/failures.py)

load-failed = { $label } could not be loaded ({ $kind }).
brings-own-code = { $label } brings program code of its own, which I never run.
not-enough-memory = There is not enough memory for { $label }.
damaged-file = A file of { $label } is damaged.
unknown-architecture = { $label } is of a kind that I do not know.
missing-package = { $label } needs a Python package that is not installed here (often sentencepiece or protobuf).
folder-without-tokenizer = The folder of { $label } holds no tokenizer.
incomplete-weights =
    The weights of { $label } are incomplete for this use: { $missing } is missing{ $more ->
        [0] {""}
       *[other] , and { $more } more
    }.
no-such-device = This machine has no device “{ $device }” that torch can use; try “auto”.
no-such-dtype = “{ $dtype }” is no dtype that I know; use auto, { $known }.
lone-surrogate = The text holds half of a character (a lone surrogate), which nothing can encode. Delete it and ask again.

## The hub of models (models/failures.py)

unknown-slot = There is no slot called { $slot }; there are: { $known }.
already-loading = The { $slot } slot is being loaded already. Wait for that to end.
hub-closed = I am stopping, so no model answers any more.
model-loading = { $name } is still loading. Ask again in a minute.
model-not-loaded = { $name } is not loaded.
model-unavailable = { $name } is not available: { $reason }
load-interrupted = Loading was broken off.
questions-do-not-end = Questions that do not end hold the old model, and two do not fit.
neither-loads = { $reason } Nor could the one before it be loaded again: { $second }

## How a slot stands (models/hub.py)

slot-loading = Being loaded.
slot-loading-beside = Serving while a new one is loaded.
slot-draining = Two copies do not fit into memory; draining.
slot-drained = Being replaced: two copies do not fit into memory.
slot-reload-failed = The last reload failed and the model before it serves on: { $reason }
slot-closed = Closed.

## What a load is doing (models/hub.py, models/pretrained.py, models/local.py)

progress-probing = trying it
progress-draining =
    { $count ->
        [one] waiting for { $count } question to end: two copies do not fit
       *[other] waiting for { $count } questions to end: two copies do not fit
    }
progress-restoring = loading the old one again
progress-reading-weights = reading the weights of { $name }
progress-moving-model = moving { $name } to { $device }
progress-asking = asking for { $name }
progress-downloading = downloading { $name }, { SIZE($done) }
progress-downloading-of = downloading { $name }, { SIZE($done) } of { SIZE($total) }
download-part = { $name } ({ $part } of { $count })
