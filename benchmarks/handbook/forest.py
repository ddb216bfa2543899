"""Train the handbook's random forest on features that waited, and print what the wait costs.

Needs scikit-learn, which the course does not install: `benchmarks/handbook/run.sh` makes an
environment of its own for it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

Numbers: TypeAlias = np.ndarray[Any, np.dtype[Any]]

TRAIN, TEST = range(115, 122), range(129, 136)
"""2018-07-25 to 31, and 2018-08-08 to 14, as days since 2018-04-01."""

SEEDS = 5
"""Forests of the smallest bound: what differs between them alone is no effect of a wait."""


def main(folder: Path) -> None:
    """Read what `features.py` has written, and print a line of JSON for each bound and seed."""
    base = np.load(folder / "payments.npz")
    day, customer, fraud = base["day"], base["customer"], base["fraud"]
    train = np.isin(day, TRAIN)
    test = np.zeros_like(train)
    known = set(customer[train & (fraud > 0)].tolist())
    for number, today in enumerate(TEST):
        seen = (day >= TRAIN[0] + 6) & (day <= TRAIN[0] + 6 + number) & (fraud > 0)
        gone = known | set(customer[seen].tolist())
        test |= (day == today) & ~np.isin(customer, list(gone))
    bounds = sorted(int(path.stem[6:]) for path in folder.glob("bound_*.npy"))
    spread = [(bounds[0], seed) for seed in range(1, SEEDS)]
    for bound, seed in [*((bound, 0) for bound in bounds), *spread]:
        rows = np.load(folder / f"bound_{bound}.npy")
        scaled = (rows - rows[train].mean(0)) / rows[train].std(0)
        forest = RandomForestClassifier(random_state=seed, n_jobs=2)
        forest.fit(scaled[train], fraud[train])
        score = forest.predict_proba(scaled[test])[:, 1]
        found = {
            "bound_seconds": bound,
            "seed": seed,
            "train": int(train.sum()),
            "test": int(test.sum()),
            "frauds": int(fraud[test].sum()),
            "auc": round(float(roc_auc_score(fraud[test], score)), 4),
            "ap": round(float(average_precision_score(fraud[test], score)), 4),
            "cp_100": round(card_precision(day[test], customer[test], fraud[test], score), 4),
            "scikit_learn": sklearn.__version__,
        }
        print(json.dumps(found), flush=True)


def card_precision(
    day: Numbers, customer: Numbers, fraud: Numbers, score: Numbers, top: int = 100
) -> float:
    """Return the mean share of compromised cards among the 100 with the highest score of a day."""
    shares, found = [], set()
    for today in sorted(set(day.tolist())):
        cards: dict[int, tuple[float, int]] = {}
        for card, bad, points in zip(
            customer[day == today].tolist(), fraud[day == today].tolist(),
            score[day == today].tolist(), strict=True,
        ):  # fmt: skip
            if card not in found:
                before = cards.get(card, (0.0, 0))
                cards[card] = (max(points, before[0]), max(bad, before[1]))
        best = sorted(cards, key=lambda card: -cards[card][0])[:top]
        hits = [card for card in best if cards[card][1]]
        found |= set(hits)
        shares.append(len(hits) / top)
    return sum(shares) / len(shares)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
