"""Faces with attributes and identities: tables, pictures, and the two networks that learn from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import load_weights, save_weights
from maskgan.cli.main import main
from maskgan.config import AttributesConfig, IdentityConfig, preset
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.batches import LabelledFaces
from maskgan.data.labelled import middle, open_labelled, read_label_table
from maskgan.data.synthetic.dataset import sample_traits, visible_attributes
from maskgan.errors import UserError
from maskgan.losses.identity import cosine_margin_logits
from maskgan.networks.resnet import AttributeClassifier, IdentityNetwork
from maskgan.training.identity import mean_over_known
from maskgan.training.stage import StageSetup
from maskgan.training.stages import build_stage
from tiny_runs import config


def write_table(path: Path, rows: dict[str, tuple[str, list[int]]]) -> None:
    lines = [",".join(("key", "identity", *ATTRIBUTES))]
    lines += [",".join((key, identity, *map(str, values))) for key, (identity, values) in rows.items()]
    path.write_text("\n".join(lines) + "\n")


def signs(*positive: str) -> list[int]:
    return [1 if name in positive else -1 for name in ATTRIBUTES]


def test_pictures_and_table_are_joined_by_key(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    tall = np.zeros((218, 178, 3), np.uint8)
    tall[20:198] = 200  # what CelebA's middle is
    for key in ("000001", "000002", "000003"):
        Image.fromarray(tall).save(folder / f"{key}.png")
    write_table(
        tmp_path / "t.csv", {"000002": ("77", signs("Male", "Smiling")), "000001": ("5", signs()), "9": ("5", signs())}
    )
    faces = open_labelled(str(folder), tmp_path / "t.csv")
    assert list(faces.keys) == ["000001", "000002"] and faces.people == 2
    face = faces[1]
    assert face.picture.shape == (178, 178, 3) and (face.picture == 200).all()
    assert [name for name, has in zip(ATTRIBUTES, face.attributes, strict=True) if has] == ["Male", "Smiling"]
    assert {faces[i].identity for i in range(2)} == {0, 1}
    for people, keys in (("..5", ["000001"]), ("6..", ["000002"]), ("5..77", ["000001", "000002"])):
        assert list(open_labelled(str(folder), tmp_path / "t.csv", people).keys) == keys
    with pytest.raises(UserError, match="write a range of numbers"):
        open_labelled(str(folder), tmp_path / "t.csv", "five")


def test_celebas_own_text_files_are_read(tmp_path: Path) -> None:
    rows = ["000001.jpg  " + " ".join(map(str, signs("Young"))), "000002.jpg  " + " ".join(map(str, signs()))]
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(["2", " ".join(ATTRIBUTES), *rows]) + "\n")
    (tmp_path / "identity_CelebA.txt").write_text("000001.jpg 2880\n000002.jpg 2937\n")
    table = read_label_table(tmp_path / "list_attr_celeba.txt")
    assert table.attributes["000001"].sum() == 1 and table.identities == {"000001": "2880", "000002": "2937"}


def test_tables_that_do_not_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("key,Male\na,1\n")
    with pytest.raises(UserError, match=r"few\.csv: has no column '5_o_Clock_Shadow'"):
        read_label_table(tmp_path / "few.csv")
    write_table(tmp_path / "odd.csv", {"a": ("1", [2, *signs()[1:]])})
    with pytest.raises(UserError, match=r"odd\.csv:2: expected a key, and -1 or 1"):
        read_label_table(tmp_path / "odd.csv")
    with pytest.raises(UserError, match="--table: the file with the attributes is needed"):
        open_labelled(str(tmp_path), None)
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    write_table(tmp_path / "other.csv", {"a": ("1", signs())})
    with pytest.raises(UserError, match="labels for none of its pictures"):
        open_labelled(str(tmp_path), tmp_path / "other.csv")


def test_drawn_faces_have_the_attributes_of_their_traits() -> None:
    faces = open_labelled("synthetic:4:64", None)
    shown = {name for name, has in zip(ATTRIBUTES, faces[2].attributes, strict=True) if has}
    assert shown == visible_attributes(sample_traits(0, 2)) and faces.people == 4
    assert faces[2].identity == 2


def test_the_middle_of_a_picture() -> None:
    rows = np.arange(218, dtype=np.uint8)[:, None, None].repeat(178, 1).repeat(3, 2)
    assert middle(rows)[:, 0, 0].tolist() == list(range(20, 198))
    assert middle(rows.transpose(1, 0, 2)).shape == (178, 178, 3)


def test_resnet18_has_its_published_size() -> None:
    count = sum(p.numel() for p in AttributeClassifier(AttributesConfig(num_attributes=1000)).parameters())
    assert count == 11_689_512  # He et al.'s ResNet-18 with 1,000 classes


def test_cosine_margin_logits_by_hand() -> None:
    torch.manual_seed(0)
    embedding, centres = F.normalize(torch.randn(3, 5), dim=1), torch.randn(4, 5)
    logits = cosine_margin_logits(embedding, centres, torch.tensor([1, 3, -1]), 0.2, 24.0)
    for i, own in ((0, 1), (1, 3)):
        for person in range(4):
            cosine = float(embedding[i] @ centres[person] / centres[person].norm())
            assert float(logits[i, person]) == pytest.approx(24 * (cosine - 0.2 * (person == own)), abs=1e-4)


def test_embeddings_have_length_one() -> None:
    network = IdentityNetwork(IdentityConfig(base_channels=4, embedding_size=16)).eval()
    embedding = network(torch.rand(2, 3, 64, 64) * 2 - 1)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))


def test_telling_people_apart_needs_people() -> None:
    with pytest.raises(UserError, match="fewer than two identities"):
        build_stage(config("identity"), StageSetup(num_identities=1))


def test_identity_can_begin_with_the_classifiers_features(tmp_path: Path) -> None:
    classifier = AttributeClassifier(preset("tiny").attributes)
    info = WeightsInfo("attributes", classifier.config, 64, 1, "untrained", "none")
    save_weights(tmp_path / "attributes.safetensors", classifier, info)
    stage = build_stage(
        config("identity", init_classifier=str(tmp_path / "attributes.safetensors")), StageSetup(num_identities=3)
    )
    taken = stage.networks["identity"].trunk.state_dict()  # type: ignore[union-attr]
    for name, tensor in classifier.trunk.state_dict().items():
        assert name.startswith("head.") or torch.equal(taken[name], tensor), name
    assert taken["head.weight"].shape[0] == preset("tiny").identity.embedding_size
    assert all(parameter.requires_grad for parameter in stage.networks["identity"].parameters())
    assert all(module.training for module in stage.networks["identity"].modules())
    with pytest.raises(UserError, match="has 4 channels; another --preset made it"):
        build_stage(
            config("identity", preset="demo", init_classifier=str(tmp_path / "attributes.safetensors")),
            StageSetup(num_identities=3),
        )


def labelled(identities: list[int]) -> LabelledFaces:
    pictures = torch.rand(len(identities), 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return LabelledFaces(pictures, torch.zeros(len(identities), 40, dtype=torch.uint8), torch.tensor(identities))


def test_a_batch_of_unknown_identities_has_loss_0_and_leaves_the_network_finite() -> None:
    stage = build_stage(config("identity"), StageSetup(num_identities=3))
    losses = stage.train_step(labelled([-1, -1]), 0.9)
    assert {name: float(loss) for name, loss in losses.items()} == {"cross_entropy": 0.0, "accuracy": 0.0}
    assert all(torch.isfinite(p).all() for network in stage.networks.values() for p in network.parameters())
    assert float(stage.val_loss(labelled([-1, -1]))) == 0.0


def test_unknown_identities_count_neither_as_right_nor_as_wrong() -> None:
    values, known = torch.tensor([1.0, 0.0, 1.0, 5.0]), torch.tensor([True, True, True, False])
    assert float(mean_over_known(values, known)) == pytest.approx(2 / 3)
    stage = build_stage(config("identity"), StageSetup(num_identities=3))
    # Two unknown faces are not two photographs of one person.
    assert float(stage.val_loss(labelled([0, -1, -1]))) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["attributes", "identity"])
def test_the_labels_can_be_learnt(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "train",
        kind,
        "--data",
        "synthetic:12:64",
        "--preset",
        "tiny",
        "--run",
        str(tmp_path),
        "--workers",
        "1",
    ]
    arguments += ["--batch-size", "6", "--no-augmentation", "--learning-rate", "3e-3", "--lr-decay-start", "1"]
    assert main([*arguments, "--images", "300"]) == 0
    assert main([*arguments, "--images", "600"]) == 0  # goes on
    last = capsys.readouterr().err.splitlines()[-1]
    accuracy = float(last.split("accuracy")[1].split()[0])
    assert accuracy > 0.9, last
    assert load_weights(tmp_path / f"{kind}.safetensors", model_type=kind)[1].step == 600
    assert list((tmp_path / "samples").glob("*.png"))
