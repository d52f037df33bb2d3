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
mark-continues = goes on with a word
mark-byte = byte of a character that is split
mark-shapeless = character without a shape
mark-special = special token

not-an-admin = Only people who manage this server may do that. Ask one of them.
answer-forgotten = I no longer have what this answer was about: I keep it for a while only. Ask again.

## /help (cogs/help)

help-title = What a language model sees
help-click = Click a command to use it.

## /tokens and /decode (cogs/tokens)

empty-text = The text is empty. Write something, if only a space.
text-too-long =
    The text may have at most { $limit ->
        [one] { $limit } character
       *[other] { $limit } characters
    }; yours has { $length }.
not-a-token-id = “{ $text }” is no token id. Write numbers such as 16594, 281, with commas or blanks.
no-token-ids = Write at least one token id, such as 16594.
too-many-token-ids = I decode at most { $limit } ids at a time; these are { $count }.

tokens-compared = tokenizer | tokens | chars/token | vocabulary
tokens-missing = { $tokenizer } is not there: { $why }
tokens-more-in-file = … and { $n } more in the file.
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
tokens-file-cut = ... cut here: the file would be too large for Discord.
tokens-in-picture =
    { $n ->
        [one] { $n } token
       *[other] { $n } tokens
    } · { $algorithm }
tokens-not-in-picture = · { $left } more are not shown

decoded-title =
    { $n ->
        [one] { $n } id
       *[other] { $n } ids
    } of { $tokenizer }
decoded-together = Together:
decoded-one-by-one = One by one:
decoded-columns = id | decoded | in the vocabulary
decoded-differently = One after another they give another text: a token alone may lose the mark of a space, or be part of a character.

# Buttons below an answer of /tokens.
token-ids = Ids and CSV
token-bytes = Bytes
token-specials = Special tokens
token-how = How it works
token-cost = Cost
token-previous = ◀ Tokenizer before
token-next = Next tokenizer ▶

token-bytes-title = Characters in several tokens
token-bytes-split =
    { $tokenizer } has no token for { $n ->
        [one] { $n } character
       *[other] { $n } characters
    } of this text. Each is spelt in bytes of UTF-8, so a token alone is no character: decoded by itself it shows as �, which does not mean that it is unknown.
token-bytes-columns = | code points | tokens, each with its bytes
token-bytes-unknown =
    { $tokenizer } knows no bytes. What its vocabulary cannot spell became an unknown token, { $n ->
        [one] { $n } time
       *[other] { $n } times
    } in this text, and cannot be got back from the ids.
token-bytes-whole = { $tokenizer } has a token for every character of this text: none is cut into bytes.

token-specials-title = Special tokens of { $tokenizer }
token-special = { $token } id { $id }
token-special-here =
    { $n ->
        [one] { $n } time
       *[other] { $n } times
    } in this text
token-special-added = put there by the tokenizer
token-specials-none = It has none.
token-specials-more = … and { $n } more that are reserved.
token-specials-marks = Marks in other tokens

token-how-title = How { $tokenizer } works: { $algorithm }
token-how-normalized = First it changed the text to:
token-how-whole = Found whole, before all else, because they were added to the vocabulary:
token-how-chunks =
    Cut into { $n ->
        [one] { $n } part
       *[other] { $n } parts
    } before the vocabulary is asked:
token-how-steps = How { $word } came to its tokens:
token-how-no-steps = How that came to its tokens cannot be told step by step.
token-how-more-steps =
    … { $n ->
        [one] { $n } step
       *[other] { $n } steps
    } more

token-cost-title = What it costs
token-cost-columns = tokenizer | tokens | per 1,000 | of { $window }
token-cost-explained =
    The text has { $n ->
        [one] { $n } character
       *[other] { $n } characters
    }. **per 1,000**: tokens for a thousand characters of this kind. **of { $window }**: how much of a window of that many tokens it fills, as that of phi-1_5. A model reads and writes token by token: fewer are faster, and leave more room. Special tokens count too.
