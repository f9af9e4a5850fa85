"""The judge's weights as a file of plain arrays."""

from dataclasses import fields
from pathlib import Path
from typing import IO

import numpy as np

from apps.issues.dedup.judge import PairModel
from apps.issues.dedup.line import Line
from apps.issues.dedup.scene import NAMES
from apps.issues.dedup.space import Space
from apps.issues.dedup.trees import Trees

MODEL_FILE = "judge.npz"
_ARRAYS = [field.name for field in fields(Trees) if field.name != "intercept"]


def write_model(path: Path, model: PairModel, version: str) -> None:
    tokens = sorted(model.space.rarity)
    np.savez_compressed(
        path,
        allow_pickle=False,
        version=np.array(version),
        names=np.array(NAMES),
        line_intercept=np.array(model.line.intercept),
        line_weights=model.line.weights,
        line_means=model.line.means,
        intercept=np.array(model.trees.intercept),
        projection=model.space.projection.astype(np.float16),
        echo=model.space.echo.astype(np.float32),
        tokens=np.array("\n".join(tokens)),
        rarity=np.array([model.space.rarity[token] for token in tokens], np.float16),
        rarest=np.array(model.space.rarest),
        **{name: getattr(model.trees, name) for name in _ARRAYS},
    )


def read_model(file: IO[bytes]) -> tuple[PairModel, str]:
    """The model and its version; raises ValueError for one that looks at other numbers."""
    with np.load(file, allow_pickle=False) as stored:
        if tuple(stored["names"].tolist()) != NAMES:
            raise ValueError("the judge's weights are for other features: calibrate_duplicates")
        tokens = str(stored["tokens"]).split("\n")
        space = Space(
            projection=stored["projection"].astype(np.float32),
            echo=stored["echo"],
            rarity=dict(zip(tokens, map(float, stored["rarity"]), strict=True)),
            rarest=float(stored["rarest"]),
        )
        arrays = {name: stored[name] for name in _ARRAYS}
        trees = Trees(intercept=float(stored["intercept"]), **arrays)
        line = Line(float(stored["line_intercept"]), stored["line_weights"], stored["line_means"])
        return PairModel(space, trees, line), str(stored["version"])
