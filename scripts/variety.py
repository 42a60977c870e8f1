#!/usr/bin/env python3
"""How varied the written text is, and whether anything of it stands in a dev part, too.

    scripts/variety.py [models/data]

For every set: lines, words, distinct 1-, 2- and 3-grams as a share of all, the most
common opening of three words, and the share of lines with a near neighbor in the same
set. Then the leaks: lines of a dev part that are, or nearly are, a training line.
Near is a Jaccard likeness of character trigrams of at least 0.7. Exit 1 on a leak of
more than three words.
"""

import collections
import json
import pathlib
import re
import sys

NEAR = 0.7


def lines_of(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        row = json.loads(line)
        if "turns" in row:
            yield from (t["text"] for t in row["turns"] if isinstance(t, dict) and t.get("speaker") == "visitor")
        elif "text" in row and len(row) > 1:
            yield row["text"]


def plain(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def trigrams(text):
    padded = f"  {text} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


class Neighbors:
    """Finds near lines by their rarest trigrams, so that few have to be compared."""

    def __init__(self, texts):
        self.texts = texts
        self.grams = [trigrams(t) for t in texts]
        self.count = collections.Counter(g for grams in self.grams for g in grams)
        self.by_gram = collections.defaultdict(list)
        for at, grams in enumerate(self.grams):
            for gram in self.rare(grams):
                self.by_gram[gram].append(at)

    def rare(self, grams):
        # Two sets with a likeness of 0.7 share one of the rarest 30 % and a bit of either.
        return sorted(grams, key=lambda g: (self.count[g], g))[: len(grams) * 3 // 10 + 2]

    def near(self, text, but=None):
        grams = trigrams(text)
        tried = {at for gram in self.rare(grams) for at in self.by_gram.get(gram, ())}
        for at in tried - {but}:
            if len(grams & self.grams[at]) >= NEAR * len(grams | self.grams[at]):
                return self.texts[at]
        return None


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "models/data")
    train, dev = collections.OrderedDict(), collections.OrderedDict()
    for path in sorted(root.glob("*/*.jsonl")):
        if path.parent.name == "sameness":
            continue
        (dev if path.name == "dev.jsonl" else train).setdefault(path.parent.name, []).extend(lines_of(path))
    print(f"{'set':<20}{'lines':>7}{'words':>8}{'1-grams':>9}{'2-grams':>9}{'3-grams':>9}{'near':>7}  most common opening")
    for name, texts in [*train.items(), *((f"{n} (dev)", t) for n, t in dev.items())]:
        words = [plain(t).split() for t in texts]
        shares = []
        for n in (1, 2, 3):
            grams = [tuple(w[i : i + n]) for w in words for i in range(len(w) - n + 1)]
            shares.append(len(set(grams)) / max(1, len(grams)))
        opening, times = collections.Counter(" ".join(w[:3]) for w in words if len(w) > 3).most_common(1)[0]
        plains = [" ".join(w) for w in words]
        index = Neighbors(plains)
        n_near = sum(len(p.split()) > 3 and index.near(p, at) is not None for at, p in enumerate(plains))
        print(f"{name:<20}{len(texts):>7}{sum(map(len, words)):>8}" + "".join(f"{s:>9.2f}" for s in shares)
              + f"{n_near / len(texts):>7.1%}  {opening} ({times})")
    index = Neighbors(sorted({plain(t) for texts in train.values() for t in texts}))
    leaks = 0
    print("\ndev lines near a training line:")
    for name, texts in dev.items():
        found = [(t, near) for t in texts if (near := index.near(plain(t)))]
        long = [(t, near) for t, near in found if len(plain(t).split()) > 3]
        leaks += len(long)
        print(f"  {name:<18}{len(found):>4} of {len(texts)}, {len(long)} of more than three words")
        for text, near in long:
            print(f"      {text!r} ~ {near!r}")
    return 1 if leaks else 0


if __name__ == "__main__":
    sys.exit(main())
