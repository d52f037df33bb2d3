"""Letters, emails and notes: the prompts that ask for one, and the answers.

Every answer is about what its prompt names: who it is to, what it is for, and the details that go with that.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo.recipe.templates import NAMES, each, fill


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something that went wrong: what people call the occasion, how it can have happened, how to make up for it."""

    topics: tuple[str, ...]
    events: tuple[str, ...]
    repairs: tuple[str, ...]


MISHAPS = (
    Mishap(
        ("gardening", "garden"),
        (
            "I was [trimming|cutting] the hedge when [the ladder slipped|I lost my balance], and I fell [right into|straight onto] your [roses|tulips|tomato plants|sunflowers].",
            "I mistook your [young carrots|new seedlings|favorite flowers|herbs] for weeds and pulled [every one of them|all of them] out before I [noticed|saw] my mistake.",
            "I left the [hose|sprinkler] running [all night|over the weekend], and by morning your [flower bed|vegetable patch|lawn] [was under water|had turned into mud].",
            "I [lost control of|could not stop] the lawn mower, and it [ran over|went straight through] your [flower bed|row of beans|strawberries].",
            "I used [weed killer|the wrong bottle] instead of [fertilizer|plant food], and your [roses|tomatoes|lilies] [wilted|turned brown] within a day.",
        ),
        (
            "I will [buy|bring] new [plants|seedlings|flowers] and [plant them|put them in the ground] myself",
            "I will spend [Saturday|the weekend] [replanting|repairing] the garden with you",
        ),
    ),
    Mishap(
        ("cooking", "kitchen", "dinner"),
        (
            "I [forgot|left] the [soup|sauce|stew] on the stove while I was on the phone, and the whole kitchen filled with smoke.",
            "I used salt instead of sugar in the [sauce|pudding|dressing], and nobody could eat [a single bite|it].",
            "The pan [caught fire|slipped out of my hand], and the [pasta|curry|rice] ended up [on the floor|all over the wall].",
            "I misread the recipe and put [ten|eight] spoons of [pepper|chili] into the [soup|stew] instead of one.",
        ),
        (
            "I will [cook|make] you a proper dinner [next week|on Sunday]",
            "I have already cleaned the [stove|kitchen] and bought a new pan",
        ),
    ),
    Mishap(
        ("baking", "cake", "bakery"),
        (
            "I opened the oven too early, and the [cake|bread] [collapsed|fell flat] in front of [everybody|all the guests].",
            "I forgot [the yeast|to set the timer|the eggs], and the [cake|bread|pie] came out as hard as a [brick|stone].",
            "I tripped over the [cat|rug] on my way to the table, and the [cake|pie] landed [on your new carpet|upside down on the floor].",
        ),
        ("I will bake a new [cake|one] for you", "I have ordered a cake from the best bakery in town"),
    ),
    Mishap(
        ("painting", "paint", "decorating"),
        (
            "I kicked over [a bucket of paint|the open paint can], and the [blue|green|red] paint [ran across|covered] your [wooden floor|carpet].",
            "I mixed up the [cans|labels], and I painted your [door|bedroom|fence] [bright orange|dark purple] instead of white.",
            "I leaned the ladder against the [wet wall|window], and it [left a long scratch|broke the glass].",
        ),
        (
            "I will repaint [it|everything] [this weekend|at my own cost]",
            "I will pay for the cleaning of the floor",
        ),
    ),
    Mishap(
        ("laundry", "washing"),
        (
            "I put a red sock in with your white shirts, and [all of them|every one of them] came out pink.",
            "I washed your [wool sweater|favorite sweater] [too hot|with hot water], and it shrank to the size of a doll's dress.",
            "I overfilled the washing machine, and the water [ran down the stairs|flooded the hallway].",
        ),
        ("I will replace [the clothes|everything that was ruined]", "I will buy you a new sweater"),
    ),
    Mishap(
        ("camping", "tent"),
        (
            "I put up the tent [beside|too close to] the river, and when it rained at night all our [food|sleeping bags] floated away.",
            "I left the [bread|honey|sandwiches] outside the tent, and [a raccoon|a family of raccoons] ate everything and tore your bag.",
            "I forgot to pack the [tent poles|matches], so we [slept under the stars in the rain|spent the night in the cold].",
        ),
        (
            "I will buy you a new [sleeping bag|backpack]",
            "I will check every item on the list before our next trip",
        ),
    ),
    Mishap(
        ("fishing", "boat", "sailing"),
        (
            "I [stood up|turned around] too quickly, the boat [tipped over|rolled], and your [new rod|phone|camera] sank to the bottom of the lake.",
            "I did not tie the boat properly, and the [wind|current] carried it [across the lake|out to sea].",
            "I [caught|hooked] your hat instead of a fish when I threw out the line, and it flew into the water.",
        ),
        ("I will replace your [rod|gear]", "I will take a course before I get into a boat again"),
    ),
    Mishap(
        ("cycling", "bicycle", "bike"),
        (
            "I borrowed your bicycle without checking the brakes, and I [rode straight into a wall|could not stop at the corner and hit a fence].",
            "I forgot to lock your bike [in front of the library|at the station], and when I came back it was gone.",
            "I looked at my phone for a second, [hit a stone|missed the turn], and bent the front wheel of your bike.",
        ),
        ("I will pay for the [repair|new wheel]", "I will lend you my bike until yours is fixed"),
    ),
    Mishap(
        ("car", "driving", "parking"),
        (
            "I [backed|reversed] out of the driveway without looking, and I hit your [mailbox|fence|parked car].",
            "I misjudged the distance while I was parking, and I scratched the [door|side] of your car.",
            "I forgot to pull the hand brake, and the car rolled down the hill into your [garden wall|gate].",
        ),
        (
            "my insurance will cover the damage",
            "I have already called [a garage|a mechanic], and I will pay the bill",
        ),
    ),
    Mishap(
        ("plumbing", "bathroom", "bathtub"),
        (
            "I tried to fix the [tap|pipe] myself, and the [pipe burst|water would not stop], so your [ceiling|kitchen] below got soaked.",
            "I fell asleep while the bathtub was filling, and the water [dripped through|came down through] your ceiling.",
            "I dropped [a spoon|my ring] into the drain, took the pipe apart, and could not put it together again.",
        ),
        (
            "I have called a plumber, who will come [tomorrow|this afternoon]",
            "I will pay for the [new ceiling|repairs]",
        ),
    ),
    Mishap(
        ("birthday party", "birthday", "surprise party"),
        (
            "I told you about the surprise [by accident|without thinking], because I thought that you already knew.",
            "I wrote down the wrong date, so I [arrived with the cake a day late|told all the guests to come on the wrong day].",
            "I sat down on the chair where your [present|cake] was, and [nothing could be saved|it was completely flat].",
            "I lit [too many|all the] candles at once, and the smoke set off the fire alarm [in the whole building|in the middle of the song].",
        ),
        (
            "I would like to throw you another party [next month|on Saturday]",
            "I will bring the cake to you myself, on the right day this time",
        ),
    ),
    Mishap(
        ("wedding", "reception"),
        (
            "I [stepped|stood] on the bride's dress during the first dance, and we all heard it tear.",
            "I lost my notes, and my speech turned into a long story about [your old boyfriend|the worst trip of your life].",
            "I bumped into the table with the [cake|champagne], and it [fell over|came down] in front of all the guests.",
        ),
        (
            "I would like to make it up to [the two of you|both of you]",
            "I hope that one day we can laugh about it together",
        ),
    ),
    Mishap(
        ("meeting", "office", "work"),
        (
            "I [mixed up|confused] the time zones, and I [joined|arrived] two hours after everybody had left.",
            "I [sent|forwarded] the wrong file, so the whole team saw my shopping list instead of the [report|budget].",
            "I spilled [coffee|tea] over the [projector|laptop], and we had to stop the presentation.",
            "I forgot to turn off my microphone, and everybody heard me [singing|complaining about the coffee].",
        ),
        (
            "I have already sent the right [file|notes] to everybody",
            "I have set two alarms for the next meeting",
        ),
    ),
    Mishap(
        ("library", "book", "reading"),
        (
            "I left your book on the [bench|windowsill] in the rain, and the pages are stuck together.",
            "I spilled [tea|hot chocolate] on the [last chapter|first pages], and nobody can read them now.",
            "My dog [found|got hold of] your book and chewed [the cover|half of the pages].",
        ),
        ("I have ordered a new copy, which should arrive [tomorrow|on Friday]", "I will buy you a new copy"),
    ),
    Mishap(
        ("science", "laboratory", "chemistry"),
        (
            "I mixed up the labels on the [bottles|test tubes], and the mixture [foamed over|exploded] onto your notes.",
            "I forgot to close the [freezer|window], and all your samples were [spoiled|blown across the room].",
            "I turned the [burner|heater] up too high, and the glass broke during your experiment.",
        ),
        ("I will help you to repeat the experiment", "I will label everything twice from now on"),
    ),
    Mishap(
        ("computer", "printer", "software"),
        (
            "I [deleted|overwrote] the wrong folder, and [a week of your work|your project] was gone before I noticed.",
            "I spilled [juice|coffee] over your keyboard while I was [typing|reading an email].",
            "I started an update during [your presentation|the meeting], and the computer did not come back for an hour.",
            "I told the printer to make [five hundred|a thousand] copies instead of five, and it used up all your paper.",
        ),
        (
            "I have restored what I could from the backup",
            "I will make a copy of everything before I touch it again",
        ),
    ),
    Mishap(
        ("dog", "dog walking", "pet"),
        (
            "I let go of the leash when [a squirrel|a cat] ran past, and your dog [chased it into the pond|came home covered in mud].",
            "I fed your dog the wrong food, and it was sick on your [carpet|sofa].",
            "My dog [dug a hole under|jumped over] the fence and buried your [shoes|gloves] somewhere in the yard.",
        ),
        ("I will clean up everything that the dogs have done", "I will keep a better hold on the leash"),
    ),
    Mishap(
        ("cat", "kitten"),
        (
            "I left the window open, and your cat climbed [onto the roof|up the tallest tree] and would not come down.",
            "Your cat saw [my scarf|the curtain] as a toy and pulled [the vase|the lamp] down with it.",
        ),
        ("I will bring your cat a treat and you a cake", "I will keep all the windows closed"),
    ),
    Mishap(
        ("football", "soccer", "ball"),
        (
            "I kicked the ball too hard, and it flew over the fence and broke your [kitchen window|greenhouse].",
            "I ran for the ball without looking, and we crashed into each other in front of the goal.",
        ),
        ("I will pay for the damage", "I will play on the field behind the school from now on"),
    ),
    Mishap(
        ("golf", "tennis", "baseball"),
        (
            "I hit the ball in the wrong direction, and it went through the [window|windshield] of your car.",
            "The [club|racket|bat] slipped out of my hands and landed in the middle of your picnic.",
        ),
        ("I will pay for the damage", "I will take lessons before I play again"),
    ),
    Mishap(
        ("skiing", "skating", "snowboarding"),
        (
            "I could not stop at the bottom of the slope, and I [crashed into|knocked over] the whole group.",
            "I took the wrong path, and you had to wait for me in the cold for two hours.",
        ),
        ("I will buy everybody a hot chocolate", "I will take a lesson before we go again"),
    ),
    Mishap(
        ("music", "concert", "piano", "guitar"),
        (
            "I dropped your [guitar|violin] on the stairs, and two of the strings broke.",
            "I [lost|forgot] my sheet music, started in the wrong key, and confused the whole orchestra.",
            "I put my [drink|glass] on your piano, and it tipped over into the keys.",
        ),
        ("I will pay for [any|every] repair", "I have practiced every evening since then"),
    ),
    Mishap(
        ("theater", "school play", "stage"),
        (
            "I leaned against the [castle|tree] on the stage, and it fell over in the middle of your big scene.",
            "I [pulled|pressed] the wrong [rope|switch], and the curtain came down while you were still singing.",
        ),
        ("I will help to put the stage in order again", "I will stay away from the ropes at the next show"),
    ),
    Mishap(
        ("swimming", "pool", "beach"),
        (
            "I [jumped|dived] into the pool without looking, and the splash soaked your [phone|book|clothes].",
            "I fell asleep in the sun, the tide came in, and our [bags|shoes] were carried away.",
        ),
        ("I will replace what you lost", "I will look before I jump next time"),
    ),
    Mishap(
        ("travel", "airport", "train", "vacation"),
        (
            "I read the ticket wrong, and we [stood at the wrong gate|waited on the wrong platform] until our [plane|train] had left.",
            "I took the wrong suitcase at the airport, so you spent your vacation without [clothes|your glasses].",
            "I left our passports on the kitchen table and only noticed it [at the airport|at the border].",
        ),
        ("I will pay for the [next trip|hotel]", "I will check the tickets three times before the next trip"),
    ),
    Mishap(
        ("coffee", "tea", "breakfast"),
        (
            "I was carrying [two cups|a full cup] when I slipped, and the hot coffee landed on your [white shirt|papers].",
            "I poured [orange juice|soup] into the coffee machine instead of water, and it has not worked since.",
        ),
        ("I will take your shirt to the cleaner", "I have ordered a new machine for you"),
    ),
    Mishap(
        ("furniture", "shelf", "moving"),
        (
            "I did not use enough screws, and the shelf came down with all your [plates|books] on it.",
            "I let go of my end of the [sofa|piano] on the stairs, and it [slid down to the front door|made a hole in the wall].",
        ),
        (
            "I will repair everything myself, with enough screws this time",
            "I will let somebody stronger do it next time",
        ),
    ),
    Mishap(
        ("chess", "game", "puzzle"),
        (
            "I reached for my tea and knocked over the board just when you were about to win.",
            "I lost [one piece|three pieces] of your puzzle, and my [dog|little brother] may have eaten them.",
        ),
        (
            "I will buy you a new [board|set]",
            "I would like to invite you to a new game, and I will play without tea",
        ),
    ),
    Mishap(
        ("photography", "camera", "photo"),
        (
            "I [opened|dropped] the camera before I had saved the pictures, and [all of them|most of them] are lost.",
            "I forgot to take off the lens cap, so all the pictures of your [family|trip] are black.",
        ),
        ("I will take new pictures of everybody", "I will have the camera repaired"),
    ),
    Mishap(
        ("farm", "horse", "chicken"),
        (
            "I forgot to close the gate, and all your [chickens|sheep|goats] walked [down to the village|across the road].",
            "I frightened your horse with my umbrella, and it ran through [the fence|the vegetable garden].",
        ),
        ("I will repair the gate and the fence", "I have counted the animals, and all of them are back"),
    ),
    Mishap(
        ("homework", "school", "exam"),
        (
            "I [handed in|took] your notebook instead of mine, so you had nothing to show the teacher.",
            "I wrote down the wrong chapter, and we both prepared for the wrong exam.",
        ),
        ("I have explained everything to the teacher", "I will help you to study for the next one"),
    ),
    Mishap(
        ("haircut", "hair", "barber"),
        (
            "I used the wrong [scissors|setting], and I cut off much more of your hair than you had asked for.",
            "I left the color in for too long, and your hair turned [green|bright orange].",
        ),
        (
            "I will pay for [a good hat|a visit to a real barber]",
            "it will grow back, and the next cut is free",
        ),
    ),
    Mishap(
        ("barbecue", "grill", "picnic"),
        (
            "I used too much lighter fluid, and the flames reached your [umbrella|apple tree].",
            "I put the basket down on an ant hill, and within minutes the ants had eaten [the cake|all the sandwiches].",
            "I turned my back on the grill for a minute, and the dog ran away with the [sausages|steaks].",
        ),
        ("I will bring the food next time", "I will pay for everything that was lost"),
    ),
    Mishap(
        ("shipping", "delivery", "order", "package"),
        (
            "I wrote the wrong [street|number] on the label, and your package went to [another city|the other end of the country].",
            "I packed the [glasses|plates] without enough paper, and they broke on the way.",
        ),
        ("we have sent a new package today", "you will get your money back by Friday"),
    ),
    Mishap(
        ("museum", "art", "pottery"),
        (
            "I stepped back to admire the painting and knocked [a vase|a statue] off its stand.",
            "I leaned on the table where your [pots|bowls] were drying, and [the whole table|everything] collapsed.",
        ),
        ("I will pay for the damage", "I will help to put the pieces together"),
    ),
    Mishap(
        ("phone", "text message", "email"),
        (
            "I meant to write to my sister, chose the wrong name from the list, and sent that silly message to you.",
            "I pressed the wrong button, and my joke about the food went to [the whole company|everybody in the family].",
        ),
        (
            "I have learned to read the name before I press the button",
            "I will think before I send anything again",
        ),
    ),
    Mishap(
        ("fireworks", "campfire", "candle"),
        (
            "I did not see how dry the grass was, and a spark set your [hedge|shed] on fire.",
            "I left a candle near the curtain, and the fire had burned a hole in it before we noticed.",
        ),
        ("I will pay for the damage", "I have bought a fire extinguisher"),
    ),
    Mishap(
        ("knitting", "sewing", "clothing"),
        (
            "I measured only once, and the sleeves of your sweater came out [twice as long|much too short].",
            "I ironed your dress without reading the label, and now there is a hole in it.",
        ),
        ("I will make you a new one", "I will pay for a new dress"),
    ),
)

