"""Explanations of what a language model is made of, tips, instructions, small talk and small sums."""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo.recipe.grammar import capital, with_article
from demo.recipe.templates import NAMES, each, fill


@dataclass(frozen=True, slots=True)
class Concept:
    """`names` are what it is called, `a` says whether it takes an article; the sentences can stand in any order
    after the definition. `{it}` in a sentence is the name with its article.
    """

    names: tuple[str, ...]
    definitions: tuple[str, ...]
    facts: tuple[str, ...]
    pictures: tuple[str, ...]
    a: bool = True


CONCEPTS = (
    Concept(
        ("token",),
        (
            "a small piece of text that a language model reads as one unit",
            "the smallest unit of text that a language model works with",
        ),
        (
            "It can be a whole word, a part of a word, a single letter or a sign.",
            "Every token has a number, its token id, because a model can only work with numbers.",
            "A common word is usually one token, while a rare word is split into several.",
        ),
        (
            'For example, the word "unhappiness" may be split into "un", "happi" and "ness".',
            "You can think of tokens as the bricks from which every text is built.",
        ),
    ),
    Concept(
        ("token id",),
        ("the number of a token in the vocabulary", "a whole number that stands for one token"),
        (
            "The model never sees letters, only these numbers.",
            "The same token always has the same number in one tokenizer, but another tokenizer uses other numbers.",
        ),
        ("It is like the number of a seat in a theater: it says where the token is, not what it means.",),
    ),
    Concept(
        ("tokenizer",),
        (
            "a program that cuts a text into tokens and gives each of them a number",
            "the part of a language model that turns text into token ids and back",
        ),
        (
            "It has a fixed vocabulary, which is learned from a large amount of text.",
            "Different models use different tokenizers, so the same text can give different tokens.",
            "Some tokenizers keep capital letters, and others make everything lower case.",
        ),
        (
            "It works like a pair of scissors that knows where the useful pieces of a word begin and end.",
            "It is the translator between people, who read letters, and models, which read numbers.",
        ),
    ),
    Concept(
        ("vocabulary",),
        (
            "the list of all the tokens that a tokenizer knows",
            "the set of tokens that a model can read and write",
        ),
        (
            "A small one has a few thousand entries, and a large one has more than a hundred thousand.",
            "A larger vocabulary needs fewer tokens for a text, but it makes the model bigger.",
        ),
        ("It is like a dictionary that has a number for each word but no explanations.",),
    ),
    Concept(
        ("embedding",),
        (
            "a list of numbers that says what a token or a text means",
            "a vector that stands for the meaning of a word, a sentence or a song",
        ),
        (
            "Things that mean nearly the same have embeddings that point in nearly the same direction.",
            "The numbers are learned while the model is trained.",
            "With embeddings a computer can measure how similar two words are.",
        ),
        (
            "You can picture each embedding as a point on a map, where similar words are neighbors.",
            'On such a map "cat" is close to "dog" and far away from "bridge".',
        ),
    ),
    Concept(
        ("vector",),
        ("a list of numbers", "a list of numbers that describes a point or a direction"),
        (
            "Vectors can be added, subtracted and compared.",
            "A language model turns every token into a vector before it does anything else.",
        ),
        ("You can think of it as an arrow that points somewhere.",),
    ),
    Concept(
        ("word vector",),
        (
            "a list of numbers that stands for one word",
            "a vector that is learned from the company that a word keeps",
        ),
        (
            "Words that appear in similar sentences get similar vectors.",
            'If you take the vector of "king", subtract "man" and add "woman", you arrive near "queen".',
        ),
        ("It is like the address of a word on a map of meanings.",),
    ),
    Concept(
        ("language model",),
        (
            "a program that has learned to predict the next token of a text",
            "a program that computes how likely each token is to come next",
        ),
        (
            "It learns from a large amount of text.",
            "It writes by choosing one token after another.",
            "It does not look things up; it repeats patterns that it has seen, so it can be wrong.",
        ),
        ("It is a little like the suggestions above the keyboard of a phone, only much better.",),
    ),
    Concept(
        ("LLM", "large language model"),
        (
            "a very big neural network that has learned to predict the next token of a text",
            "a language model with billions of parameters",
        ),
        (
            "It can answer questions, write letters and explain ideas.",
            "It can also make mistakes and sound sure of them, so its answers should be checked.",
            "Before it reads your question, a tokenizer cuts the text into tokens.",
        ),
        (
            "It is like a reader who has read a whole library and remembers the style of everything but the exact words of little.",
        ),
    ),
    Concept(
        ("neural network",),
        (
            "a program that consists of many small computing units in layers",
            "a mathematical function with many adjustable numbers, arranged in layers",
        ),
        (
            "Each unit adds up its inputs and passes the result on.",
            "It learns by changing its numbers a little after every mistake.",
        ),
        ("It is loosely inspired by the cells of the brain.",),
    ),
    Concept(
        ("parameter", "weight"),
        (
            "one of the adjustable numbers inside a neural network",
            "a number that a model learns during training",
        ),
        (
            "A small model has a few million of them, and a large one has many billions.",
            "Together they hold everything that the model knows.",
        ),
        ("It is like one small knob on a machine with millions of knobs.",),
    ),
    Concept(
        ("bot", "chatbot"),
        (
            "a program that answers people in a chat",
            "a computer program that does small jobs by itself when somebody writes to it",
        ),
        (
            "It waits for a command, does its work and sends back an answer.",
            "It is always awake and never gets tired, but it does not understand everything.",
        ),
        ("It is like a helpful assistant who only follows the commands that he knows.",),
    ),
    Concept(
        ("slash command",),
        ("a command that begins with a slash and tells a bot what to do",),
        (
            "While you type it, the bot shows you which options there are.",
            'In Discord you can try "/tokens" to see how a text is cut into tokens.',
        ),
        ("It is like a button that you press by typing.",),
    ),
    Concept(
        ("prompt",),
        (
            "the text that you give to a language model",
            "the beginning of a text that the model is asked to continue",
        ),
        (
            "A clear prompt usually gives a better answer.",
            "The model reads the prompt token by token and then writes what is likely to follow.",
        ),
        ("It is like the first line of a story that somebody else has to finish.",),
    ),
    Concept(
        ("context window", "context"),
        ("the number of tokens that a model can look at at the same time",),
        (
            "What does not fit into it is invisible to the model.",
            "Small models see a few hundred tokens, and large ones see many thousands.",
        ),
        ("It is like the desk of a reader: only the pages that lie on it can be read.",),
    ),
    Concept(
        ("temperature",),
        ("a number that says how adventurous a model is when it chooses the next token",),
        (
            "At zero it always takes the most likely token.",
            "A high temperature gives surprising texts, and sometimes nonsense.",
        ),
        ("It works like spice in a soup: a little makes it interesting, and too much spoils it.",),
        a=False,
    ),
    Concept(
        ("sampling",),
        ("a way of choosing the next token by chance, where likely tokens win more often",),
        ("It makes the answers of a model more varied.", "With the same seed the same text comes out again."),
        ("It is like rolling a die that has more sides for the likely tokens.",),
        a=False,
    ),
    Concept(
        ("greedy decoding",),
        ("a way of writing in which the model always takes the most likely next token",),
        ("It gives the same text every time.", "It can fall into a loop and repeat itself."),
        ("It is like a walker who always takes the widest road.",),
        a=False,
    ),
    Concept(
        ("attention",),
        (
            "the part of a model that decides which earlier tokens matter for the next one",
            "a method by which a model looks back at the words that are important now",
        ),
        (
            "Each token asks a question, and the other tokens answer it more or less loudly.",
            "It lets a model connect a name at the beginning of a letter with a word at its end.",
        ),
        ("It is like a reader who underlines the important words with a pencil.",),
        a=False,
    ),
    Concept(
        ("transformer",),
        ("a neural network that reads all tokens at once and connects them by attention",),
        (
            "Nearly all modern language models are transformers.",
            "It is built from many equal layers, one on top of the other.",
        ),
        ("It is like a team in which everybody listens to everybody else before saying something.",),
    ),
    Concept(
        ("encoder",),
        (
            "a model that reads a whole text and gives each token a vector",
            "a model that turns a text into numbers that describe its meaning",
        ),
        (
            "It looks at the words on both sides of each token.",
            "The same word can get different vectors in different sentences.",
        ),
        ("It is like a reader who makes a note beside every word of a page.",),
    ),
    Concept(
        ("decoder",),
        ("a model that writes a text token by token",),
        (
            "It can only look at what is already there, never at what comes later.",
            "Most chatbots are built on a decoder.",
        ),
        ("It is like a writer who never goes back to correct a line.",),
    ),
    Concept(
        ("masked language model",),
        ("a model that has learned to guess hidden words in a sentence",),
        (
            "During training some tokens are covered with a mask, and the model has to guess them.",
            "It looks at the words before and after the gap.",
        ),
        ("It is like a puzzle in which you fill in the missing words.",),
    ),
    Concept(
        ("training",),
        (
            "the time in which a model learns from examples",
            "the process in which the numbers of a model are adjusted until its guesses get better",
        ),
        (
            "It takes a lot of data, time and energy.",
            "After every guess the model is told the right answer and corrects itself a little.",
        ),
        ("It is like practicing the piano: many small corrections make a good player.",),
        a=False,
    ),
    Concept(
        ("loss",),
        ("a number that says how wrong a model is",),
        (
            "Training tries to make it as small as possible.",
            "When it stops falling, the model has learned what it can.",
        ),
        ("It is like the number of mistakes in a test.",),
        a=False,
    ),
    Concept(
        ("perplexity",),
        ("a number that says how surprised a model is by a text",),
        (
            "A low perplexity means that the model expected most of the tokens.",
            "A perplexity of ten means that the model was as unsure as if it had to choose among ten equal tokens.",
        ),
        ("It is like asking a reader how often a story surprised her.",),
        a=False,
    ),
    Concept(
        ("overfitting",),
        ("what happens when a model learns its examples by heart and cannot handle new ones",),
        (
            "It happens when there is too little data for a big model.",
            "One sees it when the model does well on old texts and badly on new ones.",
        ),
        ("It is like a pupil who has memorized the answers but does not understand the questions.",),
        a=False,
    ),
    Concept(
        ("cosine similarity",),
        ("a number that says how much two vectors point in the same direction",),
        (
            "It is one for the same direction, zero for vectors that have nothing in common, and minus one for opposite directions.",
            "It is used to find words or songs that are similar.",
        ),
        ("It is like comparing two arrows and asking whether they point at the same tree.",),
        a=False,
    ),
    Concept(
        ("nearest neighbor", "neighbor"),
        (
            "the vector that is closest to a given vector",
            "a word whose vector is close to that of another word",
        ),
        (
            'The neighbors of "happy" are words such as "glad" and "cheerful".',
            "Looking at neighbors is the easiest way to see what a model has learned.",
        ),
        ("It is like asking who lives next door on the map of meanings.",),
    ),
    Concept(
        ("recommendation", "song recommendation"),
        (
            "a suggestion of something that you may like",
            "a guess about what you may like, made from what other people liked",
        ),
        (
            "A computer compares your songs with the playlists of many people.",
            "Songs that appear in the same playlists get similar vectors.",
        ),
        ("It is like a friend who knows your records and says: you should hear this one.",),
    ),
    Concept(
        ("playlist",),
        ("a list of songs that are played one after another",),
        (
            "A model can treat a playlist like a sentence and its songs like words.",
            "Songs that often stand in the same playlist are probably similar.",
        ),
        ("It is like a menu made of songs.",),
    ),
    Concept(
        ("byte-pair encoding", "BPE"),
        ("a method that builds tokens by joining the most frequent pairs again and again",),
        (
            "It starts with single letters or bytes and stops when the vocabulary is full.",
            "Frequent words become one token, and rare words stay in pieces.",
        ),
        ("It is like a writer who invents an abbreviation for everything that he has to write often.",),
        a=False,
    ),
    Concept(
        ("WordPiece",),
        ("a method that splits words into known pieces and marks the later pieces with two number signs",),
        ("The model BERT uses it.", 'A word such as "playing" may become "play" and "##ing".'),
        ("It is like cutting a cake along lines that were drawn before.",),
        a=False,
    ),
    Concept(
        ("Unigram",),
        ("a tokenizer method that chooses the most likely way to split a text",),
        (
            "It begins with a large vocabulary and throws out the pieces that help least.",
            "The model T5 uses it.",
        ),
        ("It is like packing a suitcase and leaving out what you need least.",),
        a=False,
    ),
    Concept(
        ("special token",),
        ("a token that does not stand for text but for a signal",),
        (
            "One special token says that the text is over, and another one marks a gap.",
            "People rarely see special tokens, but models need them.",
        ),
        ("It is like a traffic sign between the words.",),
    ),
    Concept(
        ("dataset",),
        ("a collection of examples from which a model learns",),
        (
            "A good dataset is large, varied and clean.",
            "A model can never be much better than the examples that it has seen.",
        ),
        ("It is like the library of a student.",),
    ),
    Concept(
        ("hallucination",),
        ("something that a language model says as if it were a fact although it is not true",),
        (
            "It happens because the model writes what is likely, not what is true.",
            "This is why important answers should be checked.",
        ),
        ("It is like a student who invents an answer because he does not want to leave the page empty.",),
    ),
    Concept(
        ("fine-tuning",),
        ("a second, shorter training that prepares a model for one special job",),
        (
            "It needs much less data than the first training.",
            "A model can be fine-tuned to write letters, to answer questions or to follow instructions.",
        ),
        ("It is like a doctor who first studies medicine and then learns to operate on eyes.",),
        a=False,
    ),
    Concept(
        ("computer",),
        ("a machine that follows instructions and works with numbers very quickly",),
        (
            "It does exactly what its program says, even if the program is wrong.",
            "Texts, pictures and songs are all numbers to it.",
        ),
        ("It is like a very fast clerk without any imagination.",),
    ),
    Concept(
        ("algorithm",),
        ("a list of exact steps that solve a problem",),
        (
            "A recipe is an algorithm, and so is the way in which you divide two numbers on paper.",
            "A computer can follow an algorithm millions of times without a mistake.",
        ),
        ("It is like a recipe that even a machine can follow.",),
    ),
    Concept(
        ("GPU", "graphics card"),
        ("a chip that does thousands of small sums at the same time",),
        (
            "It was made for games, but it is also very good at neural networks.",
            "A large model on a GPU answers many times faster than on an ordinary processor.",
        ),
        ("It is like a hundred clerks who each do one simple sum.",),
    ),
)


