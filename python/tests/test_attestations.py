"""Envelopes that evalmark signs, checked by securesystemslib and in-toto's own types, and theirs by evalmark.

A changed bit anywhere is refused by both. The one exception is Python's: the last character of a signature's
base64 has bits that stand for nothing, which it does not look at; what they decode to is the same signature.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from conftest import ROOT
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from google.protobuf.json_format import ParseDict
from in_toto_attestation.v1.statement_pb2 import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from evalmark import find_binary

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

KEYS = ROOT / "crates" / "store" / "tests" / "keys"
FILES = ["ed25519.pem", "p256.pem", "p256-sec1.pem", "ssh-ed25519", "ssh-ecdsa"]


def private_key(name: str) -> PrivateKeyTypes:
    text = (KEYS / name).read_bytes()
    return load_ssh_private_key(text, None) if name.startswith("ssh-") else load_pem_private_key(text, None)


def evalmark(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(find_binary()), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(params=FILES)
def signed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Any]:
    """A folder with a log whose end is signed, and the key."""
    name = request.param
    assert evalmark(tmp_path, "audit", "start").returncode == 0
    ran = evalmark(tmp_path, "audit", "checkpoint", "--key", str(KEYS / name))
    assert ran.returncode == 0, ran.stderr
    key = private_key(name)
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    (tmp_path / "releases" / "allowed_signers").write_text(f"ada@example.com {line}\n")
    return tmp_path, key


def checkpoint(folder: Path) -> Path:
    return folder / "releases" / "audit.checkpoint.json"


def verified_by_securesystemslib(text: bytes, key: SSlibKey) -> bool:
    """Whether it takes an envelope for one that is signed by the key."""
    try:
        Envelope.from_dict(json.loads(text)).verify([key], 1)
    except Exception:
        return False
    return True


def meaning(text: bytes) -> tuple[bytes, str, list[tuple[str, str]]]:
    envelope = Envelope.from_dict(json.loads(text))
    signatures = [(one.keyid, one.signature) for one in envelope.signatures.values()]
    return envelope.payload, envelope.payload_type, signatures


def test_securesystemslib_verifies_ours(signed: tuple[Path, Any]) -> None:
    folder, private = signed
    text = checkpoint(folder).read_bytes()
    key = SSlibKey.from_crypto(private.public_key())
    assert verified_by_securesystemslib(text, key)
    statement = json.loads(Envelope.from_dict(json.loads(text)).payload)
    parsed = ParseDict(statement, Statement())
    assert parsed.type == "https://in-toto.io/Statement/v1"
    assert parsed.subject[0].name == "releases/audit.jsonl"


def test_securesystemslib_refuses_every_changed_bit(signed: tuple[Path, Any]) -> None:
    folder, private = signed
    whole = checkpoint(folder).read_bytes()
    key = SSlibKey.from_crypto(private.public_key())
    accepted = []
    for at in range(len(whole)):
        for bit in range(8):
            text = bytearray(whole)
            text[at] ^= 1 << bit
            if verified_by_securesystemslib(bytes(text), key):
                assert meaning(bytes(text)) == meaning(whole), (at, bit)
                accepted.append(at)
    # The last character of the signature alone.
    assert len(set(accepted)) <= 1, accepted


def test_we_refuse_every_changed_byte(signed: tuple[Path, Any]) -> None:
    folder, _ = signed
    whole = checkpoint(folder).read_bytes()
    assert evalmark(folder, "audit", "verify").returncode == 0
    for at in range(0, len(whole), 11):
        text = bytearray(whole)
        text[at] ^= 1 << at % 8
        checkpoint(folder).write_bytes(text)
        ran = evalmark(folder, "audit", "verify")
        assert ran.returncode != 0, (at, ran.stdout)


def test_we_verify_theirs(signed: tuple[Path, Any]) -> None:
    folder, private = signed
    ours = Envelope.from_dict(json.loads(checkpoint(folder).read_bytes()))
    theirs = Envelope(ours.payload, ours.payload_type, {})
    theirs.sign(CryptoSigner(private))
    checkpoint(folder).write_text(json.dumps(theirs.to_dict()))
    ran = evalmark(folder, "audit", "verify")
    assert ran.returncode == 0, ran.stderr
    other = Envelope(ours.payload + b" ", ours.payload_type, dict(theirs.signatures))
    checkpoint(folder).write_text(json.dumps(other.to_dict()))
    ran = evalmark(folder, "audit", "verify")
    assert ran.returncode == 4, ran.stdout
    assert "the signature of ada@example.com is wrong" in ran.stderr


SUITE = """\
name: labels
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, use: topic }]
models: [{ name: one, recorded: { column: answer } }]
metrics: [{ name: exact, exact: {} }]
gate: { baseline: main, metrics: { exact: { margin: 0.1 } } }
"""


@pytest.fixture
def released(tmp_path: Path) -> tuple[Path, Any]:
    """A folder with a release that is signed, and the key."""
    rows = "".join(f"{i},question {i},money,money\n" for i in range(40))
    (tmp_path / "data.csv").write_text(f"id,text,label,answer\n{rows}")
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "policy.yaml").write_text("releases: { environments: { staging: {} } }\n")
    (tmp_path / "prompts").mkdir()
    variables = "variables: { text: { type: string, example: x } }"
    prompt = f"---\ndescription: Sorts\n{variables}\n---\n<message>{{{{ text }}}}</message>\n"
    (tmp_path / "prompts" / "topic.md").write_text(prompt)
    (tmp_path / "releases").mkdir()
    public = (KEYS / "ssh-ed25519.pub").read_text()
    (tmp_path / "releases" / "allowed_signers").write_text(f"ada@example.com {public}")
    run, key = "reports/labels/r1", str(KEYS / "ssh-ed25519")
    for line in (
        ["run", "suite.yaml", "--run-id", "r1", "--new-baseline"],
        ["gate", run, "--baseline", "main", "--new-baseline"],
        ["release", "propose", "topic", "--to", "staging", "--run", run],
        ["release", "promote", "topic", "--to", "staging", "--key", key],
        ["release", "verify"],
    ):
        ran = evalmark(tmp_path, *line)
        assert ran.returncode == 0, (line, ran.stderr)
    return tmp_path, private_key("ssh-ed25519")


def test_a_promotion_is_a_test_result(released: tuple[Path, Any]) -> None:
    folder, private = released
    file = folder / "releases" / "staging" / "000001.json"
    envelope = json.loads(file.read_bytes())["statement"]
    key = SSlibKey.from_crypto(private.public_key())
    assert verified_by_securesystemslib(json.dumps(envelope).encode(), key)
    statement = json.loads(Envelope.from_dict(envelope).payload)
    parsed = ParseDict(statement, Statement())
    assert [subject.name for subject in parsed.subject] == ["topic.md"]
    assert parsed.predicate_type == "https://in-toto.io/attestation/test-result/v0.1"
    assert statement["predicate"]["result"] == "PASSED"
    names = [one["name"] for one in statement["predicate"]["configuration"]]
    assert names[:3] == ["release:staging/1", "suite:labels", "dataset:labels"]


def test_a_changed_byte_of_a_promotion_is_refused(released: tuple[Path, Any]) -> None:
    folder, private = released
    file = folder / "releases" / "staging" / "000001.json"
    whole = file.read_bytes()
    key = SSlibKey.from_crypto(private.public_key())
    envelope = json.dumps(json.loads(whole)["statement"]).encode()
    for at in range(len(envelope)):
        text = bytearray(envelope)
        text[at] ^= 1
        if verified_by_securesystemslib(bytes(text), key):
            assert meaning(bytes(text)) == meaning(envelope), at
    for at in range(0, len(whole), 1 + len(whole) // 60):
        changed = bytearray(whole)
        changed[at] ^= 1
        file.write_bytes(changed)
        ran = evalmark(folder, "release", "verify")
        assert ran.returncode == 4, (at, ran.stdout)
