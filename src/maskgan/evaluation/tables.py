"""Cells of Markdown tables; a dash stands for what could not be measured."""

from __future__ import annotations

from maskgan.evaluation.features import FEWEST_IMAGES
from maskgan.metrics.mean import Estimate


def number(value: float | None, digits: int, suffix: str = "") -> str:
    """A number with ``digits`` decimals."""
    return "-" if value is None else f"{value:.{digits}f}{suffix}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share of 0..1 in per cent."""
    return "-" if value is None else f"{value:.{digits}%}"


def percent_estimate(value: Estimate | None) -> str:
    """A share of 0..1 in per cent, with its standard error."""
    if value is None:
        return "-"
    return f"{value.mean:.1%}" + ("" if value.error is None else f" ± {100 * value.error:.1f}")


def number_estimate(value: Estimate | None) -> str:
    """A number with its standard error, three decimals each."""
    if value is None:
        return "-"
    return f"{value.mean:.3f}" + ("" if value.error is None else f" ± {value.error:.3f}")


def distance_column(name: str) -> str:
    """Heading of a column of distances: KID stands beside FID, and beside nothing else."""
    return "FID / KID x 1000" if name == "FID" else name


def distance_cell(name: str, frechet: float | None, kernel: float | None) -> str:
    """Cell of such a column."""
    if frechet is None or kernel is None:
        return "-"
    return f"{frechet:.1f} / {kernel * 1000:.1f}" if name == "FID" else f"{frechet:.1f}"


def few_images_note(name: str, count: int) -> list[str]:
    """Lines of caution below a table of distances if there are fewer images than such distances need."""
    if count >= FEWEST_IMAGES:
        return []
    return [
        "",
        f"Caution: {name} from {count:,} images. With fewer than {FEWEST_IMAGES:,} the covariance is rank deficient "
        "and the distance is biased upwards; compare it within this table only.",
    ]
