"""Small stories and rhymes. A plot keeps its hero, its trouble and its ending together."""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo.recipe.templates import each, fill

_ANIMALS = each(
    "bear fox owl rabbit mouse frog hedgehog cat dog turtle sparrow duck goat horse donkey lion elephant squirrel penguin "
    "crow wolf deer badger beaver goose hen lamb pig monkey tiger whale crab bee ant snail dragon raccoon otter swan parrot"
)
_PEOPLE = (
    ("king", "he"),
    ("queen", "she"),
    ("prince", "he"),
    ("princess", "she"),
    ("farmer", "he"),
    ("baker", "she"),
    ("fisherman", "he"),
    ("girl", "she"),
    ("boy", "he"),
    ("old woman", "she"),
    ("old man", "he"),
    ("sailor", "he"),
    ("teacher", "she"),
    ("shepherd", "he"),
    ("painter", "she"),
    ("clockmaker", "he"),
    ("gardener", "she"),
    ("musician", "she"),
    ("wizard", "he"),
    ("witch", "she"),
    ("robot", "it"),
    ("miller", "he"),
    ("tailor", "he"),
    ("knight", "he"),
    ("engineer", "she"),
    ("librarian", "she"),
    ("giant", "he"),
)
# pronoun -> possessive, object
_FORMS = {"he": ("his", "him"), "she": ("her", "her"), "it": ("its", "it")}
_ADJECTIVES = each(
    "little young old clever lazy brave shy curious poor kind proud lonely hungry cheerful stubborn gentle quiet tiny patient greedy"
)
_PLACES = (
    "in a small village",
    "at the edge of a dark forest",
    "on a high mountain",
    "near the sea",
    "on a small island",
    "in a big city",
    "beside a quiet river",
    "in an old castle",
    "in a green valley",
    "under an old oak tree",
    "in a little house on a hill",
    "on a farm",
    "in a land far away",
    "behind the town library",
)


@dataclass(frozen=True, slots=True)
class Plot:
    """What the hero is after, what goes wrong, how it is solved, and the line at the end."""

    wish: str
    trouble: str
    turn: str
    end: str


