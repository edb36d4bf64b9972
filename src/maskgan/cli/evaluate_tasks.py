"""What each task of ``maskgan evaluate`` opens, measures and prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from maskgan.assets import shipped_weights
from maskgan.checkpoints.weights import fingerprint, read_info
from maskgan.data.labelled import LabelledFace, open_labelled, read_label_table
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import KeyedCollection, PairCollection, select
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.editing.parsing import Parser
from maskgan.editing.session import Blend
from maskgan.errors import UserError
from maskgan.evaluation import (
    attributes,
    cases,
    detail,
    groups,
    interactive,
    masks,
    reconstruct,
    smile,
    style_copy,
    verification,
)
from maskgan.evaluation.attribute_predictor import AttributePredictor
from maskgan.evaluation.attribute_systems import ATTRIBUTE_EDITORS, AttributeSystem
from maskgan.evaluation.features import EfficientNetFeatures, FeatureExtractor, InceptionFeatures
from maskgan.evaluation.grids import request_grid
from maskgan.evaluation.identity import open_embedding
from maskgan.evaluation.systems import ComparedSystem, StoredOutputs, TrainedSystem, case_requests
from maskgan.images import write_picture

_GRID_ROWS = 8
_TAKEN_NAMES = ("real", "identity baseline")


@dataclass(frozen=True)
class EvaluationConfig:
    """The command's options."""

    data: str
    keys: str | None
    systems: tuple[str, ...]
    blend: Blend
    refine: int
    table: Path | None
    by: str
    identities: str | None
    count: int
    save_cases: Path | None
    cases: Path | None
    parser: Path | None
    classifier: Path | None
    identity: Path | None
    mask_vae: Path | None
    inception: Path | None
    side: int
    seed: int
    grid: Path | None
    weights: str | None
    enhance: bool
    device: str
    precision: str

    def record(self) -> dict[str, Any]:
        """What a result file says of how it came about."""
        return {
            "data": self.data,
            "keys": self.keys,
            "side": self.side,
            "seed": self.seed,
            "table": None if self.table is None else self.table.name,
            "blend": self.blend,
            "refine": self.refine,
            "enhance": self.enhance,
            "precision": self.precision,
            "device": self.device,
            "inception": None if self.inception is None else fingerprint(self.inception),
        }

    def pairs(self) -> PairCollection:
        """The faces chosen."""
        pairs = open_pairs(self.data)
        return pairs if self.keys is None else select(pairs, self.keys)

    def labelled(self) -> KeyedCollection[LabelledFace]:
        """The labelled faces chosen."""
        faces: KeyedCollection[LabelledFace] = open_labelled(self.data, self.table, self.identities)
        return faces if self.keys is None else select(faces, self.keys)

    def compared(self) -> list[ComparedSystem]:
        """The systems named, or the weights that ship; with ``refine``, each network a second time."""
        named: dict[str, Path] = {}
        for system in self.systems:
            name, equals, path = system.partition("=")
            if not name or not equals or not path:
                raise UserError(f"--system {system}: write NAME=PATH")
            if name in named or name in _TAKEN_NAMES:
                raise UserError(f"--system {system}: the name {name!r} is taken; choose another")
            named[name] = Path(path)
        if self.weights is not None:
            named.setdefault(Path(self.weights).stem, Path(self.weights))
        if not named:
            named = {"shipped": shipped_weights("dense-mapping")}
        return [system for name, path in named.items() for system in self._opened(name, path)]

    def _opened(self, name: str, path: Path) -> list[ComparedSystem]:
        """A weights file as a system, refined too if that is asked for, or a folder of its answers."""
        if path.is_dir():
            return [StoredOutputs(name, path)]
        if read_info(path).model_type in ATTRIBUTE_EDITORS:
            classifier = AttributePredictor(self.tool("attributes"), self.device)
            return [AttributeSystem(name, path, classifier, self.device)]
        how = (self.blend, self.device, self.precision)
        systems: list[ComparedSystem] = [TrainedSystem(name, path, *how, enhance=self.enhance)]
        if self.refine:
            refined = f"{name}, refined in {self.refine} steps"
            systems.append(TrainedSystem(refined, path, *how, refine=self.refine, enhance=self.enhance))
        return systems

    def reader(self) -> FeatureExtractor:
        """The network in whose features distances are measured."""
        return (
            EfficientNetFeatures(self.device)
            if self.inception is None
            else InceptionFeatures(self.inception, self.device)
        )

    def tool(self, kind: str) -> Path:
        """The weights of a measuring network: those given, or those that ship."""
        given = {
            "parser": self.parser,
            "attributes": self.classifier,
            "identity": self.identity,
            "mask-vae": self.mask_vae,
        }[kind]
        return shipped_weights(kind) if given is None else given