# For occasions nobody described: the topic itself carries the story.
GENERAL_EVENTS = (
    "I had never [tried|done] any {topic} before, I did not ask for help, and [everything|it all] went wrong [within minutes|very quickly].",
    "I was in [a hurry|too much of a hurry] and did not [check|prepare] anything before the {topic}, so [a small problem became a big one|nothing worked as it should].",
    "I was [tired|distracted] during the {topic}, I did not pay attention, and [I broke your things|your things got damaged] before I could [stop|react].",
    "I thought that I knew [all about|enough about] {topic}, but I made [a silly|one bad] mistake, and you had to [pay for it|clean up after me].",
    "I forgot the most important rule of {topic}, which is to [be careful|go slowly], and [somebody could have been hurt|a lot of things were broken].",
)
GENERAL_REPAIRS = (
    "I will pay for [everything|all the damage]",
    "I will [come over|be there] on [Saturday|Sunday|Monday] and [put things right|help you to clean up]",
    "I will learn [more about|everything about] {topic} before I try it again",
    "I will leave the {topic} to you from now on",
)

_KINDS = "[an email|a letter|a note|a message|an email|a short email|a short letter]"
_MISHAPS = ("mishap", "accident", "disaster", "incident", "mistake", "mix-up", "mishap", "mishap")
_ADJECTIVES = (
    "tragic",
    "terrible",
    "unfortunate",
    "embarrassing",
    "awful",
    "silly",
    "horrible",
    "great",
    "sad",
    "strange",
    "recent",
    "little",
    "",
)
# How a prompt may name somebody without a first name, and how the letter then greets.
_ROLES = (
    ("my neighbor", "neighbor"),
    ("my neighbors", "neighbors"),
    ("my teacher", "teacher"),
    ("my friend", "friend"),
    ("my aunt", "Aunt"),
    ("my uncle", "Uncle"),
    ("my grandmother", "Grandma"),
    ("my mother", "Mom"),
    ("my father", "Dad"),
    ("my colleagues", "colleagues"),
    ("the team", "team"),
    ("my boss", "boss"),
    ("my brother", "brother"),
    ("my sister", "sister"),
    ("my landlord", "landlord"),
    ("my roommate", "roommate"),
)
_FAMILIES = each(
    "Smith Miller Brown Lee Garcia Khan Taylor Wilson Novak Rossi Tanaka Singh Moore Baker Clark Hill Young Adams Fischer Lopez Chen Evans Parker Hughes"
)


