"""Content credentials: signed by a chain made on the fly, and read back."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgan.assets import portrait
from maskgan.cli.main import main
from maskgan.errors import UserError
from maskgan.images import content_credentials, read_picture, read_source, write_picture
from maskgan.images.content_credentials import open_signer
from maskgan.provenance import DIGITAL_SOURCE_TYPE, write_edited

c2pa = pytest.importorskip("c2pa")
x509 = pytest.importorskip("cryptography.x509")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402

NOW = datetime.datetime.now(datetime.UTC)
PEM = serialization.Encoding.PEM


def certificate(name: str, issuer: str, key: Any, issuer_key: Any, days: int = 30) -> Any:
    """A certificate for ``key``, signed with ``issuer_key``; one of an authority where both are equal."""
    authority = key is issuer_key

    def named(text: str) -> Any:
        organisation = x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test")
        return x509.Name([organisation, x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= {"encipher_only": False, "decipher_only": False, "crl_sign": authority, "key_cert_sign": authority}
    built = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=60))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=not authority, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not authority:
        purposes = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
        built = built.add_extension(purposes, critical=False)
    digest = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return built.sign(issuer_key, digest)


def write_chain(folder: Path, key: Any, days: int = 30, encryption: Any = None) -> tuple[Path, Path]:
    """Two PEM files: a certificate for ``key`` with its authority's, and the key."""
    authority = ec.generate_private_key(ec.SECP256R1())
    own, above = certificate("signer", "root", key, authority, days), certificate("root", "root", authority, authority)
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(own.public_bytes(PEM) + above.public_bytes(PEM))
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(PEM, form, encryption or serialization.NoEncryption()))
    return chain, private


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_chain(tmp_path_factory.mktemp("chain"), ec.generate_private_key(ec.SECP256R1()))


def read_back(path: Path) -> tuple[dict[str, Any], str]:
    """The active manifest of a file and the state of its validation."""
    with c2pa.Reader(str(path)) as reader:
        return reader.get_active_manifest(), reader.get_validation_state()


def actions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    found = [a["data"]["actions"] for a in manifest["assertions"] if a["label"].startswith("c2pa.actions")]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_credentials_say_who_edited_what(tmp_path: Path, suffix: str, chain: tuple[Path, Path]) -> None:
    photograph, output = portrait(7)[0], tmp_path / f"edited{suffix}"
    source = read_source(photograph)
    edited = source.picture.copy()
    edited[:20] = 0
    write_edited(output, edited, source, open_signer(*chain), photograph)
    manifest, state = read_back(output)
    assert state == "Valid"  # and not trusted: nobody knows this authority
    assert manifest["title"] == output.name and manifest["signature_info"]["common_name"] == "signer"
    assert manifest["claim_generator_info"][0]["name"] == "MaskGAN"
    assert [(i["title"], i["relationship"]) for i in manifest["ingredients"]] == [(photograph.name, "parentOf")]
    opened, edit = actions(manifest)
    assert (opened["action"], edit["action"]) == ("c2pa.opened", "c2pa.edited")
    assert edit["digitalSourceType"] == DIGITAL_SOURCE_TYPE
    # The face as it was is not in the file.
    assert "thumbnail" not in manifest and "thumbnail" not in manifest["ingredients"][0]
    plain = tmp_path / f"plain{suffix}"
    write_edited(plain, edited, source)
    np.testing.assert_array_equal(read_picture(output), read_picture(plain))


def test_what_was_not_changed_is_signed_as_opened(tmp_path: Path, chain: tuple[Path, Path]) -> None:
    photograph, output = portrait(7)[0], tmp_path / "same.png"
    source = read_source(photograph)
    write_edited(output, source.picture, source, open_signer(*chain), photograph, changed=False)
    manifest, state = read_back(output)
    assert [a["action"] for a in actions(manifest)] == ["c2pa.opened"] and state == "Valid"
    assert DIGITAL_SOURCE_TYPE.encode() not in output.read_bytes()


