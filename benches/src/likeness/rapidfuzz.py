"""Times Python's rapidfuzz on the pairs of a file; prints JSON: version, and nanoseconds and scores
by algorithm."""

import json
import sys
import time

import rapidfuzz
from rapidfuzz import distance, fuzz

SECONDS = 0.05

SCORERS = {
    "levenshtein": distance.Levenshtein.normalized_similarity,
    "osa": distance.OSA.normalized_similarity,
    "damerau_levenshtein": distance.DamerauLevenshtein.normalized_similarity,
    "indel": distance.Indel.normalized_similarity,
    "lcs_seq": distance.LCSseq.normalized_similarity,
    "hamming": distance.Hamming.normalized_similarity,
    "jaro": distance.Jaro.normalized_similarity,
    "jaro_winkler": distance.JaroWinkler.normalized_similarity,
    "partial_ratio": fuzz.partial_ratio,
    "token_sort_ratio": fuzz.token_sort_ratio,
    "token_set_ratio": fuzz.token_set_ratio,
}


def timed(scorer, pairs):
    """Nanoseconds of a pair."""
    rounds, spent = 0, 0
    while spent < SECONDS * 1e9:
        before = time.perf_counter_ns()
        for a, b in pairs:
            scorer(a, b)
        spent += time.perf_counter_ns() - before
        rounds += 1
    return spent / rounds / len(pairs)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        sets = json.load(file)
    found = {}
    for name, scorer in SCORERS.items():
        share = 100 if "ratio" in name else 1
        found[name] = [
            {
                "nanoseconds": timed(scorer, pairs),
                "scores": [scorer(a, b) / share for a, b in pairs],
            }
            for pairs in sets
        ]
    json.dump({"version": rapidfuzz.__version__, "found": found}, sys.stdout)


main()