@dataclass(frozen=True)
class Measured:
    """A result for people and for programs."""

    markdown: str
    record: dict[str, Any]


def _reconstruct(options: EvaluationConfig) -> Measured:
    _require_whole_pictures(options, "reconstruct")
    systems, parser = options.compared(), options.tool("parser")
    result = reconstruct.reconstruct(
        options.pairs(), systems, Parser(parser, options.device), options.side, options.seed
    )
    hashes = _hashes(systems, {"parser": parser})
    return Measured(reconstruct.to_markdown(result), {**hashes, **result.to_dict()})


def _interactive(options: EvaluationConfig) -> Measured:
    pairs, systems, parser = options.pairs(), options.compared(), options.tool("parser")
    result = interactive.interactive(pairs, systems, Parser(parser, options.device), options.reader(), options.side)
    if options.grid is not None:
        write_picture(options.grid, interactive.edit_grid(pairs, systems, options.side, count=6))
    hashes = _hashes(systems, {"parser": parser})
    return Measured(interactive.to_markdown(result), {**hashes, **result.to_dict()})


def _detail(options: EvaluationConfig) -> Measured:
    _require_whole_pictures(options, "detail")
    if options.side % 2:
        raise UserError(f"--side {options.side}: is halved for the task 'detail'; give an even number")
    plain = replace(options, enhance=False).compared()
    systems = [*plain, *_enhanced(options)] if options.enhance else plain
    result = detail.detail(options.pairs(), systems, options.reader(), options.side)
    return Measured(detail.to_markdown(result), {**_hashes(systems, {}), **result.to_dict()})


def _enhanced(options: EvaluationConfig) -> list[TrainedSystem]:
    """The networks among the systems, with their enhancer; other programs' pictures are as they are."""
    systems = [system for system in options.compared() if isinstance(system, TrainedSystem)]
    for system in systems:
        system.name += ", enhanced"
    return systems


def _style_copy(options: EvaluationConfig) -> Measured:
    pairs, systems = options.pairs(), options.compared()
    tools = {kind: options.tool(kind) for kind in ("attributes", "parser")}
    classifier = AttributePredictor(tools["attributes"], options.device)
    labels = _labels(options, pairs, classifier)
    chosen = (
        style_copy.sample_cases(labels, options.seed, options.count)
        if options.cases is None
        else cases.load_cases(options.cases, "style-copy", options.side, list(labels))
    )
    _keep_cases(options, "style-copy", chosen)
    result = style_copy.style_copy(
        pairs,
        chosen,
        labels,
        systems,
        classifier,
        Parser(tools["parser"], options.device),
        options.reader(),
        options.side,
    )
    _write_grid(options, pairs, chosen, systems)
    hashes = _hashes(systems, tools)
    return Measured(style_copy.to_markdown(result), {**hashes, **result.to_dict()})


def _smile(options: EvaluationConfig) -> Measured:
    pairs, systems = options.pairs(), options.compared()
    tools = {kind: options.tool(kind) for kind in ("attributes", "identity", "parser")}
    classifier = AttributePredictor(tools["attributes"], options.device)
    chosen = (
        smile.sample_cases(pairs, _labels(options, pairs, classifier), options.count)
        if options.cases is None
        else cases.load_cases(options.cases, "smile", options.side, pairs.keys)
    )
    _keep_cases(options, "smile", chosen)
    result = smile.smile(
        pairs,
        chosen,
        systems,
        classifier,
        open_embedding(tools["identity"], options.device),
        Parser(tools["parser"], options.device),
        options.reader(),
        options.side,
    )
    _write_grid(options, pairs, chosen, systems)
    hashes = _hashes(systems, tools)
    return Measured(smile.to_markdown(result), {**hashes, **result.to_dict()})