token-cost-cheapest = { $tokenizer } needs fewest here; another language may turn that round

## /embed (cogs/vectors)

text-to-embed-too-long =
    A text may have at most { $limit ->
        [one] { $limit } character
       *[other] { $limit } characters
    }; yours has { $length }.

vectors-shape =
    { $model } turned this into vectors of the shape **({ NUMBER($texts, useGrouping: 0) }, { NUMBER($tokens, useGrouping: 0) }, { NUMBER($numbers, useGrouping: 0) })**: { $texts ->
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
vectors-no-way-back = An id is the number of an entry in the vocabulary, so it can be looked up and decoded. A vector is what the model made of that token in this text: it has no entry to look up, and the same token gets another one in another text. It can only be compared with other vectors.
vectors-picture-numbers = The { $n } numbers of each token
vectors-picture-cosines = How alike they are (cosine)

contexts-title = The same words in two contexts
contexts-moved = The context moved **{ $word }** most: the cosine between its two vectors is **{ NUMBER($cosine, minimumFractionDigits: 2, maximumFractionDigits: 2) }**, where 1 would mean that nothing changed.
contexts-unrelated = Two different words of these texts come to { NUMBER($cosine, minimumFractionDigits: 2, maximumFractionDigits: 2) } on average.
contexts-columns = word | cosine
contexts-note = The id of a word is the same in both texts; its vector is not, for the model looks at all of the text.
contexts-picture-unrelated = words that differ: { NUMBER($cosine, minimumFractionDigits: 2, maximumFractionDigits: 2) } on average
contexts-picture-axis = cosine between the word's vectors in the two texts; 1: the context changed nothing

## /similar (cogs/similar)

similar-title = Nearest to { $terms }
similar-columns = | word | | cosine
similar-footer = { $model } · cosine 1 is the same direction, 0 is unrelated
similar-footer-by-vector = { $model } · cosine 1 is the same direction, 0 is unrelated · by vector, so the word itself is found too
similar-pair-title = { $first } and { $second }
similar-pair-cosine = Cosine **{ NUMBER($cosine, minimumFractionDigits: 3, maximumFractionDigits: 3) }** { $bar }
similar-pair-same = It is the same word, so its vector is the same.
similar-pair-ranks = Among the other { $others } words **{ $second }** is the { $rank_of_second } nearest to **{ $first }**, and **{ $first }** the { $rank_of_first } nearest to **{ $second }**.
similar-odd-title = { $word } does not belong
similar-odd-explained = Its vector is furthest from the mean of all of them.
similar-odd-columns = word | | cosine
similar-map-marks = ◆ asked   ● neighbours, numbered as in the list
similar-map-marks-odd = ◆ does not belong   ● the others
similar-map-axes = laid out along the two directions in which these words differ most
similar-map-axes-share = laid out along the two directions in which these words differ most ({ NUMBER($share, style: "percent") } of all difference)

## /models (cogs/models)

no-section = The settings have no section [{ $slot }], so there is nothing to load.

models-title = What is loaded
models-state = { $sign } { $slot }: { $state }
models-nothing-yet = Nothing here yet.
models-load-seconds = loaded in { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } s
models-queue = { $running } running, { $waiting } waiting

models-loading = ⏳ Loading **{ $slot }** anew: { $what }
models-loading-seconds = { NUMBER($seconds, maximumFractionDigits: 0, useGrouping: 0) } s
models-loading-serving = the old one goes on answering
models-loading-waited-for = questions wait for it
models-loaded = ✅ **{ $slot }** is loaded anew: { $facts }
models-loaded-in = { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } s
models-memory = models: { $models_before } before, { $models_after } after · the whole process: { $process_before } before, { $process_after } after
models-drained = Two copies did not fit into memory, so the old one went before the new one came.
models-not-loaded = ❌ **{ $slot }** was not loaded anew: { $why }
models-still-serving = The old one goes on answering.
models-nothing-serves = Nothing is loaded there now.