PLOTS = (
    Plot(
        "{^she} [wanted|wished] to see what was [behind|on the other side of] the mountains.",
        "One [morning|day] {she} set out, but a [thick fog|heavy storm] came down and {she} lost {her} way.",
        "{^a helper} heard {obj} calling and showed {obj} the path with a small lantern.",
        "[Together they reached the top, and the whole world lay in front of them.|From the top {she} could see the sea, and {she} was happy.]",
    ),
    Plot(
        "{^she} had lost {her} [key|ring|golden button|red hat] and looked for it everywhere.",
        "{^she} looked under the [bed|bridge] and behind the [stove|well], but it was not there.",
        'Then {a helper} said, "Look where you laughed last." {^she} ran to the [apple tree|old swing].',
        "There it lay in the grass, and {she} laughed again.",
    ),
    Plot(
        "{^she} was always hungry and never shared {her} food.",
        "One winter the snow was so high that {her} own [pantry|basket] was empty.",
        "{^a helper} knocked at the door and gave {obj} [half a loaf of bread|a bowl of warm soup].",
        "From that day on {she} never ate alone.",
    ),
    Plot(
        "{^she} wanted to sing, but {her} voice was [very low|as rough as a saw].",
        "Everybody [laughed|covered their ears], and {she} went away to be alone.",
        "At night {a helper} was lost in the dark and followed {her} song home.",
        "After that nobody laughed, and {she} sang every evening.",
    ),
    Plot(
        "{^she} had a [garden|field] where nothing would grow.",
        "{^she} gave it water every day, but the earth stayed [brown|empty].",
        "{^a helper} told {obj} to [wait|be patient], for good things need time.",
        "In spring a single [flower|seed] opened, and soon the whole [hill|garden] was full of color.",
    ),
    Plot(
        "{^she} was afraid of the dark.",
        "One night the wind blew out {her} [lamp|candle], and {she} could not see anything.",
        "{^a helper} sat down beside {obj} and showed {obj} the stars.",
        "Since then {she} has loved the night.",
    ),
    Plot(
        "{^she} wanted to be the fastest of all.",
        "{^she} ran so fast that {she} fell into [a ditch|the pond] on the day of the race.",
        "{^a helper}, who was slow, stopped and pulled {obj} out.",
        "They crossed the line together, and both of them got the prize.",
    ),
    Plot(
        "{^she} found a [small box|strange egg|silver coin] on the road.",
        "Everybody wanted to have it, and soon they all began to [quarrel|fight].",
        "{^a helper} said that it should belong to the one who needed it most.",
        "So {she} gave it to [a poor child|the poorest family in the village], and it brought luck to all of them.",
    ),
    Plot(
        "{^she} had no friends, because {she} never spoke to anybody.",
        "One day {she} heard somebody crying [in a deep hole|behind the hedge]. It was {a helper}.",
        "{^she} took a rope and pulled with all {her} strength until {her} new friend was free.",
        "From then on they drank tea together every [afternoon|day].",
    ),
    Plot(
        "{^she} wanted to build a boat and sail around the world.",
        "The first boat sank, and the second one fell apart.",
        "{^a helper} brought [better wood|a hammer and some nails], and they worked all summer.",
        "The third boat carried both of them out to sea.",
    ),
    Plot(
        "{^she} dreamed of flying like a bird.",
        "{^she} made wings of [paper|feathers] and jumped from the roof, but {she} landed in the [mud|hay].",
        '{^a helper} laughed and said, "You need a kite and a strong wind."',
        "The next day {she} rose above the trees and saw {her} home from the sky.",
    ),
    Plot(
        "{^she} told everybody that {she} was afraid of nothing.",
        "Then a [terrible roar|strange noise] came from the cave, and {she} hid under the [table|bed].",
        "{^a helper} went to look and found only [a kitten|the wind] in the cave.",
        "{^she} blushed and learned that brave people may be afraid, too.",
    ),
    Plot(
        "{^she} had to carry a message to the king.",
        "On the way the bridge broke, and the letter fell into the river.",
        "{^a helper} [dived|jumped] into the water and brought it back.",
        "The king read the wet letter and invited both of them to dinner.",
    ),
    Plot(
        "{^she} collected words and kept them in a [glass|wooden box].",
        "One day the box fell down, and all the words broke into little pieces.",
        "{^a helper} picked up the pieces and put them together in a new way.",
        "So the first [poem|song|story] was made.",
    ),
    Plot(
        "{^she} could not sleep, because the moon was too bright.",
        "{^she} asked the clouds for help, but they only wept.",
        "{^a helper} sewed a curtain from an old blue coat.",
        "Now {she} sleeps well, and the moon looks in only through a little hole.",
    ),
    Plot(
        "{^she} baked the best [bread|cakes] in the land but gave none away.",
        "One day a thick [smoke|cloud] came out of the oven, and everything was burned.",
        "{^a helper} shared a last [apple|piece of cheese] with {obj}.",
        "The next morning {she} put a basket of warm [bread|cake] in front of every door.",
    ),
    Plot(
        "{^she} wanted to read the big book on the top shelf.",
        "The ladder was broken, and {she} was much too small.",
        "{^a helper} let {obj} climb on its shoulders.",
        "It was a book about friends, and they read it together until the sun went down.",
    ),
    Plot(
        "{^she} was the guardian of an old clock.",
        "One night the clock stopped, and time stood still in the whole town.",
        "{^a helper} crept between the wheels and found [a crumb of bread|a grain of sand].",
        "The clock began to tick again, and everybody woke up and had breakfast.",
    ),
    Plot(
        "{^she} had been given a task: to count all the stars.",
        "Each time {she} had counted to a thousand, a cloud came, and {she} had to begin again.",
        '{^a helper} said, "You do not have to count them. You only have to look."',
        "So they lay down in the grass and looked until the morning.",
    ),
    Plot(
        "{^she} wanted to give {her} mother a present, but {she} had no money.",
        "{^she} searched the whole [beach|forest] and found only a gray stone.",
        "{^a helper} washed the stone in the stream, and it began to shine.",
        "{^her} mother has kept it on the table to this day.",
    ),
)


