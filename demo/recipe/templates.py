"""Templates with slots and alternatives, and how they are filled.

`[one|two|]` is one of the alternatives, an empty one included; brackets nest. `{name}` is a slot, `{a name}` the
slot behind the right article, `{^name}` the slot with a capital, `{^a name}` both.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from demo.recipe.grammar import capital, with_article

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\^?)(a )?(\w+)\}")


def fill(template: str, chance: random.Random, slots: Mapping[str, str] | None = None) -> str:
    """The template with one alternative of each choice and every slot filled; KeyError names a missing slot."""
    values = slots or {}
    while "[" in template:
        template = _CHOICE.sub(lambda choice: chance.choice(choice[1].split("|")), template)

    def value(slot: re.Match[str]) -> str:
        text = values[slot[3]]
        text = with_article(text) if slot[2] else text
        return capital(text) if slot[1] else text

    return _SLOT.sub(value, template)


def each(words: str) -> tuple[str, ...]:
    """The words of a text, for lists that read better as prose."""
    return tuple(words.split())


NAMES = each(
    """
    Aaron Abby Abigail Ada Adam Adrian Ahmed Aisha Akira Alan Albert Alex Alexander Alice Alicia Alina Amanda Amara Amelia Amir
    Amy Ana Andrea Andrew Angela Anita Anna Anne Anthony Antonio Arjun Arthur Asha Astrid Audrey Barbara Beatrice Ben Benjamin
    Bernard Beth Bianca Bill Bob Boris Brenda Brian Bridget Bruno Camila Carl Carla Carlos Carmen Caroline Cathy Cecilia Charles
    Charlie Charlotte Chen Chloe Chris Christina Claire Clara Claudia Colin Connor Cynthia Daisy Dan Daniel Daniela David Deborah
    Denise Dennis Diana Diego Dmitri Dominic Donald Donna Dora Doris Dorothy Edith Edward Elena Eli Elias Elise Elizabeth Ella
    Ellen Emil Emily Emma Eric Erika Erin Esther Ethan Eva Evan Eve Evelyn Fatima Felix Fiona Florence Frances Francis Frank Fred
    Freya Gabriel Gabriela Gary Gavin George Gina Giulia Glenn Gloria Grace Graham Greta Gustav Hana Hannah Harold Harriet Harry
    Hassan Heather Hector Heidi Helen Henry Hiro Holly Hugo Ian Ibrahim Ida Igor Ines Ingrid Irene Iris Isaac Isabel Ivan Ivy Jack
    Jackie Jacob Jade James Jamie Jan Jane Janet Jasmine Jason Javier Jean Jenna Jennifer Jenny Jessica Jill Jim Joan Joanna Joe
    Joel Johan John Jonas Jonathan Jorge Joseph Josh Joyce Juan Judith Julia Julian Julie June Karen Karim Karl Kate Katherine
    Kathy Katie Keiko Keith Kelly Ken Kenji Kevin Kim Kiran Kirsten Kurt Lara Larry Lars Laura Lauren Lea Lee Lena Leo Leon Leonard
    Leila Lily Linda Lisa Liz Lola Louis Louise Lucas Lucia Lucy Luis Luke Lydia Mabel Maggie Malik Marco Marcus Margaret Maria
    Marie Marion Mark Marta Martha Martin Mary Mateo Matt Matthew Maurice Max Maya Mei Melanie Mia Michael Michelle Miguel Mike
    Mila Miriam Mohammed Molly Monica Nadia Nancy Naomi Natalie Natasha Nathan Neil Nick Nicole Nina Noah Nora Norman Olga Oliver
    Olivia Omar Oscar Otto Owen Pablo Pamela Patricia Patrick Paul Paula Pedro Penny Peter Philip Phoebe Pierre Priya Rachel Rafael
    Raj Ralph Ravi Ray Rebecca Richard Rita Robert Robin Rosa Rose Rosie Roy Ruby Rudolf Russell Ruth Ryan Sally Sam Samantha Samir
    Samuel Sandra Sanjay Sara Sarah Scott Sean Sergei Shannon Sharon Sheila Simon Sofia Sonia Sophie Stan Stella Stephanie Stephen
    Steve Stuart Sue Susan Sven Sylvia Tamara Tanya Tara Ted Teresa Terry Theo Theresa Thomas Tim Tina Toby Tom Tony Tracy Ursula
    Valerie Vanessa Vera Veronica Victor Victoria Vincent Viola Virginia Walter Wanda Wendy Will William Xavier Yara Yasmin Yuki
    Yusuf Yvonne Zara Zoe
    """
)
