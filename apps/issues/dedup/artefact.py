"""The judge's weights as a file of plain arrays."""

from pathlib import Path
from typing import IO

import numpy as np

from apps.issues.dedup.judge import PairModel
from apps.issues.dedup.scene import NAMES
from apps.issues.dedup.space import Space
from apps.issues.dedup.texts import Texts
from tasktracker.lib.trees import Trees

MODEL_FILE = "judge.npz"
_TALK, _SAME, _OTHER = "talk", "same_language", "other_language"


def write_model(path: Path, model: PairModel, version: str) -> None:
    tokens = sorted(model.space.rarity)
    np.savez_compressed(
        path,
        allow_pickle=False,
        version=np.array(version),
        names=np.array(NAMES),
        projection=model.space.projection.astype(np.float16),
        echo=model.space.echo.astype(np.float32),
        tokens=np.array("\n".join(tokens)),
        rarity=np.array([model.space.rarity[token] for token in tokens], np.float16),
        rarest=np.array(model.space.rarest),
        **model.trees.arrays(_TALK),
        **model.texts.same_language.arrays(_SAME),
        **model.texts.other_language.arrays(_OTHER),
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
        texts = Texts(Trees.from_arrays(_SAME, stored), Trees.from_arrays(_OTHER, stored))
        return PairModel(space, Trees.from_arrays(_TALK, stored), texts), str(stored["version"])
