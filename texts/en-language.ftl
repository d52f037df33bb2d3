## Language (models/failures.py)

too-few-new-tokens = Ask for at least 1 new token.
nothing-to-continue = The prompt is empty. Write the beginning of a text, and I go on with it.
prompt-over-window = The text has { $tokens } tokens, and { $model } reads fewer than { $limit }. Shorten it.
text-too-long-for-model = The text is too long for { $model }. Shorten it.
too-many-tokens = Prompt and continuation may have { $limit } tokens together. Ask for fewer or shorten it.
unseen-token = { $model } has never seen the token “{ $token }”. Leave it out of the prompt.
unusable-stop = This model cannot look out for { $stop }. Name another text to stop at.
scores-not-finite = The model lost its way in this text (its numbers are not finite). Try another prompt.
no-memory-for-text = There is not enough memory for this text. Ask for a shorter one.
stopped-before-start = This was stopped before it began.
late-before-start = There was no time left to begin with this.
tokenizer-too-large = The tokenizer of { $model } has more entries than its model knows.
int8-unsupported = int8 is for a CPU and bfloat16; leave it out, or set device and dtype so.

## Tokenizers (models/failures.py)

unknown-token-id = { $tokenizer } has no token with the id { $token_id }; its ids go from 0 to { $last }.
unknown-tokenizer = I have no tokenizer of that name. Choose one of: { $names }.
missing-tokenizer = { $reason } Those that are there: { $names }.
no-tokenizer-named = No tokenizer is named in the settings.
no-tokenizer-loaded = { $reasons }

## Encoder (models/failures.py)

nothing-to-embed = The text is empty. Write a word or a sentence.
text-over-limit = The text has { $tokens } tokens, and { $model } reads { $limit } at most. Shorten it.
no-shared-word = The two texts share no word. Use one word in both, to see how its vector moves.
vectors-not-finite = { $model } gives numbers that are not finite.
other-vocabulary = { $tokenizer } has another vocabulary than { $model } was trained with, so the vectors would mean nothing. Use the model's own tokenizer.
mismatched-tokenizer = The tokenizer has { $entries } entries and { $model } knows { $known }: they do not belong together, so its vectors would mean nothing. Use the model's own tokenizer.

## What special tokens are for (models/results.py, Role)

role-cls = stands with every text, mostly before it; a classifier reads its answer from this token's vector
role-bos = beginning of a text
role-bos-left-out = beginning of a text, which this tokenizer leaves out by itself
role-sep = stands after a text, and between two of them
role-eos = end of a text: a model that writes it has finished
role-mask = a blank: in training the model guessed which token stood there
role-pad = fills shorter texts of a batch up to the length of the longest; the model is told not to look at it
role-unknown = stands for whatever the vocabulary cannot spell
role-never-unknown = declared for what cannot be spelt, but never needed: every byte has a token of its own
role-gap = a numbered gap: in training, stretches of the text were cut out, and the model wrote what stood in each
role-reserved = reserved by whoever made the tokenizer, such as for the turns of a chat

## What the marks in tokens mean (models/results.py, Mark)

token-mark-continues = goes on with the word before it; not unknown, and not part of the text
token-mark-word-end = ends a word
token-mark-space-byte = the letter for the byte of a space: such a token begins a word after a space
token-mark-space = stands for the space before a word; decoding a token alone loses it
token-mark-byte = one byte of a character that the vocabulary lacks
token-mark-half-character = what decoding shows for bytes that are no whole character by themselves; not unknown, and together they are one

## How tokenizers work (models/results.py, Algorithm)

-merges = then, again and again, the neighbouring pair that was learnt first, because it was the most frequent in training, is merged into one token, until no known pair is left.
-likeliest = Every token has a probability p from training. Of all ways to cut a word, the one whose tokens have the highest product of probabilities is taken: their logarithms are added up, and the sum nearest to 0 wins.
idea-byte-level-bpe = The text is taken as bytes, each written as a letter of its own: Ġ is the byte of a space, and letters outside ASCII are several bytes. Each word begins as single bytes; { -merges }
idea-bpe = Each word begins as single characters; { -merges }
idea-bpe-byte-fallback = Each word begins as single characters, and those that the vocabulary lacks as their bytes of UTF-8, such as <0xE2>; { -merges }
idea-wordpiece = From the left, each word takes the longest beginning that is in the vocabulary, then the longest that goes on from there, marked with ##. A word with a part that is not there becomes one unknown token as a whole.
idea-unigram = { -likeliest }
idea-unigram-byte-fallback = { -likeliest } Characters that the vocabulary lacks are spelt as their bytes of UTF-8, such as <0xE2>.
idea-whole-words = Each word is one token; a word that is not in the vocabulary is unknown.
idea-other = It has an algorithm of its own, which cannot be looked into from here.
