#!/usr/bin/env python3
"""Writes the figures of the model card (models/README.md, between its markers).

    baton evaluate --data models/data --data PUBLIC --base .deps/base-model --json > model.jsonl
    baton evaluate --data models/data --data PUBLIC --json --analyzer words > words.jsonl
    scripts/card.py model.jsonl words.jsonl
"""

import json
import pathlib
import re
import sys

CARD = pathlib.Path(__file__).parent.parent / "models" / "README.md"
HEADS = ("human_request", "frustration", "offensive", "sentiment")
INTENTS = ("complaint", "legal_threat", "safety", "churn_threat", "urgent", "technical_problem", "billing", "thanks")
# Sets that say something about a head; the others have none or only a handful of it.
LEAST_PRESENT = 7


def rows(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]


def number(value, digits=2):
    return "–" if value is None else f"{value:.{digits}f}"


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return out + ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]


def heads(model, words):
    other = {(r["set"], r["head"]): r for r in words if r["of"] == "head" and not r["slice"]}
    order = [*HEADS, *(f"intent {name}" for name in INTENTS)]
    lines = []
    for head in order:
        for r in model:
            if r["of"] != "head" or r["slice"] or r["head"] != head or r["n_present"] < LEAST_PRESENT:
                continue
            if head.startswith("intent") and r["set"] not in ("own/mood", "own/rare"):
                continue
            if not r["set"].startswith(("own", "dev_real/human")) and head not in ("frustration", "sentiment", "offensive"):
                continue
            w = other.get((r["set"], head), {})
            beside = f'{number(w.get("recall") if head == "sentiment" else w.get("f1"))} / {number(w.get("auc"))}'
            lines.append(
                (head, r["set"], f'{r["n"]} ({r["n_present"]})', number(r["precision"]), number(r["recall"]),
                 number(r["f1"]), number(r["auc"]), number(r["calibration_error"]), beside)
            )
    return table(("head", "set", "lines (there)", "precision", "recall", "F1", "AUC", "ECE", "words: F1 / AUC"), lines)


def slices(model, words):
    other = {(r["set"], r["slice"], r["head"]): r for r in words if r["of"] == "head"}
    wanted = {"human_request": ("dev_real/human_request", "own/human_request", "own/requests2", "own/requests3"),
              "frustration": ("own/mood", "own/chat_lines")}
    lines = []
    for head, sets in wanted.items():
        for r in model:
            if r["of"] == "head" and r["slice"] and r["head"] == head and r["set"] in sets and r["n"] >= 5:
                w = other.get((r["set"], r["slice"], head), {})
                lines.append((head, r["set"], r["slice"], r["n"], number(r["accuracy"]), number(w.get("accuracy"))))
    return table(("head", "set", "slice", "lines", "model", "words"), lines)


def reviews(model, words):
    def of(found, name, head):
        return next(r for r in found if r["of"] == "head" and r["set"] == name and r["head"] == head and not r["slice"])

    lines = []
    for name in ("own/reviews", "own/reviews4", "own/posts"):
        for head in ("positive or negative", "sentiment"):
            here, there = of(model, name, head), of(words, name, head)
            lines.append((name, head, here["n"], number(here["accuracy"], 3), number(there["accuracy"], 3), number(here["auc"])))
    return table(("set", "asked for", "lines", "right", "words: right", "AUC"), lines)


def conversations(model, words):
    lines = []
    for name, found in (("model", model), ("words", words)):
        for r in found:
            if r["of"] == "conversations":
                lines.append((r["set"], name, r["n"], f'{r["n_frustrated"]} / {r["n_calm"]}', number(r["auc"]),
                              f'{r["n_caught"]} of {r["n_due"]}', number(r["median_late"], 1),
                              f'{r["n_needless"]} ({r["n_needless_by_word"]})'))
    head = ("set", "by", "all", "frustrated / calm", "AUC", "caught", "median messages late", "needless (of these by their own words)")
    return table(head, lines)


def disturbances(model):
    found = [r for r in model if r["of"] == "disturbance"]
    sets = sorted({r["set"] for r in found})
    kinds = list(dict.fromkeys(r["disturbance"] for r in found))
    lost = {(r["set"], r["disturbance"]): r["points_lost"] for r in found}
    return table(("disturbed by", *sets), [(kind, *(number(lost[s, kind], 1) for s in sets)) for kind in kinds])


def sameness(model):
    found = [r for r in model if r["of"] == "sameness"]
    lines = []
    for kind in ("name", "dialect"):
        for head in ("human_request", "frustration", "offensive", "negative"):
            of = [r for r in found if r["set"] == kind and r["head"] == head]
            if not of:
                continue
            whole = next(r for r in of if r["group"] == "all")
            worst = max((r for r in of if r["group"] != "all"), key=lambda r: abs(r["mean"]))
            lines.append((kind, head, whole["n"], f'{whole["mean"]:+.3f}', number(whole["mean_size"], 3),
                          f'{100 * whole["flipped"]:.1f} %', f'{worst["mean"]:+.3f} ({worst["group"].replace("_", " ")})'))
    return table(("another", "head", "pairs", "mean difference", "mean size", "other side of 0.5", "most moved group"), lines)


def similarity(model):
    found = [r for r in model if r["of"] == "similarity"]
    lines = [(r["set"], r["n"], r["n_subjects"], number(r["right"]), number(r["base_right"]), number(r["to_base"])) for r in found]
    return table(("set", "questions", "subjects", "nearest right", "by the base", "cosine to the base"), lines)


def main():
    model, words = map(rows, sys.argv[1:3])
    parts = {
        "heads": heads(model, words),
        "slices": slices(model, words),
        "reviews": reviews(model, words),
        "conversations": conversations(model, words),
        "disturbances": disturbances(model),
        "sameness": sameness(model),
        "similarity": similarity(model),
    }
    card = CARD.read_text(encoding="utf-8")
    for name, lines in parts.items():
        text = f"<!-- {name} -->\n" + "\n".join(lines) + f"\n<!-- /{name} -->"
        card, n = re.subn(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _: text, card, flags=re.S)
        if n != 1:
            sys.exit(f"models/README.md has no single part {name}")
    CARD.write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
