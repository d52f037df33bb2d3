## Buttons of several features (cogs/shared/buttons.py)

button-back = ◀ Back
button-next = Next ▶
button-keep = Keep everything
nothing-changed = Nothing was changed.
somebody-elses-button = That button belongs to somebody else. Ask the command yourself to get your own.

## /generate (cogs/generate)

button-stop = Stop
button-generated-tokens = Tokens
button-why = Why this word
button-continue = Continue
button-again = Again

empty-prompt = The prompt is empty. Write the beginning of a text, and I go on with it.
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
not-yours-to-stop = Only the person who asked, or somebody who manages this server, may stop this text.
nothing-to-stop = There is nothing left to stop: this text ended, or I was restarted since it began.

# While a text waits, and while it is written.
generate-loading = The model is still being loaded.
generate-in-line = You are { $position } in line.
generate-reading = Reading the prompt ...
generate-so-far = { $characters } characters so far
generate-restarting = I am being restarted, so this ends in a moment.
generate-broken = This text could not be written to its end.

# A finished text, and below it how it came about.
generate-blank = Only white space: { $marks }
generate-nothing = The model ended the text at once.
generate-in-file = This is the beginning; the whole text is in the file.
generate-chat-model = chat model
generate-base-model = base model: it goes on with a text
generate-new-tokens =
    { $tokens ->
        [one] { $tokens } new token
       *[other] { $tokens } new tokens
    }
generate-speed = { NUMBER($tokens_per_second, minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: 0) } tokens/s
generate-temperature = temperature { NUMBER($temperature, maximumFractionDigits: 5) }
generate-greedy = temperature 0 (greedy)
generate-seed = seed { NUMBER($seed, useGrouping: 0) }
finish-eos = ended by itself
finish-length = stopped at max_new_tokens
finish-context = the model's window is full
finish-stopped = stopped on request
finish-deadline = out of time, so this is what there is

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

# Why each token was chosen.
why-title = Why this word
why-explained = After each token the model gives every token of its vocabulary a probability.
why-drawn = Tokens were drawn at temperature { NUMBER($temperature, maximumFractionDigits: 5) }; { $unlikely } of { $steps } were not the likeliest.
why-greedy = Each time the likeliest token was taken (greedy).
why-written = written
why-instead = instead
why-candidates = could have come instead, likeliest first →
why-id = id { NUMBER($id, useGrouping: 0) }
why-page = Tokens { NUMBER($first, useGrouping: 0) } to { NUMBER($last, useGrouping: 0) } of { NUMBER($steps, useGrouping: 0) } · probabilities before temperature and top_p
