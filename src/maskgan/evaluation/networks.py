"""The networks that measure: face parser, attribute classifier, identity embedding, feature extractor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from maskgan.assets import shipped_weights
from maskgan.checkpoints.weights import fingerprint
from maskgan.editing.parsing import Parser
from maskgan.evaluation.attribute_predictor import AttributePredictor
from maskgan.evaluation.config import EvaluationConfig
from maskgan.evaluation.features import FeatureExtractor, open_features
from maskgan.evaluation.identity import Embedding, open_embedding

Role = Literal["parser", "classifier", "embedding", "features"]


@dataclass(frozen=True)
class MeasuringNetworks:
    """Each network is loaded at its first use, or by ``load``.

    Attributes:
        parser_weights: of the face parser.
        classifier_weights: of the attribute classifier.
        embedding_weights: see ``open_embedding``.
        inception: Inception-v3 for FID and KID; ``None`` measures in EfficientNet-Lite2's features.
        device: cpu, cuda or mps.
        batch_size: images per batch, for these networks and for the systems measured.
    """

    parser_weights: Path
    classifier_weights: Path
    embedding_weights: Path
    inception: Path | None = None
    device: str = "cpu"
    batch_size: int = 8

    @classmethod
    def from_config(cls, config: EvaluationConfig) -> MeasuringNetworks:
        """Those that the config names, or else those that ship."""
        return cls(
            parser_weights=config.parser or shipped_weights("parser"),
            classifier_weights=config.classifier or shipped_weights("attributes"),
            embedding_weights=config.identity or shipped_weights("identity"),
            inception=config.inception,
            device=config.device,
            batch_size=config.batch_size,
        )

    @cached_property
    def parser(self) -> Parser:
        """Predicts label maps."""
        return Parser(self.parser_weights, self.device)

    @cached_property
    def classifier(self) -> AttributePredictor:
        """Predicts CelebA's attributes."""
        return AttributePredictor(self.classifier_weights, self.device)

    @cached_property
    def embedding(self) -> Embedding:
        """Embeds faces by identity."""
        return open_embedding(self.embedding_weights, self.device)

    @cached_property
    def features(self) -> FeatureExtractor:
        """Extracts the features in which sets of images are compared."""
        return open_features(self.inception, self.device)

    def load(self, roles: Sequence[Role]) -> None:
        """Load networks now, so that a wrong file is reported before any work.

        Raises:
            UserError: a file is missing, damaged or of another kind, or a package is not installed.
        """
        for role in roles:
            getattr(self, role)

    def fingerprints(self, roles: Sequence[Role]) -> dict[str, str | None]:
        """Hashes of the weights, by role; ``None`` for the packaged EfficientNet-Lite2."""
        files = {
            "parser": self.parser_weights,
            "classifier": self.classifier_weights,
            "embedding": self.embedding_weights,
            "features": self.inception,
        }
        return {role: None if (path := files[role]) is None else fingerprint(path) for role in roles}

    def describe(self, roles: Sequence[Role]) -> str:
        """One line that names the networks."""
        names = {
            "parser": f"face parser {self.parser_weights.name} (masks)",
            "classifier": f"attribute classifier {self.classifier_weights.name} (attributes)",
            "embedding": f"{self.embedding.name} (identity)" if "embedding" in roles else "",
            "features": f"{self.features.distance_name}" if "features" in roles else "",
        }
        return "; ".join(names[role] for role in roles)
