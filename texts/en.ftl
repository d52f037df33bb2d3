# Every sentence that people read, in English. A message that stands for a failure bears the name of its class
# (UnknownWord: unknown-word); `.admin` is a hint for the people who run the bot and for nobody else.

## Places and turns (models/failures.py)

already-asking =
    { $limit ->
        [one] You already have a question with me. Ask again when one of them is answered.
       *[other] You already have { $limit } questions with me. Ask again when one of them is answered.
    }
lane-full = I am busy: { $waiting } are waiting already. Try again in a minute.
late = That took too long, so I stopped. Ask again, or ask for less.
not-your-turn = It was not your turn in time. Ask again when less is going on.
cancelled = Stopped before there was anything to show.
stopping = I am being restarted. Ask again in a minute.

## Models in general (models/failures.py)

bad-sampling = Ask for a temperature of at least 0, a top_k of at least 0, a top_p above 0 and at most 1, a min_p from 0 to 1, and a repetition_penalty above 0.
other-model = By now another model writes here, which cannot go on with this text. Ask with a prompt of your own.
no-such-slot = I was set up without what this needs. Try /help for what I can do.
still-loading = The model for this is still loading. Ask again in a minute.
no-time-to-fetch = There was not enough time to download it; ask again, and it goes on from there.
