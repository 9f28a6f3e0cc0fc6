"""make_audit.py: what signed statements and schemas must agree with, written by PyNaCl, cryptography, securesystemslib and
jsonschema. Writes tests/golden/audit/."""

import base64
import json
import pathlib

import jsonschema
import nacl.signing
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

OUT = pathlib.Path(__file__).parent / "audit"
SEED = bytes(range(32))

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object", "required": ["name", "values", "hash"], "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "values": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"$ref": "#/$defs/number"}},
        "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "count": {"type": "integer", "minimum": 0},
        "kind": {"enum": ["a", "b", 3]},
        "fixed": {"const": {"x": [1, 2]}},
        "maybe": {"anyOf": [{"type": "null"}, {"type": "object", "required": ["y"]}]},
        "open": {"type": "object", "additionalProperties": {"type": "boolean"}},
        "many": {"type": ["string", "boolean"]},
    },
    "$defs": {"number": {"type": "number", "maximum": 10}},
}
GOOD = {"name": "n", "values": [1, 2.5], "hash": "0" * 64}


def documents():
    yield GOOD
    for key, values in {
        "name": ["", "12345", "123456", "ééééé", "éééééé", 3, None],
        "values": [[], [1, 2, 3], [1, 2, 3, 4], [11], [10.0], ["1"], {"0": 1}, [True]],
        "hash": ["0" * 63, "0" * 65, "g" * 64, "A" * 64, 0],
        "count": [0, -1, 2.0, 2.5, "1", True, 1e300],
        "kind": ["a", "b", 3, 3.0, "c", 4],
        "fixed": [{"x": [1, 2]}, {"x": [2, 1]}, {"x": [1, 2], "y": 0}, 1],
        "maybe": [None, {}, {"y": 1}, 0],
        "open": [{}, {"p": True, "q": False}, {"p": 1}],
        "many": ["x", True, 1, None],
        "other": [1],
    }.items():
        for value in values:
            yield {**GOOD, key: value}
    for key in GOOD:
        yield {k: v for k, v in GOOD.items() if k != key}
    yield []
    yield "text"
    yield None


def public_pem(key):
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def main():
    OUT.mkdir(exist_ok=True)
    secret = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
    (OUT / "key.key").write_bytes(secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    (OUT / "key.pub").write_bytes(public_pem(secret.public_key()))
    (OUT / "other.pub").write_bytes(public_pem(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()))
    if not (OUT / "rsa.pub").exists():  # made of random numbers
        (OUT / "rsa.pub").write_bytes(public_pem(rsa.generate_private_key(65537, 2048).public_key()))

    statement = json.dumps({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model.bin", "digest": {"sha256": "1a" * 32}}],
        "predicateType": "https://example.com/anything/v1", "predicate": {"text": "näh", "n": 3}},
        ensure_ascii=False).encode()
    envelope = Envelope(statement, "application/vnd.in-toto+json", {})
    signature = envelope.sign(CryptoSigner(secret))
    (OUT / "securesystemslib.json").write_text(json.dumps(envelope.to_dict(), indent=1) + "\n")
    pae = envelope.pae()
    raw = nacl.signing.SigningKey(SEED).sign(pae).signature
    assert raw.hex() == signature.signature
    url_safe = {"payload": base64.urlsafe_b64encode(statement).decode(), "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": base64.urlsafe_b64encode(raw).decode()}], "note": "fields that nobody knows"}
    (OUT / "url_safe.json").write_text(json.dumps(url_safe) + "\n")
    (OUT / "signed.json").write_text(json.dumps({
        "payload": base64.b64encode(statement).decode(), "pae": base64.b64encode(pae).decode(),
        "signature": base64.b64encode(raw).decode(),
        "public": base64.b64encode(nacl.signing.SigningKey(SEED).verify_key.encode()).decode()}) + "\n")

    validator = jsonschema.Draft202012Validator(SCHEMA)
    cases = [{"document": d, "valid": validator.is_valid(d)} for d in documents()]
    assert 10 < sum(c["valid"] for c in cases) < len(cases) - 20
    (OUT / "schema.json").write_text(json.dumps({"schema": SCHEMA, "cases": cases}, ensure_ascii=False, indent=1) + "\n")


main()
