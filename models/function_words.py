"""English function words: articles, pronouns, prepositions and the like."""

from __future__ import annotations

FUNCTION_WORDS = frozenset([
    "a", "an", "the", "this", "that", "these", "those", "some", "any", "no", "every", "each", "all", "both",
    "either", "neither", "another", "such",
    "i", "me", "my", "mine", "myself", "you", "your", "yours", "yourself", "he", "him", "his", "himself", "she",
    "her", "hers", "herself", "it", "its", "itself",
    "we", "us", "our", "ours", "ourselves", "they", "them", "their", "theirs", "themselves", "who", "whom",
    "whose", "which", "what",
    "and", "or", "but", "nor", "so", "yet", "if", "because", "although", "though", "while", "unless", "until",
    "since", "as", "than", "whether",
    "of", "in", "on", "at", "by", "for", "with", "about", "against", "between", "into", "through", "during",
    "before", "after", "above", "below", "to", "from", "up", "down",
    "out", "off", "over", "under", "again", "further", "upon", "within", "without", "along", "across", "behind",
    "beyond", "near", "toward", "towards",
    "am", "is", "are", "was", "were", "be", "been", "being", "have", "has", "had", "having", "do", "does", "did",
    "doing",
    "will", "would", "shall", "should", "can", "could", "may", "might", "must",
    "not", "only", "too", "very", "also", "just", "then", "there", "here", "when", "where", "why", "how",
])  # fmt: skip


def is_function_word(word: str) -> bool:
    """Whether a word is a function word; punctuation counts as one."""
    return word.casefold() in FUNCTION_WORDS or not any(character.isalnum() for character in word)
