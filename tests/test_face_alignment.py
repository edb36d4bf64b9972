"""Alignment by the landmarks of a mask."""

import pytest
import torch

from maskgan.face_alignment import SIDE, align, alignment, landmarks
from maskgan.labels import INDEX

EYE_LEFT, EYE_RIGHT, MOUTH_LEFT, MOUTH_RIGHT = (38, 52), (74, 52), (41, 92), (71, 92)


def mask_with_landmarks(side: int, scale: float, dx: int, dy: int) -> torch.Tensor:
    """A mask whose landmarks lie at the template's, enlarged and moved."""

    def place(point: tuple[int, int]) -> tuple[int, int]:
        return round(point[0] * scale) + dx, round(point[1] * scale) + dy

    mask = torch.full((side, side), INDEX["skin"])
    for label, point in ((INDEX["r_eye"], EYE_LEFT), (INDEX["l_eye"], EYE_RIGHT)):
        x, y = place(point)
        mask[y - 2 : y + 3, x - 2 : x + 3] = label
    (left, top), (right, _) = place(MOUTH_LEFT), place(MOUTH_RIGHT)
    mask[top - 1 : top + 2, left : right + 1] = INDEX["u_lip"]
    return mask


def test_landmarks_are_where_the_mask_has_them() -> None:
    points, found = landmarks(mask_with_landmarks(128, 1.0, 4, 6)[None])
    assert found.tolist() == [True]
    expected = torch.tensor([[42, 58], [78, 58], [45, 98], [75, 98]]).float()
    torch.testing.assert_close(points[0], expected)


@pytest.mark.parametrize(("scale", "dx", "dy"), [(1.0, 0, 0), (2.0, 10, -20), (1.5, 30, 5)])
def test_aligned_landmarks_lie_at_the_template(scale: float, dx: int, dy: int) -> None:
    mask = mask_with_landmarks(256, scale, dx, dy)[None]
    matrices, found = alignment(mask)
    assert found.item()
    eyes = align((mask == INDEX["r_eye"]).float()[:, None], matrices)[0, 0]
    rows, columns = (eyes > 0.5).nonzero(as_tuple=True)
    assert columns.float().mean().item() == pytest.approx(38.3, abs=1.5)
    assert rows.float().mean().item() == pytest.approx(51.7, abs=1.5)


def test_a_mask_without_eyes_keeps_the_whole_picture() -> None:
    matrices, found = alignment(torch.full((2, 64, 64), INDEX["skin"]))
    assert found.tolist() == [False, False]
    image = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(
        align(image, matrices), torch.nn.functional.interpolate(image, (SIDE, SIDE), mode="bilinear"), atol=1e-5, rtol=0
    )


def test_gradients_reach_the_picture() -> None:
    matrices, _ = alignment(mask_with_landmarks(128, 1.0, 4, 6)[None])
    image = torch.rand(1, 3, 128, 128, requires_grad=True)
    align(image, matrices).sum().backward()
    assert image.grad is not None and float(image.grad.abs().sum()) > 0


def test_pixels_are_sampled_at_their_places_in_bf16_too() -> None:
    side = 128
    ramp = torch.linspace(-1, 1, side).expand(1, 3, side, side)
    matrices, _ = alignment(mask_with_landmarks(side, 1.1, 2, 3)[None])
    with torch.autocast("cpu", torch.bfloat16):
        aligned = align(ramp, matrices)
    assert torch.equal(aligned, align(ramp, matrices))