_SHE = each(
    "Ada Alice Anna Bella Clara Daisy Ella Emma Flora Greta Hannah Ida Iris Ivy Julia Lena Lily Lucy Maya Mila Molly Nina Nora Olga Rosa Rosie Ruby Sally Sofia Stella Tilda Vera Zoe"
)
_HE = each(
    "Adam Albert Arthur Ben Bruno Charlie Emil Felix Finn George Gustav Henry Hugo Ivan Jack Jacob Karl Leo Luke Max Noah Oliver Oscar Otto Paul Peter Robin Samuel Simon Theo Tom Victor Walter"
)


def story(chance: random.Random, *, opening: bool = False) -> tuple[str, str]:
    """(prompt, answer) of a story; an `opening` has no prompt but its own first words."""
    plot = chance.choice(PLOTS)
    if chance.random() < 0.5:
        hero, she = chance.choice(_ANIMALS), chance.choice(("he", "she"))
    else:
        hero, she = chance.choice(_PEOPLE)
    adjective = chance.choice(_ADJECTIVES)
    helper = chance.choice([animal for animal in _ANIMALS if animal != hero])
    called = chance.random() < 0.4 and she != "it"
    described = f"{adjective} {hero}" if chance.random() < 0.4 else hero
    her, obj = _FORMS[she]
    slots = {
        "she": she,
        "her": her,
        "obj": obj,
        "helper": f"{chance.choice(_ADJECTIVES)} {helper}",
        "hero": f"{adjective} {hero}",
        "asked": described,
        "called": f" named {chance.choice(_SHE if she == 'she' else _HE)}" if called else "",
        "place": chance.choice(_PLACES),
    }
    text = " ".join(
        fill(part, chance, slots)
        for part in (
            "Once upon a time[,|] there [was {a hero}{called} who lived|lived {a hero}{called}] {place}.",
            plot.wish,
            plot.trouble,
            plot.turn,
            plot.end,
        )
    )
    if opening:
        return "", text
    prompt = "[Tell me|Write|Write me|Please tell me] [a story|a short story|a fairy tale|a little story] about {a asked}{called}."
    return fill(prompt, chance, slots), text


_RHYMES = (
    "The {thing} is [quiet|silent] in the [morning|early] light,\nit [sleeps|rests] through the day and it wakes up at night.\nI [look|gaze] at the {thing} and I wonder and say:\nwhat did you see while the sun was away?",
    "Oh {thing}, dear {thing}, what have you got to tell?\nI heard you [last night|at dawn] like a faraway bell.\nYou came with the wind and you went with the rain,\noh {thing}, dear {thing}, will you come back again?",
    "I once met {a thing} on the road by the sea,\nit [smiled|looked] like a friend and came walking with me.\nWe talked of the clouds and the ships and the sand,\nand the {thing} [held|took] the whole of the world in its hand.",
    "There is {a thing} that I keep in my [heart|mind],\nthe [smallest|finest] and [strangest|brightest] that one can find.\nWhen evening is [falling|coming] and nobody is near,\nI think of the {thing}, and the sky becomes clear.",
)
_THINGS = (
    *_ANIMALS,
    *each(
        "moon star river tree flower cloud book word token garden sea mountain lamp clock boat bridge candle song window leaf stone train letter piano computer"
    ),
)


def rhyme(chance: random.Random) -> tuple[str, str]:
    """(prompt, answer): four lines about a thing."""
    slots = {"thing": chance.choice(_THINGS)}
    return fill("[Write|Write me|Make] [a poem|a short poem|a rhyme] about {a thing}.", chance, slots), fill(
        chance.choice(_RHYMES), chance, slots
    )
