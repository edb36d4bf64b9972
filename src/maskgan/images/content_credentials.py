"""Content credentials: signed C2PA manifests in pictures, by the package ``c2pa-python``.

A manifest says what opened which file and that a generative model edited it, and is bound to the file's bytes. Nobody's
key ships: who signs brings a certificate chain and its key. Specification: https://spec.c2pa.org
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from maskgan import __version__
from maskgan.errors import UserError
from maskgan.files import require_file
from maskgan.images.formats import open_image_file
from maskgan.images.reading import read_source
from maskgan.images.writing import encode_source

SIGNED_SUFFIXES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".tif": "image/tiff"}
"""Formats that are signed, and their media types."""

_PARENT_TYPES = {*SIGNED_SUFFIXES.values(), "image/gif", "image/heif", "image/heic", "image/avif"}
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
# Thumbnails would show the face as it was, and take more room than all the rest.
_SETTINGS = {"builder": {"thumbnail": {"enabled": False}}}


@dataclass(frozen=True)
class Signer:
    """Whose name pictures are signed with."""

    certificates: bytes
    """PEM, the signer's own first, then those that vouch for it."""
    key: bytes
    """PEM, not encrypted."""
    algorithm: str
    """C2PA's name of the signature's algorithm, such as ``es256``."""


def open_signer(certificates: Path, key: Path) -> Signer:
    """A signer from two PEM files.

    Args:
        certificates: the chain, the signer's own first.
        key: its private key, without a passphrase: P-256, P-384, P-521, Ed25519 or RSA.

    Raises:
        UserError: the package ``c2pa-python`` is missing; or a file is missing or damaged, the key is encrypted or
            another certificate's, or the certificate is out of date or signed by itself.
    """
    _require_c2pa()
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    chain_pem, key_pem = require_file(certificates).read_bytes(), require_file(key).read_bytes()
    try:
        chain = x509.load_pem_x509_certificates(chain_pem)
    except ValueError:
        raise UserError(f"{certificates}: holds no certificates in PEM form") from None
    try:
        private = serialization.load_pem_private_key(key_pem, None)
    except TypeError:
        raise UserError(f"{key}: is encrypted; give a key without a passphrase") from None
    except ValueError:
        raise UserError(f"{key}: holds no private key in PEM form") from None
    own = chain[0]
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(encoding, form) != own.public_key().public_bytes(encoding, form):
        raise UserError(f"{key}: is not the key of the first certificate in {certificates}")
    if not own.not_valid_before_utc <= datetime.now(UTC) <= own.not_valid_after_utc:
        raise UserError(f"{certificates}: is valid from {own.not_valid_before_utc} to {own.not_valid_after_utc} only")
    if own.subject == own.issuer:
        raise UserError(
            f"{certificates}: the first certificate is signed by itself, which C2PA does not allow; have it issued by "
            "an authority, or by one that you make"
        )
    return Signer(chain_pem, key_pem, _algorithm(private, key))


def sign(encoded: bytes, suffix: str, signer: Signer, parent: Path | None, name: str, source_type: str | None) -> bytes:
    """A picture's file with signed content credentials.

    Args:
        encoded: the file.
        suffix: its format, a key of ``SIGNED_SUFFIXES``.
        signer: who signs.
        parent: the photograph that was edited; ``None``: the picture is nobody's edit.
        name: of the picture.
        source_type: IPTC's digital source type, a URI; ``None``: the parent was opened and not edited.

    Raises:
        UserError: the format carries no credentials, or the picture cannot be signed.
    """
    _require_c2pa()
    import c2pa

    if suffix not in SIGNED_SUFFIXES:
        raise UserError(f"{name}: {suffix} files carry no content credentials; write .png, .jpg, .webp or .tif")
    media_type = SIGNED_SUFFIXES[suffix]
    agent = {"name": "MaskGAN", "version": __version__}
    action = {
        "action": "c2pa.created" if parent is None else "c2pa.edited",
        "digitalSourceType": source_type,
        "softwareAgent": agent,
    }
    manifest = {
        "claim_generator_info": [agent],
        "title": Path(name).name,
        "format": media_type,
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [] if source_type is None else [action]}}],
    }
    signed = BytesIO()
    try:
        info = c2pa.C2paSignerInfo(signer.algorithm, signer.certificates, signer.key, None)
        with (
            c2pa.Context(c2pa.Settings.from_dict(_SETTINGS)) as context,
            c2pa.Builder(json.dumps(manifest), context) as builder,
            c2pa.Signer.from_info(info) as native,
        ):
            if parent is not None:
                builder.set_intent(c2pa.C2paBuilderIntent.EDIT)  # which adds that the parent was opened
                builder.add_ingredient({"title": parent.name, "relationship": "parentOf"}, *_parent_stream(parent))
            builder.sign(native, media_type, BytesIO(encoded), signed)
            _verify(signed, media_type, context)
    except c2pa.C2paError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{name}: cannot be signed, so it was not written: {reason}") from error
    return signed.getvalue()


def _verify(signed: BytesIO, media_type: str, context: Any) -> None:
    """Read the credentials back: what is signed must be valid, whoever trusts it."""
    import c2pa

    signed.seek(0)
    with c2pa.Reader(media_type, signed, context=context) as reader:
        if reader.get_validation_state() not in ("Valid", "Trusted"):
            failures = (reader.get_validation_results() or {}).get("activeManifest", {}).get("failure", [])
            raise c2pa.C2paError("; ".join(str(failure.get("code")) for failure in failures) or "invalid")


def _parent_stream(path: Path) -> tuple[str, BytesIO]:
    """A photograph as a media type that C2PA knows, and its file; as PNG where it knows none."""
    with open_image_file(path) as image:
        media_type = "image/jpeg" if image.format == "MPO" else Image.MIME.get(image.format or "", "")
    if media_type in _PARENT_TYPES:
        return media_type, BytesIO(path.read_bytes())
    return "image/png", BytesIO(encode_source(read_source(path)))


def _algorithm(private: object, path: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES:
        return _CURVES[private.curve.name]
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise UserError(f"{path}: C2PA signs with P-256, P-384, P-521, Ed25519 or RSA keys, not with this one")


def _require_c2pa() -> None:
    from importlib.util import find_spec

    if find_spec("c2pa") is None:
        raise UserError("content credentials are signed by c2pa-python: run pip install 'maskgan[c2pa]'")
