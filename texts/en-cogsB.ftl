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
finish-stop = came to a text that it was to stop at
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

## /recommend, /likes and the buttons under songs (cogs/songs)

button-like = Like
button-dislike = Dislike
button-more-like-this = More like …
button-three-favourites = Name three favourites
button-likes-page = Page { $page }
button-likes-clear = Take all back

song-title = **{ $title }**
song-title-artist = **{ $title }** by { $artist }
song-little-known =
    { $playlists ->
        [one] little known: in { $playlists } playlist
       *[other] little known: in { $playlists } playlists
    }
because-you-liked = because you liked { $songs }
because-of = because of { $songs }

# What a list of songs is made from.
songs-like-title = Goes with { $song }
songs-from-likes = From the songs you like
songs-from-likes-together = From the songs you like together
songs-popular = Popular songs
songs-no-more = No more songs
songs-guessed = I took “{ $typed }” to mean { $song }.
songs-for-people = For { $people } together.
songs-nothing-from =
    { $count ->
        [one] Nothing comes from { $people }, who likes no songs yet.
       *[other] Nothing comes from { $people }, who like no songs yet.
    }
songs-song-unknown = No playlist that I learnt from tells me what goes with { $song }.
songs-likes-unknown = I do not know the songs you like well enough yet.
songs-no-likes = You like no songs yet, so these are popular ones of every kind.
songs-nobody-likes = Nobody of you likes a song yet, so these are popular ones of every kind.
songs-like-some = Press Like under a song or use { $add }, then ask again.
songs-shorter = What you said about songs since then made the list shorter.
songs-nothing-left = You have an opinion on every song that I know.
songs-more-like-which = More like which song?
songs-choose-one = Choose a song

# The form for three favourites.
favourites-title = Three songs that you like
favourites-first = A song
favourites-second = Another song
favourites-third = And one more
favourites-placeholder = Title, artist, or both
favourites-liked = You like these now; { $command } takes back what you did not mean.
favourite-liked = “{ $typed }”: 👍 { $song }
favourite-unknown = “{ $typed }”: I know no song like it. Try its artist, or another spelling.

# Opinions.
liked-now = 👍 You like { $song } now.
liked-already = You like { $song } already.
liked-list = { $command } shows all your songs.
liked-take-back = { $command } takes it back.
like-removed = You no longer like { $song }.
disliked-now = 👎 I will not recommend { $song } to you again, nor other versions of it.
disliked-already = You said so before: I do not recommend { $song } to you.
disliked-take-back = { $command } takes this back.
dislike-removed = { $song } may be recommended to you again.
song-guessed = I took “{ $typed }” to mean it.

# The list of likes.
likes-title =
    You like { $songs ->
        [one] { $songs } song
       *[other] { $songs } songs
    }
likes-not-recommended =
    Not recommended to you: { $songs ->
        [one] { $songs } song
       *[other] { $songs } songs
    }
likes-none = No songs yet. Add one with { $add }, or press Like under a song that { $recommend } shows.
likes-page = page { $page } of { $pages }
likes-clear-question =
    Take back { $likes ->
        [one] { $likes } like
       *[other] { $likes } likes
    }? This cannot be undone.
likes-clear-nothing = You like no songs, so there is nothing to take back.
likes-cleared =
    You like no songs any more; { $likes ->
        [one] { $likes } like
       *[other] { $likes } likes
    } taken back.
likes-exported =
    In this file: { $songs ->
        [one] { $songs } song
       *[other] { $songs } songs
    }.

songs-gone = Those songs are no longer in my catalogue. Ask for recommendations again.
liked-song-gone = That song is no longer in my catalogue, so I cannot keep it for you.
not-one-of-your-songs =
    { $matching ->
        [0] None
       *[other] Several
    } of the { $opinion ->
        [dislike] songs you do not want to be recommended
       *[like] songs you like
    } match “{ $typed }”. Choose one from the list that appears while you type.
not-your-pages = Only the person who asked turns these pages. Ask the command yourself for your own.
no-longer-sharing = You no longer let others build on your likes, so here, where everybody reads it, I show no more songs. Ask the command again for a list that only you see.
not-sharing =
    <@{ NUMBER($person, useGrouping: 0) }> has not allowed others to build on their likes. Only they can, with { $command ->
        [0] `/privacy share`
       *[other] </privacy share:{ NUMBER($command, useGrouping: 0) }>
    }.
no-favourites = Name at least one song, by its title, its artist, or both.
people-outside-server = Only in a server can the likes of several people be put together.
song-and-people = Give either a song or people: with a song, what you like plays no part.
bots-like-nothing = Bots like nothing. Choose a person.
only-yourself = Choose somebody else: your own likes count anyway.

## /privacy (cogs/privacy)

button-privacy-delete = Delete everything

privacy-show =
    Under your Discord id I keep the songs you like and do not like, with the time you said so, and whether others may build on your likes. At the moment that is { $likes ->
        [one] { $likes } song
       *[other] { $likes } songs
    } you like and { $dislikes ->
        [one] { $dislikes } song
       *[other] { $dislikes } songs
    } you do not. { $sharing }
    What you ask and what I answer is never written to a disk, nor to my log. The latest of it stays in memory, without your name, for the buttons under an answer, until I restart. Nothing leaves the machine I run on, except the answers, which go to Discord.
    { $export } gives you all of it as a file, { $delete } deletes all of it.
privacy-sharing = Others may name you in { $recommend }, and get songs from your likes and theirs together; an answer names the songs of yours that led to it. { $share } ends that at once.
privacy-not-sharing = Nobody can name you in { $recommend }: your likes count for you alone. { $share } lets them.
privacy-exported = This is everything I keep about you.
privacy-delete-question = Delete everything I keep about you? This cannot be undone. { $export } gives you a copy first.
privacy-deleted =
    Deleted: { $records ->
        [one] { $records } record
       *[other] { $records } records
    }. I keep nothing about you now.
