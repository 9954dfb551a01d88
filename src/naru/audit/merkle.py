"""The Merkle tree of RFC 6962: hashes, inclusion and consistency proofs, and how a tree grows.

A complete subtree is named by its level (it has 2^level leaves) and its position among those of that level.
Proofs ask for complete subtrees only, so whoever keeps a part of them need not hold every leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree without leaves."""

FindSubtree = Callable[[int, int], bytes]
"""The hash of the complete subtree at (level, position)."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf: 0x00 keeps it from being taken for a node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A tree that can only grow, held as the hashes of its complete subtrees: O(log n) to keep and to append.

    Args:
        size: leaves so far.
        hashes: one for each set bit of `size`, largest subtree first.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError("a tree of this size has another number of complete subtrees")

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf's hash. Returns the inner nodes that it completed, as (level, position, hash)."""
        completed = []
        level, position, hash_ = 0, self.size, leaf
        while position & 1:
            hash_ = node_hash(self.hashes.pop(), hash_)
            level, position = level + 1, position >> 1
            completed.append((level, position, hash_))
        self.hashes.append(hash_)
        self.size += 1
        return completed

    def read_root(self) -> bytes:
        """The root of the tree as it is now."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in self.hashes[-2::-1]:
            root = node_hash(left, root)
        return root


def read_root(start: int, end: int, find: FindSubtree) -> bytes:
    """Root over the leaves start ≤ i < end; `start` is a multiple of a power of two ≥ half their count."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return find(level, start >> level)
    split = start + _split(count)
    return node_hash(read_root(start, split, find), read_root(split, end, find))


def inclusion_proof(index: int, size: int, find: FindSubtree) -> list[bytes]:
    """The path from leaf `index` (from 0) to the root of the first `size` leaves, lowest first."""
    if not 0 <= index < size:
        raise ValueError("there is no such leaf in a tree of this size")
    path = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(read_root(split, end, find))
            end = split
        else:
            path.append(read_root(start, split, find))
            start = split
    return path[::-1]


def consistency_proof(old: int, new: int, find: FindSubtree) -> list[bytes]:
    """Shows that the tree of `old` leaves is the beginning of that of `new`; 0 < old ≤ new."""
    if not 0 < old <= new:
        raise ValueError("the older tree must not be empty nor larger than the newer one")
    path = []
    start, end, is_whole = 0, new, True
    while end != old:
        split = start + _split(end - start)
        if old <= split:
            path.append(read_root(split, end, find))
            end = split
        else:
            path.append(read_root(start, split, find))
            start, is_whole = split, False
    if not is_whole:
        path.append(read_root(start, end, find))
    return path[::-1]


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to, None when its length is wrong (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    node, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` shows that the old tree is the beginning of the new one (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
