## Words (models/failures.py)

unknown-word =
    I do not know the word “{ $word }”. { COUNT($suggestions) ->
        [0] Try another one.
       *[other] Did you mean { $suggestions }?
    }
no-word-given = Write a word, for example engineer, or a sum such as king - man + woman.
no-neighbours-wanted = Ask for at least one neighbour.
no-other-words = There are no other words to compare with.
words-cancel-out = These words cancel each other out, so nothing is left to compare. Change one of them.
sum-among-words = Write either a sum, as in king - man + woman, or words with commas between them.
wrong-number-of-words = Name { $least } to { $most } different words, with commas between them.
missing-term = A word is missing beside a sign. Write it like this: king - man + woman.
too-many-terms = A sum may have at most { $most } words.
not-one-word = “{ $words }” is more than one word. Put + or - between them, as in king - man + woman.
no-words-in-file = { $label } holds no words.
not-word-vectors = { $label } holds no word vectors that I can read.
damaged-word-vectors = { $label } is damaged, or no file of word vectors.
pickled-word-vectors = { $label } is gensim's own save, a pickle, which can run code when it is opened.
    .admin = Save it with save_word2vec_format instead.
numbers-not-finite = { $label } holds numbers that are not finite.
mismatched-word-vectors = The words and vectors of { $label } do not belong together.
repeated-word = The words of { $label } do not belong together: one is there twice.
folder-without-word-vectors = The folder { $label } must hold vectors.npy and words.txt, or one file of word vectors ({ JOIN($suffixes, separator: ", ") }).

## Words (models/words/)

words-detail = { $words } words, { $size } numbers each
progress-reading-vectors = reading the word vectors { $name }

## Songs (models/failures.py)

unknown-song-id = I have no song with that id. Choose one from the list of suggestions.
song-gone = That song is no longer in my catalogue. Ask for recommendations again.
no-such-song-like = I know no song like “{ $text }”. Type part of its title or artist and choose from the list.
no-such-song =
    There is no song with the id or title '{ $text }'.{ COUNT($near) ->
        [0] {""}
       *[other] {" "}Did you mean one of these: { JOIN($near, separator: "; ") }?
    }
ambiguous-song = '{ $text }' may be more than one song: { JOIN($songs, separator: "; ") }. Name one by its id.
no-songs-wanted = Ask for at least one song.
no-songs-in-file = { $label } holds no songs.
no-playlists-in-file = { $label } holds no playlist of two songs or more.
unreadable-file = { $label } cannot be read ({ $reason }).
no-frequent-song = No song is in the playlists { $min_count } times; lower min_count.
too-few-playlists = { $playlists } playlists cannot be divided into { $folds } parts to learn from and to test.
no-usable-test-playlist = No test playlist has more than { $likes } different songs that the training playlists have. Ask with fewer likes.

## Songs (models/songs/)

songs-detail = { $songs } songs, { $playlists } playlists, { $size } numbers each
progress-reading-songs = reading songs
progress-reading-playlists = reading playlists
progress-training-word2vec = training Word2Vec on the playlists
progress-learning-playlists = learning what goes together
progress-preparing-search = preparing the search
progress-evaluating = training and asking: { $name }
progress-evaluating-part = training and asking: { $name }, part { $part } of { $parts }
