#!/usr/bin/env python3
"""How well intents of a site's own are found: the tables of docs/own-intents.md.

    scripts/own_intents.py PUBLIC [path/to/baton]

PUBLIC is the folder of the public sets (models/README.md names them). Of each set five
intents are drawn at a time, from those with enough lines, with eight examples each,
nine times, and for the bots in use with twenty, too; they are looked for in lines of the set that are no examples and, but for
the bots in use, in messages to support that have none of them. A line that has an
intent counts once, for that intent; every line counts as absent for the others. The
draws of a set are put together. Precision is at one message in twenty having the
intent, and for the bots in use at the share that it has. Seeded.
"""

import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent
DRAWS = 9
INTENTS = 5
# An intent with fewer lines beside its examples says little.
LEAST_LINES = 8
# What has no intent, in the sets that have lines for it.
NONE = {"oos", "NO_NODES_DETECTED", ""}


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def of_public(public):
    """Name, lines to take examples from, lines to look in, messages that have none (or nothing), examples an intent."""
    intent = public / "intent"
    support = [r["text"] for r in rows(intent / "multidogo.dev.jsonl")]
    for path in sorted((ROOT / "models" / "data").glob("*/dev.jsonl")):
        support += [r["text"] for r in rows(path) if "text" in r]
    support = sorted(random.Random(0).sample(support, min(len(support), 4200)))
    yield "CLINC150, many trades", rows(intent / "clinc150.train.jsonl"), rows(intent / "clinc150.dev.jsonl"), support, 8
    for name, file in (("BANKING77, one trade", "banking77"), ("HWU64, a home assistant", "hwu64")):
        lines = rows(intent / f"{file}.train.jsonl")
        random.Random(0).shuffle(lines)
        part = len(lines) // 6
        yield name, lines[part:], lines[:part], support, 8
    bots = collections.defaultdict(list)
    for row in rows(public / "dev_real" / "hint3_intents.dev.jsonl"):
        bots[row["bot"]].append(row)
    for bot, lines in sorted(bots.items()):
        train = [r for r in lines if r["split"] == "train"]
        test = [r for r in lines if r["split"] != "train"]
        for n_examples in (8, 20):
            yield f"HINT3 {bot}, {n_examples} examples", train, test, None, n_examples


def plain(text):
    return re.sub(r"\W+", " ", text.lower()).strip()


def drawn(train, test, n_examples, chance):
    """Five intents with examples; a text stands once, in one intent."""
    by_label, seen = collections.defaultdict(list), set()
    for row in train:
        if row["label"] not in NONE and 2 <= len(row["text"]) <= 300 and plain(row["text"]) not in seen:
            seen.add(plain(row["text"]))
            by_label[row["label"]].append(row["text"])
    n_lines = collections.Counter(row["label"] for row in test)
    usable = [label for label, texts in sorted(by_label.items())
              if len(texts) >= n_examples and n_lines[label] >= LEAST_LINES]
    for label in chance.sample(usable, min(INTENTS, len(usable))):
        yield label, chance.sample(sorted(by_label[label]), n_examples)


def toml(intents):
    return "".join(
        f"[[intents]]\nname = {json.dumps(name)}\nexamples = {json.dumps(examples, ensure_ascii=False)}\n"
        for name, examples in intents.items()
    )


def looked_for(baton, analyzer, intents, texts):
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as policy:
        policy.write(toml(intents))
        policy.flush()
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        found = subprocess.run([baton, "analyze", "--policy", policy.name, *analyzer], input=lines, text=True,
                               capture_output=True, check=False, cwd=ROOT, encoding="utf-8")
    if found.returncode:
        sys.exit(found.stderr)
    return [json.loads(line)["analysis"].get("own_intents", {}) for line in found.stdout.splitlines()]


def auc(known):
    known = sorted(known)
    ranks, at, n_present = 0.0, 0, sum(present for _, present in known)
    while at < len(known):
        end = at
        while end < len(known) and known[end][0] == known[at][0]:
            end += 1
        ranks += (at + end + 1) / 2 * sum(present for _, present in known[at:end])
        at = end
    return (ranks - n_present * (n_present + 1) / 2) / (n_present * (len(known) - n_present))


def main():
    public = pathlib.Path(sys.argv[1])
    baton = str(pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "target/release/baton").resolve())
    print("| by | set | in 100 | AUC | recall, false alarms, precision at 0.5 | at 0.7 | at 0.9 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, train, test, support, n_examples in of_public(public):
        chance = random.Random(1)
        known = {"vector": [], "words": []}
        for _ in range(DRAWS):
            draw = list(drawn(train, test, n_examples, chance))
            examples = {plain(text) for _, texts in draw for text in texts}
            # Names must be lower case words, and other ones than Baton's own.
            intents = {f"own_{at}": texts for at, (_, texts) in enumerate(draw)}
            labels = {label: f"own_{at}" for at, (label, _) in enumerate(draw)}
            lines = [r for r in test if plain(r["text"]) not in examples]
            texts = [r["text"] for r in lines] + (support or [])
            meant = [labels.get(r["label"]) for r in lines] + [None] * len(support or [])
            for by, analyzer in (("vector", []), ("words", ["--analyzer", "words"])):
                found = looked_for(baton, analyzer, intents, texts)
                known[by] += [(own.get(intent, 0.0), label == intent)
                              for own, label in zip(found, meant, strict=True) for intent in intents]
        for by, pairs in known.items():
            present = [value for value, is_there in pairs if is_there]
            absent = [value for value, is_there in pairs if not is_there]
            share = len(present) / len(pairs)
            cells = []
            for line in (0.5, 0.7, 0.9):
                recall = sum(value >= line for value in present) / len(present)
                false = sum(value >= line for value in absent) / len(absent)
                base = share if support is None else 0.05
                right = base * recall
                precision = right / (right + (1 - base) * false) if right else 0.0
                cells.append(f"{recall:.2f}, {100 * false:.1f} %, {precision:.2f}")
            print(f"| {by} | {name} | {100 * share:.1f} | {auc(pairs):.2f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
