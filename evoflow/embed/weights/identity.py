"""One name for the values of all weights: what two runs compare to know that they are the same."""

from collections.abc import Iterable
from hashlib import blake2b

import xxhash


def tensor_digest(content: memoryview | bytes) -> str:
    """Hash the bytes of one tensor, at the speed of memory."""
    return xxhash.xxh3_128_hexdigest(content)


def weights_identity(tensors: Iterable[tuple[str, str, tuple[int, ...], str]]) -> str:
    """Name a set of tensors.

    Parameters
    ----------
    tensors
        Name, type as safetensors has it, shape, and `tensor_digest` of each, in any order. How
        they are divided among files makes no difference.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = blake2b(digest_size=16)
    for name, dtype, shape, content in sorted(tensors):
        digest.update(f"{name} {dtype} {list(shape)} {content}\n".encode())
    return digest.hexdigest()
