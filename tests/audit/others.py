"""Checks an exported log with the package aics-tlog, and has gapvault-audit check a log that it made.

    python others.py EVIDENCE LOG-KEY WITNESS-KEY AUDITOR-PROGRAM WORK
"""

import pathlib
import subprocess
import sys

from aics_tlog import (
    Checkpoint,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    sign_checkpoint,
    verify_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from aics_tlog.hashing import leaf_hash
from aics_tlog.note import format_vkey, vkey_from_ed25519
from aics_tlog.tiles import (
    FileSystemTileReader,
    consistency_proof_from_tiles,
    inclusion_proof_from_tiles,
    parse_entry_bundle,
    write_tiles,
)
from aics_tlog.tree import MerkleTree
from aics_tlog.verified import audit_tiles
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
import base64

evidence, log_key, witness_key, auditor, work = sys.argv[1:]
log = pathlib.Path(evidence) / "log" / "1"
work = pathlib.Path(work)


def framed(name):
    """Notes, each behind its length in two bytes."""
    data, out = (log / name).read_bytes(), []
    while data:
        size = int.from_bytes(data[:2], "big")
        out.append(data[2 : 2 + size])
        data = data[2 + size :]
    return out


def ours():
    # Where the log's key was replaced, the newest comes last.
    keys, witness = [parse_vkey(each) for each in log_key.split(",")], parse_vkey(witness_key)
    key = keys[-1]
    note = parse_note((log / "checkpoint").read_bytes())
    result = verify_checkpoint(note, key, [witness], 1)
    assert result.ok and result.log_ok and result.witnesses, result
    tree = parse_checkpoint(note.text)
    reader = FileSystemTileReader(log)
    report = audit_tiles(reader, tree.size, tree.root)
    assert report.size == tree.size and report.bundles == -(-tree.size // 256)
    # Every entry is in the tree, by a proof made from the tiles.
    for bundle in range(report.bundles):
        width = min(256, tree.size - bundle * 256)
        entries = parse_entry_bundle(reader.read_entry_bundle(bundle, None if width == 256 else width))
        for offset, entry in enumerate(entries):
            index = bundle * 256 + offset
            proof = inclusion_proof_from_tiles(reader, index, tree.size)
            assert verify_inclusion(leaf_hash(entry), index, tree.size, proof, tree.root), index
    # It grew from every older checkpoint.
    older = framed("checkpoints")
    for note in map(parse_note, older):
        assert any(verify_checkpoint(note, each).log_ok for each in keys)
        old = parse_checkpoint(note.text)
        if 0 < old.size:
            proof = consistency_proof_from_tiles(reader, old.size, tree.size)
            assert verify_consistency(old.size, tree.size, old.root, tree.root, proof), old.size
    print(f"aics-tlog: {tree.size} entries, {len(older)} checkpoints and a witness are in order")


def theirs():
    name = "example.org/a-log-by-others"
    secret = Ed25519PrivateKey.generate()
    # The same entries in a tree of their making: a proof is of one of our entries, whoever proves it.
    reader, size = FileSystemTileReader(log), parse_checkpoint(parse_note((log / "checkpoint").read_bytes()).text).size
    width = [min(256, size - first) for first in range(0, size, 256)]
    bundles = [reader.read_entry_bundle(at, None if own == 256 else own) for at, own in enumerate(width)]
    entries = [entry for bundle in bundles for entry in parse_entry_bundle(bundle)]
    write_tiles(entries, work / "theirs")
    tree = MerkleTree(entries)
    head = Checkpoint(name, tree.size, tree.root())
    note = sign_checkpoint(head, secret, name).serialise()
    vkey = format_vkey(vkey_from_ed25519(name, secret.public_key().public_bytes_raw()))

    def check(index, hashes, expected):
        # c2sp.org/tlog-proof
        lines = [f"index {index}"] + [base64.b64encode(each).decode() for each in hashes]
        text = "c2sp.org/tlog-proof@v1\n" + "\n".join(lines) + "\n\n" + note
        (work / "theirs.tlog-proof").write_text(text)
        (work / "theirs.entry").write_bytes(entries[index])
        call = [auditor, "--json", "check-proof", "theirs.tlog-proof", "--entry", "theirs.entry", "--log", vkey]
        got = subprocess.run(call, cwd=work, capture_output=True)
        assert got.returncode == expected, (index, got)

    for index in (0, 1, 255, 256, size - 1):
        proof = tree.inclusion_proof(index)
        check(index, proof, 0)
        check(index, proof[:-1], 6)
    # Two checkpoints alone: of one size they are one history or two; of two sizes nobody can say without the log.
    (work / "new.txt").write_text(note)
    call = [auditor, "compare", "old.txt", "new.txt", "--log", vkey]
    for old, expected in ((tree.size, 0), (255, 10)):
        head = Checkpoint(name, old, tree.root(old))
        (work / "old.txt").write_text(sign_checkpoint(head, secret, name).serialise())
        got = subprocess.run(call, cwd=work, capture_output=True)
        assert got.returncode == expected, got
    other = Checkpoint(name, tree.size, bytes(32))
    (work / "old.txt").write_text(sign_checkpoint(other, secret, name).serialise())
    assert subprocess.run(call, cwd=work, capture_output=True).returncode == 8
    print("aics-tlog: a log that it made is in order with gapvault-audit")


ours()
theirs()
