"""Checks without a database that an entry is in a signed checkpoint. docs/audit.md has it in 30 lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from naru.audit.merkle import leaf_hash, root_from_inclusion
from naru.audit.note import PublicKey, find_signer, read_note
from naru.kernel.errors import BadRequest


def check_proof(proof: Mapping[str, Any], key: PublicKey) -> str:
    """Returns why a proof does not hold, "" when it does.

    Args:
        proof: as `naru audit proof` prints it.
        key: the log's public key, from somewhere other than the proof.
    """
    try:
        note, seq, data = proof["checkpoint"], proof["seq"], proof["entry"].encode()
        path = [bytes.fromhex(step) for step in proof["path"]]
        said = read_note(note)
    except (KeyError, TypeError, ValueError, AttributeError, BadRequest):
        return "this is no proof of an audit log's entry"
    if find_signer(note, [key]) is None or said.origin != key.name:
        return "the checkpoint was not signed with this key, or it was altered"
    if type(seq) is not int or f'"seq":{seq},' not in proof["entry"]:
        return "the entry has another number"
    if root_from_inclusion(seq - 1, said.size, leaf_hash(data), path) != said.root:
        return "the entry is not in this checkpoint"
    return ""
