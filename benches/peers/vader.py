#!/usr/bin/env python3
"""A peer for `make bench`: VADER, the word list with rules that many begin with.

  vader.py < TEXTS

Prints one JSON object.
"""
import json, sys, time
from importlib.metadata import version

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

texts = sys.stdin.read().splitlines()
analyzer = SentimentIntensityAnalyzer()
for text in texts[:40]:
    analyzer.polarity_scores(text)
spans = []
for text in texts:
    begun = time.perf_counter()
    analyzer.polarity_scores(text)
    spans.append((time.perf_counter() - begun) * 1000)
rate = len(spans) / (sum(spans) / 1000)
spans.sort()
print(json.dumps({
    "single_p50_ms": spans[round((len(spans) - 1) * 0.5)], "single_p99_ms": spans[round((len(spans) - 1) * 0.99)],
    "batch_per_s": rate, "version": version("vaderSentiment")}))
