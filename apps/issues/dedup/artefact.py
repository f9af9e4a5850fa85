"""The judge's weights as a file of plain arrays."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.judge import PairModel
from apps.issues.dedup.scene import NAMES
from apps.issues.dedup.space import Space
from apps.issues.dedup.texts import Texts
from apps.issues.dedup.trees import Trees

MODEL_FILE = "judge.npz"
_ARRAYS = [field.name for field in fields(Trees) if field.name != "intercept"]
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
        **_arrays(_TALK, model.trees),
        **_arrays(_SAME, model.texts.same_language),
        **_arrays(_OTHER, model.texts.other_language),
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
        texts = Texts(_trees(_SAME, stored), _trees(_OTHER, stored))
        return PairModel(space, _trees(_TALK, stored), texts), str(stored["version"])


def _arrays(part: str, trees: Trees) -> dict[str, npt.NDArray[Any]]:
    arrays = {f"{part}_{name}": getattr(trees, name) for name in _ARRAYS}
    return {f"{part}_intercept": np.array(trees.intercept), **arrays}


def _trees(part: str, stored: Mapping[str, npt.NDArray[Any]]) -> Trees:
    arrays = {name: stored[f"{part}_{name}"] for name in _ARRAYS}
    return Trees(intercept=float(stored[f"{part}_intercept"]), **arrays)