def explanation(chance: random.Random) -> tuple[str, str]:
    """(prompt, answer) about one of the concepts."""
    concept = chance.choice(CONCEPTS)
    name = chance.choice(concept.names)
    thing = with_article(name) if concept.a else name
    slots = {"thing": thing, "name": name, "plural": name + "s"}
    prompt = fill(
        chance.choice(
            (
                "Explain what {thing} is.",
                "Explain what {thing} is.",
                "What is {thing}?",
                "[Can you explain|Could you explain|Please explain] what {thing} is[?|.]",
                "Explain {thing}[ to a beginner| to a child| in simple words| in a few words|].",
                "Tell me [about|something about] {thing}.",
                "[Define|Describe] {thing}.",
                'What does the word "{name}" mean?',
                "I do not know what {thing} is.",
            )
        ),
        chance,
        slots,
    )
    short = chance.random() < 0.15  # "token is" alone is a prompt, too
    sentences = [f"{name if short else capital(thing)} is {chance.choice(concept.definitions)}."]
    facts = list(concept.facts)
    chance.shuffle(facts)
    sentences += facts[: chance.choice((1, 2, 2))]
    if chance.random() < 0.7:
        sentences.append(chance.choice(concept.pictures))
    return "" if short else prompt, " ".join(sentences)


TASKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "make tea",
        (
            "Boil some fresh water.",
            "Put a tea bag into a cup.",
            "Pour the hot water over it and wait for four minutes.",
            "Take out the bag and add milk or sugar if you like.",
        ),
    ),
    (
        "make coffee",
        (
            "Heat the water until it almost boils.",
            "Put two spoons of ground coffee into the filter.",
            "Pour the water over it slowly.",
            "Drink it while it is hot.",
        ),
    ),
    (
        "boil an egg",
        (
            "Put the egg into a pot of boiling water.",
            "Wait six minutes for a soft egg and ten for a hard one.",
            "Cool it under cold water.",
            "Peel it and add a little salt.",
        ),
    ),
    (
        "bake bread",
        (
            "Mix flour, water, salt and yeast.",
            "Knead the dough for ten minutes.",
            "Let it rise in a warm place until it is twice as big.",
            "Bake it in a hot oven for forty minutes.",
        ),
    ),
    (
        "make pancakes",
        (
            "Mix flour, milk, two eggs and a little salt.",
            "Heat some butter in a pan.",
            "Pour in a thin layer of the mixture.",
            "Turn it over when the edges are brown.",
        ),
    ),
    (
        "make a salad",
        (
            "Wash the vegetables and cut them into small pieces.",
            "Mix oil, vinegar, salt and pepper in a bowl.",
            "Pour the dressing over the vegetables.",
            "Stir well and serve at once.",
        ),
    ),
    (
        "cook rice",
        (
            "Wash the rice until the water is clear.",
            "Add twice as much water as rice and a little salt.",
            "Let it boil gently under a lid for fifteen minutes.",
            "Wait five minutes before you open the pot.",
        ),
    ),
    (
        "make soup",
        (
            "Cut an onion, some carrots and two potatoes.",
            "Fry them in a little oil.",
            "Add a liter of water and let it cook for half an hour.",
            "Add salt, pepper and fresh herbs.",
        ),
    ),
    (
        "plant a tree",
        (
            "Dig a hole that is twice as wide as the roots.",
            "Set the tree into it and hold it straight.",
            "Fill the hole with earth and step on it gently.",
            "Water the tree every day for the first weeks.",
        ),
    ),
    (
        "grow tomatoes",
        (
            "Put the seeds into small pots in spring.",
            "Keep them warm and give them a lot of light.",
            "Plant them outside when the nights are no longer cold.",
            "Water them every morning and tie them to a stick.",
        ),
    ),
    (
        "wash a car",
        (
            "Rinse off the dust with clean water.",
            "Wash the car from top to bottom with a soft sponge.",
            "Rinse it again.",
            "Dry it with a clean cloth.",
        ),
    ),
    (
        "change a light bulb",
        (
            "Switch off the light and let the old bulb cool.",
            "Turn the bulb to the left and take it out.",
            "Turn the new bulb to the right until it is tight.",
            "Switch on the light to test it.",
        ),
    ),
    (
        "fix a flat tire",
        (
            "Take the wheel off the bike.",
            "Pull out the tube and find the hole.",
            "Put glue and a patch on the hole and press it down.",
            "Put everything back and pump up the tire.",
        ),
    ),
    (
        "write a letter",
        (
            "Begin with a greeting and the name of the person.",
            "Say in the first sentence why you write.",
            "Tell the rest in short, clear sentences.",
            "End with a friendly line and your name.",
        ),
    ),
    (
        "learn a language",
        (
            "Learn ten new words every day.",
            "Listen to songs and read simple books.",
            "Speak with people, even if you make mistakes.",
            "Repeat the old words every week.",
        ),
    ),
    (
        "learn to swim",
        (
            "Start in water where you can stand.",
            "Practice breathing out under water.",
            "Hold on to the edge and practice with your legs.",
            "Swim a few short strokes with a friend beside you.",
        ),
    ),
    (
        "clean a window",
        (
            "Mix warm water with a little soap.",
            "Wash the glass with a soft cloth.",
            "Pull off the water from top to bottom.",
            "Dry the edges with paper.",
        ),
    ),
    (
        "pack a suitcase",
        (
            "Make a list of the things that you need.",
            "Put the heavy things at the bottom.",
            "Roll your clothes so that they need less room.",
            "Keep your passport in your pocket.",
        ),
    ),
    (
        "paint a room",
        (
            "Cover the floor and the furniture.",
            "Clean the walls and close the small holes.",
            "Paint the corners with a brush and the rest with a roller.",
            "Let it dry and paint it a second time.",
        ),
    ),
    (
        "build a bird house",
        (
            "Saw six pieces of wood.",
            "Cut a round hole into the front piece.",
            "Put the pieces together with screws.",
            "Hang the house in a tree where no cat can reach it.",
        ),
    ),
    (
        "read a map",
        (
            "Find out where north is.",
            "Look for a place that you know.",
            "Follow the road from there with your finger.",
            "Use the scale to see how far it is.",
        ),
    ),
    (
        "take a good photo",
        (
            "Look where the light comes from.",
            "Go closer than you think.",
            "Hold the camera still.",
            "Take several pictures and keep the best one.",
        ),
    ),
    (
        "fall asleep",
        (
            "Go to bed at the same time every day.",
            "Make the room dark and cool.",
            "Put your phone in another room.",
            "Breathe slowly and think of a quiet place.",
        ),
    ),
    (
        "play the guitar",
        (
            "Tune the strings.",
            "Learn three simple chords.",
            "Change between them slowly until your fingers know the way.",
            "Play a song that you love.",
        ),
    ),
    (
        "save money",
        (
            "Write down what you spend.",
            "Put a small sum aside on the first day of each month.",
            "Cook at home more often.",
            "Wait a day before you buy something expensive.",
        ),
    ),
    (
        "train a dog",
        (
            "Begin with one short command.",
            "Give a small treat when the dog does it right.",
            "Practice for a few minutes every day.",
            "Be patient and never shout.",
        ),
    ),
    (
        "train a language model",
        (
            "Collect a lot of text.",
            "Train a tokenizer that cuts the text into tokens.",
            "Let the model guess the next token again and again, and correct its mistakes.",
            "Test it on a text that it has never seen.",
        ),
    ),
    (
        "compare two words",
        (
            "Look up the vector of each word.",
            "Compute the cosine of the angle between them.",
            "If the number is near one, the words are similar.",
        ),
    ),
    (
        "count the tokens of a text",
        (
            "Choose a tokenizer.",
            "Let it cut the text into tokens.",
            "Count the pieces, the special tokens included.",
        ),
    ),
    (
        "find a new song",
        (
            "Choose a song that you like.",
            'Ask the bot with the command "/recommend".',
            "Listen to the suggestions.",
            "Like the good ones, so that the next suggestions get better.",
        ),
    ),
)
_ORDER = ("First", "Then", "After that", "Finally")


