"""The tree is RFC 6962's: known vectors, and its definition against every proof of small trees."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.audit.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    read_root,
    root_from_inclusion,
)

# The leaves and figures that implementations of Certificate Transparency are tested with.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, written as it stands there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


def finder(leaves: list[bytes]):
    return lambda level, position: defined_root(leaves[position << level : (position + 1) << level])


def test_the_known_roots():
    """Grown leaf by leaf, the tree has the published root at every size."""
    tree = CompactRange()
    assert tree.read_root() == EMPTY_ROOT == sha256(b"").digest()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree.append(leaf_hash(leaf))
        assert tree.read_root().hex() == root


@pytest.mark.parametrize(("at", "path"), INCLUSION.items(), ids=str)
def test_the_known_inclusion_proofs(at, path):
    index, size = at
    found = inclusion_proof(index, size, finder(LEAVES))
    assert [step.hex() for step in found] == path
    assert root_from_inclusion(index, size, leaf_hash(LEAVES[index]), found).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("at", "path"), CONSISTENCY.items(), ids=str)
def test_the_known_consistency_proofs(at, path):
    old, new = at
    found = consistency_proof(old, new, finder(LEAVES))
    assert [step.hex() for step in found] == path
    assert is_consistent(old, new, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1]), found)


def test_every_proof_of_every_small_tree_holds():
    """Each leaf and each older size of trees up to 70 leaves, past one kept block."""
    leaves = [bytes([n]) for n in range(70)]
    roots = [defined_root(leaves[:n]) for n in range(71)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    cache: dict[tuple[int, int], bytes] = {}
    find = finder(leaves)

    def cached(level, position):
        if (level, position) not in cache:
            cache[level, position] = find(level, position)
        return cache[level, position]

    for size in range(1, 71):
        assert read_root(0, size, cached) == roots[size]
        for index in range(size):
            path = inclusion_proof(index, size, cached)
            assert root_from_inclusion(index, size, hashes[index], path) == roots[size]
        for old in range(1, size + 1):
            path = consistency_proof(old, size, cached)
            assert is_consistent(old, size, roots[old], roots[size], path)


@given(st.integers(1, 40), st.data())
def test_a_proof_with_any_change_does_not_hold(size, data):
    """Another leaf, index, size, or one byte, one step more or less of the path."""
    leaves = [bytes([n]) for n in range(size)]
    root = defined_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index, size, finder(leaves))
    leaf = leaf_hash(leaves[index])
    assert root_from_inclusion(index, size, leaf_hash(b"other"), path) != root
    assert root_from_inclusion(index, size, leaf, [*path, leaf]) != root
    if path:
        assert root_from_inclusion(index, size, leaf, path[:-1]) != root
        step, byte = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 31))
        changed = bytearray(path[step])
        changed[byte] ^= 1 << data.draw(st.integers(0, 7))
        assert (
            root_from_inclusion(index, size, leaf, [*path[:step], bytes(changed), *path[step + 1 :]]) != root
        )
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        assert root_from_inclusion(other, size, leaf, path) != root


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_consistency_proof_of_another_past_does_not_hold(old, more, data):
    """A tree whose beginning was rewritten cannot be shown to carry on the old one."""
    new = old + more
    leaves = [bytes([n]) for n in range(new)]
    changed = data.draw(st.integers(0, old - 1))
    forged = [*leaves[:changed], b"forged", *leaves[changed + 1 :]]
    path = consistency_proof(old, new, finder(forged))
    assert not is_consistent(old, new, defined_root(leaves[:old]), defined_root(forged), path)


@given(st.lists(st.binary(max_size=4), max_size=130), st.integers(0, 130))
def test_a_tree_that_was_put_away_grows_on(leaves, cut):
    """Size and hashes are all there is to keep; and the nodes it reports are those of the definition."""
    tree = CompactRange()
    for leaf in leaves[:cut]:
        tree.append(leaf_hash(leaf))
    tree = CompactRange(tree.size, tree.hashes)
    for leaf in leaves[cut:]:
        for level, position, hash_ in tree.append(leaf_hash(leaf)):
            assert hash_ == defined_root(leaves[position << level : (position + 1) << level])
    assert tree.read_root() == defined_root(leaves)