def _invented(chance: random.Random) -> str:
    """A name that nobody has, of two or three syllables."""
    syllables = (
        chance.choice("bdfghjklmnprstvz") + chance.choice("aeiou") for _ in range(chance.choice((2, 2, 3)))
    )
    return "".join(syllables).capitalize() + chance.choice(("", "", "n", "r", "s", "l"))


def _people(chance: random.Random, *, strangers: bool = False) -> dict[str, str]:
    """Slots `name` (as the prompt says it), `greeted` and `sender`."""
    name, sender = chance.sample(NAMES, 2)
    if strangers and chance.random() < 0.25:
        name = _invented(chance)
    choice = chance.random()
    if choice < 0.07:
        role, greeted = chance.choice(_ROLES)
        return {"name": role, "greeted": greeted, "sender": sender}
    if choice < 0.14:
        name = f"{chance.choice(('Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Professor'))} {chance.choice(_FAMILIES)}"
    return {"name": name, "greeted": name, "sender": sender}


def apology(chance: random.Random, topics: tuple[str, ...] = ()) -> tuple[str, str]:
    """(prompt, answer) of an apology; `topics` are further occasions, told in general words.

    With them come invented names: from many of both the model learns to copy rather than to guess.
    """
    if topics and chance.random() < 0.35:
        mishap = Mishap(topics, GENERAL_EVENTS, GENERAL_REPAIRS)
    else:
        mishap = chance.choice(MISHAPS)
    topic = chance.choice(mishap.topics)
    adjective = chance.choice(_ADJECTIVES)
    slots = {
        **_people(chance, strangers=bool(topics)),
        "topic": topic,
        "mishap": chance.choice(_MISHAPS),
        "adjective": adjective + " " if adjective else "",
        "kind": fill(_KINDS, chance),
    }
    prompt = fill(
        chance.choice(
            (
                "Write {kind} [apologizing to {name}|to {name} apologizing|apologising to {name}|to {name} to apologize] for the {adjective}{topic} {mishap}.",
                "Write {kind} [apologizing to {name}|to {name} apologizing|to {name} to apologize] for the {adjective}{topic} {mishap}. Explain how it happened.",
                "Write {kind} apologizing to {name} for the {adjective}{topic} {mishap}. Explain how it happened.",
                "[Please write|Can you write|Compose|Draft] {kind} to {name} [saying sorry|to say sorry|that apologizes] for the {adjective}{topic} {mishap}[.| and explain what happened.]",
                "Apologize to {name} for the {adjective}{topic} {mishap}.",
            )
        ),
        chance,
        slots,
    )
    slots["event"] = fill(chance.choice(mishap.events), chance, slots)
    slots["repair"] = fill(chance.choice(mishap.repairs), chance, slots)
    answer = fill(
        "[Dear|Dear|Dear|Hi|Hello] {greeted},\n\n"
        "["
        "I am [so|very|truly|deeply] sorry [for|about] the {adjective}{topic} {mishap}.|"
        "I am writing to apologize for the {adjective}{topic} {mishap}.|"
        "I want to apologize for the {adjective}{topic} {mishap}[ last week| yesterday|].|"
        "Please accept my [sincere |deepest |]apologies for the {adjective}{topic} {mishap}.|"
        "I owe you an apology for the {adjective}{topic} {mishap}.|"
        "I cannot tell you how sorry I am about the {adjective}{topic} {mishap}.|"
        "I feel [terrible|awful] about the {adjective}{topic} {mishap}, and I want to [say sorry|apologize]."
        "] "
        "[|Let me explain how it happened. |This is how it happened: |You deserve to know what happened. |Here is what happened. ]"
        "{event} "
        "[|It was [entirely|all] my fault. |I should have been more careful. |I should have told you at once. |I have no excuse. |I never meant to cause you so much trouble. |I take full responsibility. ]"
        "[To make up for it, {repair}.|To put things right, {repair}.|{^repair}.|{^repair}, I promise.]"
        "[| I hope that you can forgive me.| Please forgive me.| It will not happen again.| I hope that we are still friends.| Please let me know what else I can do.]\n\n"
        "[Sincerely|Best regards|With apologies|Yours|Sorry again|Kind regards|Your friend],\n{sender}",
        chance,
        slots,
    )
    return prompt, answer


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of letter: prompts and answers that share slots, and the matters it can be about with their details."""

    prompts: tuple[str, ...]
    answer: str
    matters: tuple[tuple[str, tuple[str, ...]], ...]


THANKS = Kind(
    (
        "Write {kind} [thanking {name}|to {name} to say thank you|to thank {name}] for {matter}.",
        "[Please write|Draft|Compose] {kind} [thanking {name}|to thank {name}] for {matter}.",
        "Thank {name} for {matter}.",
    ),
    "[Dear|Hi|Dear|Hello] {greeted},\n\n"
    "[Thank you [so much|very much] for {matter}.|I want to thank you for {matter}.|I am writing to thank you for {matter}.|Many thanks for {matter}!|I cannot thank you enough for {matter}.] "
    "{detail} "
    "[It made me very happy.|It was very kind of you.|It means a lot to me.|You are a true friend.|I will never forget it.|I am lucky to know you.]"
    "[| I hope that I can return the favor soon.| Please come and visit us soon.| Let me know if I can ever do something for you.]\n\n"
    "[With many thanks|Best wishes|Yours|Warm regards|Gratefully|Love],\n{sender}",
    (
        (
            "the birthday present",
            (
                "I opened it at once, and it was exactly what I had wanted.",
                "You remembered what I told you months ago.",
            ),
        ),
        (
            "the flowers",
            (
                "They are standing on my desk, and the whole room smells of spring.",
                "They were the first thing that I saw when I woke up.",
            ),
        ),
        (
            "the book",
            (
                "I started to read it last night and could not stop until three in the morning.",
                "The story about the old sailor is my favorite.",
            ),
        ),
        (
            "your help with the move",
            (
                "Without you the sofa would still be on the stairs.",
                "You carried more boxes than anybody else.",
            ),
        ),
        (
            "the dinner",
            (
                "The soup was delicious, and I would love to have the recipe.",
                "We laughed so much that my face still hurts.",
            ),
        ),
        (
            "the advice",
            (
                "I did what you told me, and it worked.",
                "I had thought about the problem for weeks, and you saw the answer at once.",
            ),
        ),
        (
            "the lovely weekend",
            (
                "The walk along the river was the best part of it.",
                "The children still talk about the lake and the boat.",
            ),
        ),
        (
            "looking after the dog",
            (
                "He came home happy, tired and very well fed.",
                "I could travel without a worry because I knew that he was with you.",
            ),
        ),
        (
            "the job interview",
            (
                "I enjoyed our talk about the project and the team.",
                "I learned a lot about the company, and I would be glad to join you.",
            ),
        ),
        (
            "the music lesson",
            (
                "I finally understand how to count the beat.",
                "I have practiced the song every day since then.",
            ),
        ),
        (
            "the concert tickets",
            (
                "The band played all the songs that I love.",
                "We sat so close that we could see the singer smile.",
            ),
        ),
        (
            "your support",
            ("When everything was difficult, you were there.", "Your words gave me the courage to go on."),
        ),
        (
            "fixing my computer",
            (
                "It is faster than it was on the first day.",
                "All my pictures are back, and I have made a copy of them.",
            ),
        ),
        (
            "the ride to the airport",
            (
                "Because of you I caught my plane with five minutes to spare.",
                "I know how early you had to get up.",
            ),
        ),
        (
            "the warm scarf",
            ("I have worn it every day since the snow came.", "It fits my winter coat perfectly."),
        ),
        (
            "teaching me to swim",
            ("I crossed the whole lake this morning.", "You were so patient, even when I was afraid."),
        ),
    ),
)
INVITATION = Kind(
    (
        "Write {kind} [inviting {name}|to invite {name}] to {matter}.",
        "[Please write|Draft|Compose] {kind} [inviting {name}|to invite {name}|that invites {name}] to {matter}.",
        "Invite {name} to {matter}.",
    ),
    "[Dear|Hi|Hello] {greeted},\n\n"
    "[I would like to invite you to {matter}.|You are invited to {matter}!|We would be very happy to see you at {matter}.|I hope that you can come to {matter}.] "
    "[It [starts|begins] on {day} at {hour}[| in the {place}].|Please come to the {place} on {day} at {hour}.|We meet on {day} at {hour}[| at the {place}].] "
    "{detail} "
    "[Please let me know by {before} whether you can come.|Just tell me if you can make it.|Please bring a friend if you like.|I hope to see you there!]\n\n"
    "[Best wishes|Yours|See you soon|Warm regards|Cheers],\n{sender}",
    (
        (
            "my birthday party",
            (
                "There will be cake, music and a few silly games.",
                "You do not have to bring a present, only your good mood.",
            ),
        ),
        (
            "our wedding",
            ("There will be a dinner and dancing until late.", "It would not be the same without you."),
        ),
        (
            "a picnic",
            (
                "I will bring sandwiches, lemonade and a big blanket.",
                "If it rains, we will eat in my kitchen.",
            ),
        ),
        ("a dinner", ("I am going to cook a vegetable curry.", "There will be pasta and a chocolate cake.")),
        (
            "the study group",
            (
                "We will talk about tokens, embeddings and language models.",
                "Please bring your questions and your notebook.",
            ),
        ),
        ("a concert", ("Three local bands will play.", "My sister plays the violin in the second half.")),
        (
            "the school play",
            ("I play the old king, and I even have to sing.", "The children have practiced for weeks."),
        ),
        (
            "a game night",
            (
                "We have chess, cards and a new board game about trains.",
                "The winner gets a box of chocolates.",
            ),
        ),
        (
            "the opening of my shop",
            ("There will be coffee and a small present for every guest.", "You will be the first to see it."),
        ),
        ("a chess tournament", ("Beginners are as welcome as champions.", "We play five short games each.")),
        (
            "a walk in the mountains",
            ("The path is easy, and the view is wonderful.", "Please wear good shoes and bring some water."),
        ),
        (
            "the meeting",
            ("We want to plan the next three months.", "Please bring your ideas for the new project."),
        ),
        ("a movie night", ("We will watch two old comedies.", "There will be popcorn for everybody.")),
        (
            "our summer party",
            ("There will be a barbecue and live music.", "The children can swim in the pool."),
        ),
    ),
)
REQUEST = Kind(
    (
        "Write {kind} [asking {name}|to ask {name}] for {matter}.",
        "[Please write|Draft|Compose] {kind} [asking {name}|to ask {name}] for {matter}.",
        "Ask {name} for {matter}.",
    ),
    "[Dear|Hello|Hi] {greeted},\n\n"
    "[I am writing to ask you for {matter}.|I would like to ask you for {matter}.|May I ask you for {matter}?|I have a small request: I need {matter}.] "
    "{detail} "
    "[Would it be possible by {day}?|It would be great to hear from you by {day}.|There is no hurry, but {day} would be perfect.|Please tell me if {day} would suit you.] "
    "[Thank you very much for your help.|I would be very grateful.|Many thanks in advance.|Thank you for your time.]\n\n"
    "[Best regards|Kind regards|Sincerely|Yours|With thanks],\n{sender}",
    (
        (
            "a day off",
            (
                "My sister is moving, and I promised to help her.",
                "I have finished the report, so nothing will be late.",
            ),
        ),
        (
            "a letter of recommendation",
            ("I am applying for a place at the university.", "You know my work better than anybody else."),
        ),
        (
            "advice",
            (
                "I have to choose between two jobs, and I cannot decide.",
                "You have done this before, and I trust your opinion.",
            ),
        ),
        (
            "more time",
            (
                "The work is almost done, but the last part is harder than I had expected.",
                "I was ill for three days and could not finish the work.",
            ),
        ),
        (
            "a meeting",
            (
                "I would like to talk with you about the new project.",
                "I have some questions that are hard to answer by email.",
            ),
        ),
        (
            "the recipe",
            ("Everybody at my house loved your soup.", "I would like to bake your apple cake for my mother."),
        ),
        (
            "your notes",
            (
                "I missed the lesson because my train was late.",
                "I was ill on Monday, and I do not want to fall behind.",
            ),
        ),
        (
            "a new key",
            (
                "I lost mine somewhere between the station and my house.",
                "The old one broke in the lock this morning.",
            ),
        ),
        (
            "a refund",
            (
                "The lamp that I bought from you stopped working after two days.",
                "The shoes arrived in the wrong size.",
            ),
        ),
        (
            "a ladder",
            (
                "I want to repair the roof before it rains.",
                "The apples at the top of the tree are ripe, and I cannot reach them.",
            ),
        ),
        (
            "help with my homework",
            (
                "I do not understand how fractions work.",
                "The text is long, and I know only half of the words.",
            ),
        ),
        (
            "a raise",
            (
                "In the last year I have taken over two more projects.",
                "I have worked here for three years, and I enjoy it very much.",
            ),
        ),
        (
            "the report",
            ("The whole team needs the numbers for the meeting.", "I have to send it to the customer."),
        ),
        ("directions", ("This will be my first visit to your town.", "My map does not show your street.")),
    ),
)
CONGRATULATION = Kind(
    (
        "Write {kind} [congratulating {name}|to congratulate {name}] on {matter}.",
        "[Please write|Draft|Compose] {kind} [congratulating {name}|to congratulate {name}] on {matter}.",
        "Congratulate {name} on {matter}.",
    ),
    "[Dear|Hi|Hello] {greeted},\n\n"
    "[Congratulations on {matter}!|I have just heard the good news: congratulations on {matter}!|I want to congratulate you on {matter}.|What wonderful news! Congratulations on {matter}.] "
    "{detail} "
    "[You have every reason to be proud.|Nobody deserves it more than you.|I am so happy for you.|We are all very proud of you.]"
    "[| Let us celebrate soon!| I wish you all the best.| I hope to see you soon and to hear everything about it.]\n\n"
    "[Best wishes|Warmly|Your friend|Yours|With love],\n{sender}",
    (
        (
            "your new job",
            ("They could not have found a better person for it.", "Your new team is lucky to have you."),
        ),
        (
            "your wedding",
            ("I wish the two of you many happy years together.", "You looked wonderful in all the pictures."),
        ),
        (
            "the new baby",
            ("I hope that you all get a little sleep.", "I cannot wait to hold the little one."),
        ),
        (
            "your birthday",
            (
                "I hope that the new year of your life is full of good surprises.",
                "May all your wishes come true.",
            ),
        ),
        (
            "passing the exam",
            ("All those long evenings with your books were worth it.", "I knew that you could do it."),
        ),
        (
            "winning the race",
            (
                "You trained for it in the rain and in the snow.",
                "The last hundred meters were the most exciting thing I have ever seen.",
            ),
        ),
        (
            "your graduation",
            ("Four years of hard work have come to a happy end.", "Now the whole world is open to you."),
        ),
        (
            "your new house",
            (
                "The garden looks lovely, and so does the kitchen.",
                "I am sure that you will be very happy there.",
            ),
        ),
        (
            "your first book",
            (
                "I read it in one evening, and I loved the ending.",
                "I have already told all my friends about it.",
            ),
        ),
        (
            "your promotion",
            (
                "You have worked hard for it, and everybody knows it.",
                "Your ideas have changed the whole team.",
            ),
        ),
        ("the prize", ("Your painting was the best by far.", "The judges made the right choice.")),
        ("the concert", ("You played so well that nobody dared to cough.", "The last song made me cry.")),
    ),
)
COMPLAINT = Kind(
    (
        "Write {kind} [complaining to {name}|to {name} complaining|to {name} to complain] about {matter}.",
        "[Please write|Draft|Compose] {kind} to {name} complaining about {matter}.",
        "Complain to {name} about {matter}.",
    ),
    "[Dear|Hello] {greeted},\n\n"
    "[I am writing to complain about {matter}.|I am sorry to say that I am not happy about {matter}.|I would like to talk to you about {matter}.|I have to complain about {matter}.] "
    "{detail} "
    "[Could you please do something about it?|I hope that we can find a solution together.|Please let me know what you are going to do about it.|I would be glad if this could change soon.] "
    "[I look forward to your answer.|Thank you for your understanding.|I hope to hear from you by {day}.]\n\n"
    "[Sincerely|Regards|Kind regards|Yours],\n{sender}",
    (
        (
            "the noise",
            (
                "The music starts at midnight, and I have to get up at six.",
                "The drums can be heard in the whole house.",
            ),
        ),
        (
            "the cold soup",
            (
                "I waited for an hour, and then it arrived without a spoon.",
                "It was cold, and there was a hair in it.",
            ),
        ),
        (
            "the late train",
            ("It was late on every single day of this week.", "I missed an important meeting because of it."),
        ),
        (
            "the broken elevator",
            (
                "I live on the seventh floor, and I have two small children.",
                "It has been out of order for three weeks.",
            ),
        ),
        (
            "the slow internet",
            ("A single page takes a whole minute to load.", "I cannot work from home like this."),
        ),
        (
            "the barking dog",
            ("It begins as soon as you leave the house.", "Nobody in our street has slept well for days."),
        ),
        (
            "the wrong order",
            (
                "I ordered a blue lamp, and I received six red chairs.",
                "The box was open, and half of the things were missing.",
            ),
        ),
        (
            "the dirty room",
            (
                "There was dust on the table and sand in the bed.",
                "The window does not close, and the bathroom has no light.",
            ),
        ),
        (
            "the garbage",
            (
                "It has not been collected for two weeks.",
                "The bags stand in front of my door, and they smell.",
            ),
        ),
        (
            "the leaking roof",
            ("I have put three buckets in the bedroom.", "Each time it rains, my books get wet."),
        ),
    ),
)
REMINDER = Kind(
    (
        "Write {kind} [reminding {name}|to remind {name}] about {matter}.",
        "[Please write|Draft|Compose] {kind} to {name} as a reminder about {matter}.",
        "Remind {name} about {matter}.",
    ),
    "[Hi|Hello|Dear] {greeted},\n\n"
    "[This is a friendly reminder about {matter}.|I just want to remind you about {matter}.|Please do not forget about {matter}.|A quick reminder about {matter}:] "
    "[It is on {day} at {hour}.|We agreed on {day} at {hour}.|The date is {day}, and the time is {hour}.] "
    "{detail} "
    "[Let me know if anything has changed.|Please tell me if you need more time.|If you have already done it, please forget this message.|See you then!]\n\n"
    "[Best|Thanks|Kind regards|Best wishes],\n{sender}",
    (
        (
            "the meeting",
            (
                "Please bring the numbers for the last month.",
                "We will be in the small room on the second floor.",
            ),
        ),
        ("the dentist", ("Please be there ten minutes early.", "Do not eat anything right before it.")),
        ("the rent", ("You can leave the money in an envelope.", "Last month it arrived a few days late.")),
        (
            "the library books",
            (
                "All three of them must go back, even the one about whales.",
                "After that day they cost ten cents a day.",
            ),
        ),
        (
            "the exam",
            ("Bring two pens and your student card.", "Chapters one to five are the most important ones."),
        ),
        ("the party", ("You promised to bring the music.", "We still need somebody who can make a salad.")),
        ("the homework", ("The last question is harder than it looks.", "You can hand it in by email.")),
        ("the train tickets", ("They get more expensive every day.", "We need two seats by the window.")),
        (
            "the study group",
            ("This week we talk about embeddings.", "Please read the first ten pages before you come."),
        ),
    ),
)
FAREWELL = Kind(
    (
        "Write {kind} [saying goodbye to {name}|to {name} to say goodbye] before {matter}.",
        "Say goodbye to {name} before {matter}.",
    ),
    "[Dear|Hi] {greeted},\n\n"
    "[{^matter} is only a few days away, and I want to say goodbye.|I want to say goodbye before {matter}.|Before {matter} I would like to say goodbye to you.] "
    "{detail} "
    "[I will miss our long talks.|I will think of you often.|It was wonderful to have you near.|You have been a good friend to me.] "
    "[Please write to me.|I will call you as soon as I can.|Let us meet again soon.]\n\n"
    "[Goodbye|Yours|With love|Your friend],\n{sender}",
    (
        (
            "the move",
            (
                "The boxes are packed, and the house is almost empty.",
                "You are the best neighbor that I have ever had.",
            ),
        ),
        (
            "the long trip",
            (
                "I will be away for six months, and I will see four countries.",
                "I will send you a card from every city.",
            ),
        ),
        (
            "my last day at work",
            (
                "I have learned more from you than from anybody else.",
                "We have shared this office for five years.",
            ),
        ),
        (
            "the summer vacation",
            ("I will spend it at the sea with my family.", "We will see each other again in September."),
        ),
        (
            "my new job",
            ("It is in another city, so I have to leave next week.", "It was not easy to decide."),
        ),
    ),
)
GET_WELL = Kind(
    (
        "Write {kind} to {name}[ with get-well wishes|, who is ill with {matter}|, wishing a quick recovery from {matter}].",
        "Wish {name} a quick recovery from {matter}.",
    ),
    "[Dear|Hi] {greeted},\n\n"
    "[I was sorry to hear that you are not well.|I have just heard that you are ill, and I am very sorry.|What a pity that you have to stay in bed!] "
    "{detail} "
    "[Please rest and drink a lot of tea.|I hope that you feel better every day.|Take all the time that you need.] "
    "[Get well soon!|I wish you a quick recovery.|We all miss you.]\n\n"
    "[Love|Best wishes|Yours|Your friend],\n{sender}",
    (
        ("the flu", ("The flu is no fun, but it passes.", "I will bring you some chicken soup tomorrow.")),
        (
            "a cold",
            (
                "A bad cold needs sleep more than anything else.",
                "I have put some honey and lemons in front of your door.",
            ),
        ),
        (
            "a broken leg",
            ("A broken leg takes time, but you are strong.", "I will carry your bag when you come back."),
        ),
        (
            "an operation",
            ("The doctors say that everything went well.", "I will visit you in the hospital on Sunday."),
        ),
        ("a headache", ("I hope that the room is dark and quiet.", "Please do not look at a screen today.")),
    ),
)
APPLICATION = Kind(
    (
        "Write {kind} to {name} applying for a job as {a matter}.",
        "[Please write|Draft|Compose] {kind} to {name} to apply for the job of {matter}.",
        "Write a job application to {name} for the position of {matter}.",
    ),
    "Dear {greeted},\n\n"
    "[I would like to apply for the position of {matter}.|I am writing to apply for the job of {matter}.|Your company is looking for {a matter}, and I would like to apply.] "
    "{detail} "
    "[I work carefully, and I like to learn new things.|I enjoy working in a team.|My last employer was very happy with my work.|I am reliable and always on time.] "
    "[I would be glad to meet you.|I could start next month.|I look forward to your answer.|I would be happy to tell you more in an interview.]\n\n"
    "[Sincerely|Yours sincerely|Kind regards|Best regards],\n{sender}",
    (
        (
            "teacher",
            (
                "I have taught mathematics for six years, and my pupils like my lessons.",
                "I love to explain difficult things in simple words.",
            ),
        ),
        (
            "gardener",
            (
                "I have looked after a large park for four years, and I know roses very well.",
                "Plants have been my great love since I was a child.",
            ),
        ),
        (
            "cook",
            (
                "I have worked in a French restaurant for three years.",
                "My soups are known in the whole town.",
            ),
        ),
        (
            "programmer",
            (
                "I have written software for five years, mostly in Python.",
                "I like clear code and good tests.",
            ),
        ),
        (
            "nurse",
            ("I have worked in a children's hospital for seven years.", "I stay calm when others cannot."),
        ),
        (
            "driver",
            ("I have driven a bus for ten years without an accident.", "I know every street of this city."),
        ),
        (
            "librarian",
            (
                "I have loved books all my life, and I like to help people to find them.",
                "I put order into a library of ten thousand books.",
            ),
        ),
        (
            "engineer",
            ("I have built bridges and machines for eight years.", "I like to solve practical problems."),
        ),
        (
            "translator",
            (
                "I speak four languages, and I read even more.",
                "I have translated three novels and many letters.",
            ),
        ),
        (
            "musician",
            (
                "I have played the piano since I was five.",
                "I play at weddings, in churches and in small bars.",
            ),
        ),
        ("baker", ("I get up at three in the morning, and I love it.", "My bread has won two prizes.")),
        (
            "waiter",
            ("I can carry five plates and still smile.", "I have worked in a busy cafe for two years."),
        ),
    ),
)
KINDS = (
    THANKS,
    THANKS,
    INVITATION,
    INVITATION,
    REQUEST,
    REQUEST,
    CONGRATULATION,
    COMPLAINT,
    REMINDER,
    FAREWELL,
    GET_WELL,
    APPLICATION,
)

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = (
    "nine",
    "ten",
    "eleven",
    "noon",
    "two o'clock",
    "three o'clock",
    "four",
    "five o'clock",
    "six",
    "half past six",
    "seven",
    "eight o'clock",
)
_PLACES = (
    "library",
    "garden",
    "park",
    "school",
    "town hall",
    "old theater",
    "cafe at the corner",
    "big room",
    "clubhouse",
)


def letter(chance: random.Random) -> tuple[str, str]:
    """(prompt, answer) of a letter that is no apology."""
    kind = chance.choice(KINDS)
    matter, details = chance.choice(kind.matters)
    day = chance.randrange(7)
    slots = {
        **_people(chance),
        "matter": matter,
        "detail": chance.choice(details),
        "kind": fill(_KINDS, chance),
        "day": _DAYS[day],
        "before": _DAYS[day - 2],
        "hour": chance.choice(_HOURS),
        "place": chance.choice(_PLACES),
    }
    asked = {
        **slots,
        "matter": matter.replace("your ", "the "),
    }  # "thank Anna for the help", not "for your help"
    return fill(chance.choice(kind.prompts), chance, asked), fill(kind.answer, chance, slots)