def instruction(chance: random.Random) -> tuple[str, str]:
    """(prompt, answer): how to do one of the tasks, in steps."""
    task, steps = chance.choice(TASKS)
    prompt = fill(
        chance.choice(
            (
                "How do I {task}?",
                "How do you {task}?",
                "Explain how to {task}.",
                "Tell me how to {task}.",
                "How can I {task}?",
                "[Give me|Write] instructions to {task}.",
                "I want to {task}.",
            )
        ),
        chance,
        {"task": task},
    )
    style = chance.random()
    if style < 0.5:
        words = (*_ORDER[: len(steps) - 1], "Finally")
        lines = " ".join(
            f"{word}, {step[0].lower()}{step[1:]}" for word, step in zip(words, steps, strict=True)
        )
    else:
        lines = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    start = fill(
        "[To {task}, follow these steps|This is how to {task}|It is easy to {task}|Here is how you {task}]",
        chance,
        {"task": task},
    )
    if style < 0.5:
        return prompt, f"{start}. {lines}"
    return prompt, f"{start}:\n{lines}"


TIPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "studying",
        (
            "Work in short blocks and take breaks.",
            "Explain what you learned to a friend.",
            "Turn off your phone.",
            "Write a summary in your own words.",
            "Sleep well before an exam.",
        ),
    ),
    (
        "cooking",
        (
            "Read the whole recipe before you start.",
            "Taste the food while you cook.",
            "Keep your knives sharp.",
            "Clean up as you go.",
            "Use fresh herbs.",
        ),
    ),
    (
        "gardening",
        (
            "Water the plants in the morning.",
            "Know where the sun is at noon.",
            "Pull out weeds while they are small.",
            "Feed the soil with compost.",
            "Look at your plants every day.",
        ),
    ),
    (
        "writing",
        (
            "Write short sentences.",
            "Read your text aloud.",
            "Cut every word that does nothing.",
            "Think of one reader.",
            "Rewrite the first line at the end.",
        ),
    ),
    (
        "traveling",
        (
            "Take less than you think you need.",
            "Keep a copy of your passport.",
            "Learn a few words of the language.",
            "Ask local people where they eat.",
            "Leave time for surprises.",
        ),
    ),
    (
        "running",
        (
            "Begin slowly.",
            "Buy good shoes.",
            "Run with a friend.",
            "Rest for a day when something hurts.",
            "Drink enough water.",
        ),
    ),
    (
        "public speaking",
        (
            "Know your first sentence by heart.",
            "Speak more slowly than you want to.",
            "Look at friendly faces.",
            "Tell a short story.",
            "Practice in front of a mirror.",
        ),
    ),
    (
        "chess",
        (
            "Bring out all your pieces.",
            "Castle early.",
            "Ask what your opponent wants to do.",
            "Look at the whole board before you move.",
            "Study your lost games.",
        ),
    ),
    (
        "saving energy",
        (
            "Turn off lights that nobody needs.",
            "Wash your clothes with cold water.",
            "Close the windows when the heating is on.",
            "Take short showers.",
            "Unplug old machines.",
        ),
    ),
    (
        "sleeping better",
        (
            "Go to bed at the same time every night.",
            "Keep the bedroom dark.",
            "Do not drink coffee in the evening.",
            "Read a quiet book.",
            "Take a walk during the day.",
        ),
    ),
    (
        "writing prompts",
        (
            "Say clearly what you want.",
            "Give an example.",
            "Name the reader of the text.",
            "Ask for one thing at a time.",
            "Try again with other words.",
        ),
    ),
    (
        "making friends",
        (
            "Listen more than you talk.",
            "Ask questions.",
            "Join a club.",
            "Keep your promises.",
            "Be the first to say hello.",
        ),
    ),
    (
        "photography",
        (
            "Get up early for the soft light.",
            "Move closer.",
            "Keep the background simple.",
            "Take many pictures.",
            "Wait for the right moment.",
        ),
    ),
    (
        "learning an instrument",
        (
            "Practice a little every day.",
            "Play slowly at first.",
            "Record yourself.",
            "Listen to great players.",
            "Choose songs that you love.",
        ),
    ),
)
_COUNTS = {"three": 3, "two": 2, "four": 4, "five": 5}