def test_a_changed_byte_is_noticed(tmp_path: Path, chain: tuple[Path, Path]) -> None:
    output = tmp_path / "edited.png"
    write_edited(output, np.zeros((32, 32, 3), np.uint8), None, open_signer(*chain))
    manifest, state = read_back(output)
    assert [a["action"] for a in actions(manifest)] == ["c2pa.created"] and state == "Valid"
    data = bytearray(output.read_bytes())
    data[data.rindex(b"IDAT") + 12] ^= 1
    output.write_bytes(data)
    assert read_back(output)[1] == "Invalid"


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
    ids=["P-384", "Ed25519", "RSA"],
)
def test_keys_of_each_kind_sign(tmp_path: Path, key: Any) -> None:
    write_edited(tmp_path / "a.png", np.zeros((32, 32, 3), np.uint8), None, open_signer(*write_chain(tmp_path, key)))
    assert read_back(tmp_path / "a.png")[1] == "Valid"


def test_a_parent_that_c2pa_cannot_read_is_named_all_the_same(tmp_path: Path, chain: tuple[Path, Path]) -> None:
    photograph = tmp_path / "photograph.bmp"
    write_picture(photograph, np.zeros((32, 32, 3), np.uint8))
    source = read_source(photograph)
    write_edited(tmp_path / "a.png", source.picture, source, open_signer(*chain), photograph)
    manifest, state = read_back(tmp_path / "a.png")
    assert state == "Valid" and manifest["ingredients"][0]["title"] == "photograph.bmp"


def test_bad_keys_and_certificates_are_refused(tmp_path: Path, chain: tuple[Path, Path]) -> None:
    certificates, key = chain
    other = tmp_path / "other"
    other.mkdir()
    fresh = ec.generate_private_key(ec.SECP256R1())
    encrypted = write_chain(other, fresh, encryption=serialization.BestAvailableEncryption(b"secret"))
    with pytest.raises(UserError, match=r"key\.pem: is encrypted"):
        open_signer(*encrypted)
    with pytest.raises(UserError, match=r"key\.pem: is not the key of the first certificate in .*chain\.pem"):
        open_signer(certificates, write_chain(other, fresh)[1])
    with pytest.raises(UserError, match=r"chain\.pem: is valid from .* only"):
        open_signer(*write_chain(other, fresh, days=-1))
    with pytest.raises(UserError, match=r"key\.pem: holds no certificates"):
        open_signer(key, key)
    with pytest.raises(UserError, match=r"chain\.pem: holds no private key"):
        open_signer(certificates, certificates)
    alone = tmp_path / "alone.pem"
    alone.write_bytes(certificate("me", "me", fresh, fresh).public_bytes(PEM))
    with pytest.raises(UserError, match=r"alone\.pem: the first certificate is signed by itself"):
        open_signer(alone, write_chain(other, fresh)[1])


def test_edit_signs_or_writes_nothing(
    tmp_path: Path, chain: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, mask = map(str, portrait(7))
    output = tmp_path / "out.png"
    command = ["edit", picture, "--mask", mask, "--apply", "smile=0.5", "-o", str(output)]
    assert main([*command, "--sign", *map(str, chain)]) == 0
    manifest, state = read_back(output)
    assert state == "Valid" and manifest["ingredients"][0]["title"] == Path(picture).name
    output.unlink()

    def fails(*_: object) -> None:
        raise c2pa.C2paError("the hardware token is gone")

    monkeypatch.setattr(c2pa.Builder, "sign", fails)
    capsys.readouterr()
    assert main([*command, "--sign", *map(str, chain)]) == 2
    assert "cannot be signed, so it was not written: the hardware token is gone" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    bitmap = str(tmp_path / "out.bmp")
    assert main([*command[:-1], bitmap, "--sign", *map(str, chain)]) == 2
    assert "out.bmp: carries no content credentials" in capsys.readouterr().err


def test_without_the_extra_it_is_said(
    monkeypatch: pytest.MonkeyPatch, chain: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"pip install 'maskgan\[c2pa\]'"):
        content_credentials.open_signer(*chain)
    picture, mask = map(str, portrait(7))
    command = ["edit", picture, "--mask", mask, "--apply", "smile", "-o", str(tmp_path / "a.png")]
    assert main([*command, "--sign", *map(str, chain)]) == 2
    assert "pip install 'maskgan[c2pa]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