def _groups(options: EvaluationConfig) -> Measured:
    _require_whole_pictures(options, "groups")
    by = groups.parse_attributes(options.by)
    pairs, systems = options.pairs(), options.compared()
    tools = {kind: options.tool(kind) for kind in ("attributes", "identity", "parser")}
    classifier = AttributePredictor(tools["attributes"], options.device)
    result = groups.measure_groups(
        pairs,
        _labels(options, pairs, classifier),
        "classifier" if options.table is None else "table",
        by,
        systems,
        classifier,
        open_embedding(tools["identity"], options.device),
        Parser(tools["parser"], options.device),
        options.side,
        options.seed,
    )
    return Measured(groups.to_markdown(result), {**_hashes(systems, tools), **result.to_dict()})


def _masks(options: EvaluationConfig) -> Measured:
    vae = options.tool("mask-vae")
    manifold = MaskManifold.from_weights(vae, options.device)
    result = masks.measure_masks(options.pairs(), manifold, options.side, options.seed)
    return Measured(masks.to_markdown(result), {"mask_vae": fingerprint(vae), **result.to_dict()})


def _attributes(options: EvaluationConfig) -> Measured:
    classifier = options.tool("attributes")
    result = attributes.classify(options.labelled(), AttributePredictor(classifier, options.device))
    return Measured(attributes.to_markdown(result), {"attributes": fingerprint(classifier), **result.to_dict()})


def _verification(options: EvaluationConfig) -> Measured:
    network = options.tool("identity")
    result = verification.verify(options.labelled(), open_embedding(network, options.device))
    return Measured(verification.to_markdown(result), {"identity": fingerprint(network), **result.to_dict()})


TASKS: Mapping[str, Callable[[EvaluationConfig], Measured]] = MappingProxyType(
    {
        "reconstruct": _reconstruct,
        "style-copy": _style_copy,
        "smile": _smile,
        "interactive": _interactive,
        "groups": _groups,
        "detail": _detail,
        "masks": _masks,
        "attributes": _attributes,
        "verification": _verification,
    }
)
"""Each task of ``maskgan evaluate``."""


def _require_whole_pictures(options: EvaluationConfig, task: str) -> None:
    if options.blend != "full":
        raise UserError(f"--blend: {task!r} changes no mask, so with 'region' every picture would stay as it is")


def _labels(options: EvaluationConfig, pairs: PairCollection, classifier: AttributePredictor) -> cases.Labels:
    """What the table says of the faces; without one, what the classifier sees in their photographs."""
    if options.table is None:
        return {key: classifier(pairs[index].picture) for index, key in enumerate(pairs.keys)}
    table = read_label_table(options.table).attributes
    found = {key: table[key] for key in pairs.keys if key in table}
    if not found:
        raise UserError(f"{options.table}: has attributes of none of the chosen faces")
    return found


def _keep_cases(options: EvaluationConfig, task: str, chosen: list[cases.Case]) -> None:
    if options.save_cases is not None:
        cases.save_cases(options.save_cases, task, options.side, chosen)


def _write_grid(
    options: EvaluationConfig, pairs: PairCollection, chosen: list[cases.Case], systems: list[ComparedSystem]
) -> None:
    if options.grid is not None:
        requests = case_requests(pairs, chosen[:_GRID_ROWS], options.side)
        write_picture(options.grid, request_grid(requests, systems))


def _hashes(systems: Iterable[ComparedSystem], tools: Mapping[str, Path]) -> dict[str, Any]:
    measuring = {kind: fingerprint(path) for kind, path in tools.items()}
    return {"weights": {system.name: system.fingerprint for system in systems}, **measuring}