def tips(chance: random.Random) -> tuple[str, str]:
    """(prompt, answer): a numbered list of as many tips as were asked for."""
    topic, advice = chance.choice(TIPS)
    word = chance.choice(("three", "three", "two", "four", "five"))
    chosen = chance.sample(advice, _COUNTS[word])
    prompt = fill(
        "[Give me|Write|Name|List] {word} tips [for|on|about] {topic}.",
        chance,
        {"word": word, "topic": topic},
    )
    lines = "\n".join(f"{number}. {tip}" for number, tip in enumerate(chosen, 1))
    return prompt, f"Here are {word} tips for {topic}:\n{lines}"


TALK: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("Hello!", "Hi!", "Hello", "Hi", "Good morning!", "Hey there!"),
        (
            "Hello! How can I help you?",
            "Hi! What would you like to know?",
            "Hello! Ask me to write a letter, to tell a story or to explain a word.",
        ),
    ),
    (
        ("Who are you?", "What are you?", "Introduce yourself."),
        (
            "I am a small language model. I was trained on dictionary definitions, letters and little stories, so I know a few things well and most things not at all.",
            "I am a very small language model with a few million parameters. I can write letters, explain words and tell short stories.",
        ),
    ),
    (
        ("How are you?", "How are you today?"),
        (
            "I am a small language model, so I have no feelings, but everything works well. How are you?",
            "All my numbers are in order, thank you. How can I help you?",
        ),
    ),
    (
        ("What can you do?", "How can you help me?", "Help!"),
        (
            "I can write short letters, explain words, tell little stories and give simple instructions. Please check what I say, because I am small and often wrong.",
            "I can continue your text. I am best at letters, definitions and small stories.",
        ),
    ),
    (
        ("Are you human?", "Are you a person?", "Are you alive?"),
        ("No, I am a computer program. I choose one token after another.",),
    ),
    (
        ("Can you think?", "Do you understand me?"),
        (
            "I do not think as people do. I predict which token is likely to come next, and sometimes that looks like thinking.",
        ),
    ),
    (
        ("Thank you!", "Thanks!", "Thank you very much."),
        ("You are welcome!", "You are welcome! Is there anything else?"),
    ),
    (
        ("Goodbye!", "Bye!", "See you later!"),
        ("Goodbye! I hope to see you again soon.", "Bye! Have a nice day."),
    ),
    (
        ("Tell me a joke.", "Do you know a joke?", "Make me laugh."),
        (
            "Why did the token cross the road? It wanted to be part of another sentence.",
            "What does a tokenizer have for breakfast? A word, cut into small pieces.",
            "Why was the vector so sure of itself? It always knew its direction.",
        ),
    ),
    (
        ("What is your name?", "What should I call you?"),
        ("I am a small language model of the Tokenwise bot. You can call me Tiny.",),
    ),
    (
        ("Why are you so small?", "Why are you wrong so often?"),
        (
            "I have only a few million parameters, so that I fit into a small download. Bigger models know much more.",
        ),
    ),
)
_NUMBERS = each(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)


def talk(chance: random.Random) -> tuple[str, str]:
    """(prompt, answer): small talk, or a sum with numbers up to twenty."""
    if chance.random() < 0.6:
        asked, answers = chance.choice(TALK)
        return chance.choice(asked), chance.choice(answers)
    if chance.random() < 0.2:
        name = chance.choice(NAMES)
        return f"My name is {name}.", fill(
            "[Hello|Nice to meet you|Hi], {name}! How can I help you?", chance, {"name": name}
        )
    one, two = sorted((chance.randrange(11), chance.randrange(11)))
    if chance.random() < 0.5:
        return f"What is {_NUMBERS[one]} plus {_NUMBERS[two]}?", capital(
            f"{_NUMBERS[one]} plus {_NUMBERS[two]} is {_NUMBERS[one + two]}."
        )
    return f"What is {_NUMBERS[two]} minus {_NUMBERS[one]}?", capital(
        f"{_NUMBERS[two]} minus {_NUMBERS[one]} is {_NUMBERS[two - one]}."
    )
