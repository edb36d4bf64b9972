"""``maskgan train``: train a network, or go on with a run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maskgan.cli.options import DEVICES, PRECISIONS, Decorator, resolve_device
from maskgan.errors import UserError

if TYPE_CHECKING:
    from maskgan.data.transforms import AugmentConfig
    from maskgan.training.config import CriticOptions, TrainingConfig
    from maskgan.training.interrupts import Deadline

_log = logging.getLogger(__name__)


@click.group("train", short_help="Train a network, or go on with a run.")
def command() -> None:
    """Train a network, or go on with a run: the same command again resumes it."""


def _run_options(learning_rate: float | None, batch_size: int | None) -> Decorator:
    """The options that every stage has; defaults differ, and those that depend on a stage may be left to it."""
    options = (
        click.option("--data", required=True, help="Folder, tar file, glob of tar files, or synthetic:N."),
        click.option(
            # torchrun would take "--run" for one of its own options.
            *("--run", "--run-folder", "run"),
            required=True,
            type=click.Path(path_type=Path),
            help="The record of the run.",
        ),
        click.option("--preset", default="demo", show_default=True, help="Sizes: paper, demo or tiny."),
        click.option("--keys", help="Which pairs: ranges such as 00000..04249, or a file with a key a line.  [all]"),
        click.option("--minutes", type=float, help="Time to train; learning rate and resolution follow it."),
        click.option("--images", type=int, help="Pictures to see, in place of --minutes.  [2.4 million]"),
        click.option(
            "--stop-after",
            type=click.FloatRange(min=0, min_open=True),
            metavar="MINUTES",
            help="End this piece of the run then, with all saved; the same command goes on.",
        ),
        click.option("--resolution", type=int, help="Side of the pictures throughout.  [the preset's phases]"),
        click.option(
            "--batch-size", type=int, default=batch_size, show_default=True, help="Of all processes together."
        ),
        click.option("--learning-rate", type=float, default=learning_rate, show_default=True),
        click.option(
            "--lr-decay-start",
            type=float,
            default=0.5,
            show_default=True,
            help="Fraction of the run at full rate.",
        ),
        click.option(
            "--ema-halflife-kimg",
            type=float,
            default=1.5,
            show_default=True,
            help="Half-life of the weights' EMA, in thousands of images.",
        ),
        click.option("--precision", type=PRECISIONS, help="Type of the arithmetic.  [bf16 on cpu and cuda]"),
        click.option("--device", type=DEVICES, help="Where to compute.  [cuda if there is one, else cpu]"),
        click.option("--seed", type=int, default=0, show_default=True),
        click.option("--stream", is_flag=True, help="Read tar shards from front to back; they may be https addresses."),
        click.option("--shuffle-buffer", type=int, default=1000, show_default=True, help="Pairs, with --stream."),
        click.option("--tensorboard", is_flag=True, help="Write losses and samples for TensorBoard too."),
        click.option("--workers", type=int, default=2, show_default=True, help="Decoding threads or processes."),
        click.option("--cache-gigabytes", type=float, default=4.0, show_default=True, help="Decoded faces in memory."),
        click.option(
            "--max-bad-samples",
            type=int,
            default=20,
            show_default=True,
            help="Unreadable samples before training stops.",
        ),
        click.option("--val-keys", help="Validation pairs, as for --keys; the best weights are kept in best/."),
        click.option("--keep-last", type=int, default=0, show_default=True, help="Snapshots whose weights are kept."),
        click.option("--snapshot-minutes", type=float, default=5.0, show_default=True, help="How often to save."),
        click.option("--sample-minutes", type=float, default=5.0, show_default=True, help="How often to draw samples."),
        click.option("--licence", help="Terms of the training data, written into the weights."),
        click.option("--no-augmentation", is_flag=True, help="Show the pictures as they are."),
        click.option("--dry-run", is_flag=True, help="Print the config, read one pair, and stop."),
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_class_balance: Decorator = click.option(
    "--class-balance", type=float, help="0: pixels count alike; 1: classes do.  [the preset's recipe]"
)


def _critic_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the stages whose pictures are compared with photographs."""
    for option in (
        click.option("--adversarial-loss", type=click.Choice(["lsgan", "hinge"]), default="lsgan", show_default=True),
        click.option("--r1-weight", type=float, default=0.0, show_default=True, help="Gradient penalty at real faces."),
        click.option("--augment-critic", is_flag=True, help="Vary what the discriminators see (DiffAugment)."),
        click.option("--pixel-weight", type=float, default=0.0, show_default=True),
        click.option("--perceptual-weight", type=float, default=10.0, show_default=True),
        click.option("--feature-matching-weight", type=float, default=10.0, show_default=True),
        click.option("--adversarial-weight", type=float, help="[the preset's recipe]"),
        click.option(
            "--perceptual", default="efficientnet", show_default=True, help="Or the file of VGG-19's weights."
        ),
    ):
        function = option(function)
    return function


def _face_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the stages that train the dense mapping network."""
    function = _critic_options(function)
    for option in (
        click.option("--fusion", type=click.Choice(["sft", "concat", "none"]), help="In the style encoder.  [sft]"),
        click.option(
            "--network",
            default="",
            metavar="NAME=VALUE,...",
            help="Other sizes and choices than the preset's, such as style_encoder.regions=none.",
        ),
        click.option("--droplet-weight", type=float, help="Against blobs of speckles.  [the preset's recipe]"),
        click.option(
            "--speck-weight", type=float, help="Against specks in faces with others' masks.  [the preset's recipe]"
        ),
        click.option(
            "--expression-weight",
            type=float,
            help="Of what --face-features finds in faces with others' mouths.  [the preset's recipe]",
        ),
        click.option(
            "--style-copy-weight",
            type=float,
            help="Of what --face-features finds in faces with others' masks.  [the preset's recipe]",
        ),
        click.option("--face-weight", type=float, help="Of the distance in --face-features.  [the preset's recipe]"),
        click.option(
            "--face-features",
            default="",
            help="Weights of an attribute classifier that looks at faces, for the three terms above.",
        ),
    ):
        function = option(function)
    return function


@command.command("mask-vae")
@_run_options(learning_rate=2e-4, batch_size=16)
@click.option("--kl-weight", type=float, default=1e-5, show_default=True)
@_class_balance
def mask_vae(**options: Any) -> None:
    """MaskVAE: short codes from which masks come back."""
    _train("mask-vae", options)


@command.command("dense-mapping")
@_run_options(learning_rate=2e-4, batch_size=8)
@_face_options
@_class_balance
@click.option("--base", default="", help="Run folder to take the networks from, to go on in another way.")
@click.option("--base-weights", default="", help="Take the generator from this file, such as weights that ship.")
def dense_mapping(**options: Any) -> None:
    """Stage 1: a face from its mask and its style."""
    _train("dense-mapping", options)


@command.command("editing")
@_run_options(learning_rate=5e-5, batch_size=8)
@_face_options
@_class_balance
@click.option("--base", required=True, help="Run folder of the dense mapping network to go on from.")
@click.option("--mask-vae", default="", help="Weights file of the MaskVAE that simulates edits.")
@click.option("--edits", default="", help="Folder of 'maskgan simulate-edits', in place of --mask-vae.")
@click.option("--strength", type=float, default=2.5, show_default=True, help="Masks move by 1/strength of the way.")
def editing(mask_vae: str, edits: str, strength: float, **options: Any) -> None:
    """Stage 2: editing behaviour simulated training (EBST), with the alpha blender."""
    from maskgan.training.config import SimulationOptions

    if bool(mask_vae) == bool(edits):
        raise UserError("give either --mask-vae FILE, to simulate edits on the fly, or --edits FOLDER")
    simulation = SimulationOptions(mask_vae, edits, strength)
    _train("editing", options, simulation=simulation)


def _given_weights(options: dict[str, Any]) -> dict[str, float]:
    """Those of the losses that are not left to the recipe, taken out of ``options``."""
    from maskgan.training.config import LossWeights

    names = [field.name for field in fields(LossWeights)]
    given = {name: options.pop(f"{name}_weight", None) for name in names}
    return {name: weight for name, weight in given.items() if weight is not None}


def _critic(options: dict[str, Any]) -> CriticOptions:
    """How the discriminators learn, taken out of ``options``."""
    from maskgan.training.config import CriticOptions

    return CriticOptions(*[options.pop(name) for name in ("adversarial_loss", "r1_weight", "augment_critic")])


@command.command("enhancer")
@_run_options(learning_rate=4e-4, batch_size=4)
@_critic_options
@click.option("--base", required=True, help="Weights file of the dense mapping network whose pictures it enhances.")
def enhancer(**options: Any) -> None:
    """The enhancer, which makes pictures of twice the size sharp."""
    from maskgan.data.transforms import SHARP_AUGMENTATION

    _train("enhancer", options, augment=SHARP_AUGMENTATION)


@command.command("parser")
@_run_options(learning_rate=1e-3, batch_size=16)
@_class_balance
def parser(**options: Any) -> None:
    """The face parser, which reads a mask from a face."""
    _train("parser", options, augment=_wide())


def _label_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the stages that learn from labels."""
    for option in (
        click.option("--identities", help="People to learn from, as a range of the table's numbers: ..9000.  [all]"),
        click.option("--table", help="Labels: a CSV with CelebA's columns, or list_attr_celeba.txt."),
    ):
        function = option(function)
    return function


@command.command("attributes")
@_run_options(learning_rate=1e-3, batch_size=32)
@_label_options
def attributes(**options: Any) -> None:
    """The classifier of CelebA's 40 attributes."""
    _train("attributes", options, augment=_wide())


@command.command("identity")
@_run_options(learning_rate=3e-4, batch_size=32)
@_label_options
@click.option("--base", default="", help="Attribute classifier's weights, whose features it begins with.")
def identity(**options: Any) -> None:
    """The embedding that tells people apart."""
    _train("identity", options, augment=_wide())


@command.command("stargan")
@_run_options(learning_rate=1e-4, batch_size=16)
@_label_options
def stargan(**options: Any) -> None:
    """StarGAN, to compare with: attributes on demand."""
    _train("stargan", options)


@command.command("elegant")
@_run_options(learning_rate=2e-4, batch_size=16)
@_label_options
def elegant(**options: Any) -> None:
    """ELEGANT, to compare with: attributes exchanged between two faces."""
    _train("elegant", options)


def _wide() -> AugmentConfig:
    from maskgan.data.transforms import WIDE_AUGMENTATION

    return WIDE_AUGMENTATION


@command.command("all")
@_run_options(learning_rate=None, batch_size=None)
@_face_options
@click.option("--labelled-data", help="Faces that --table has labels for; without them nothing learns from labels.")
@click.option("--table", help="Labels: a CSV with CelebA's columns, or list_attr_celeba.txt.")
@click.option("--identities", help="People to learn from, as a range of the table's numbers.  [..9192]")
@click.option("--editing/--no-editing", default=True, show_default=True, help="Whether to end with EBST.")
@click.option("--kl-weight", type=float, default=1e-5, show_default=True)
@click.option("--class-balance", type=float, help="Of all that learn from masks.  [the recipe's]")
@click.option("--strength", type=float, default=2.5, show_default=True, help="Masks move by 1/strength of the way.")
def all_stages(**options: Any) -> None:
    """Everything that ships: MaskVAE, dense mapping, editing, enhancer, parser, classifier, embedding, mask directions.

    Each has its share of the budget and a folder in the run folder; in the end the folder weights/ in there holds all
    as they ship. Classifier and embedding learn from --labelled-data.
    """
    from maskgan.training.config import SimulationOptions
    from maskgan.training.interrupts import Deadline
    from maskgan.training.pipeline import LabelledData, pipeline

    deadline = Deadline(options.pop("stop_after"))
    folder, dry_run = options.pop("run"), options.pop("dry_run")
    faces, table, identities = (options.pop(name) for name in ("labelled_data", "table", "identities"))
    if faces is None and (table or identities):
        raise UserError("--table and --identities say what --labelled-data shows; give its folder or tar file too")
    recipe = {name: options.pop(name) for name in ("editing", "batch_size", "learning_rate", "class_balance")}
    recipe["weights"] = _given_weights(options)
    simulation = SimulationOptions(strength=options.pop("strength"))
    whole = _config("all", options, simulation=simulation, critic=_critic(options))
    labelled = None if faces is None else LabelledData(faces, table, identities)
    parts = pipeline(whole, folder, labelled, **recipe)
    if labelled is None:
        _log.info("without --labelled-data the attribute classifier and the identity embedding are left out")
    if _run(parts, deadline, dry_run):
        _finish(parts, whole, folder / "weights")


def _finish(parts: Sequence[tuple[Path, TrainingConfig]], whole: TrainingConfig, folder: Path) -> None:
    """Gather the weights in ``folder``, with the directions of the MaskVAE among them."""
    from maskgan.cli.find_directions import belongs, write_directions
    from maskgan.data.open_dataset import open_pairs
    from maskgan.data.pairs import select
    from maskgan.training.export import write_manifest, write_weights

    write_weights(parts, folder)
    vae, directions = folder / "mask-vae.safetensors", folder / "mask-directions.safetensors"
    if whole.stream:
        _log.info("mask directions are left out: 'maskgan find-directions' finds them in data that are no stream")
    elif not belongs(directions, vae):
        everything = open_pairs(whole.data)
        pairs = everything if whole.keys is None else select(everything, whole.keys)
        _log.info("mask directions, from %d masks", len(pairs))
        try:
            write_directions(directions, pairs, vae, whole.device)
        except UserError as error:
            _log.warning("mask directions are left out: %s", error)
    write_manifest(folder)
    click.echo(folder)


def _train(stage: str, options: dict[str, Any], **more: Any) -> None:
    from maskgan.training.config import FACE_TERMS
    from maskgan.training.interrupts import Deadline
    from maskgan.training.pipeline import stage_spec

    deadline = Deadline(options.pop("stop_after"))
    folder, dry_run = options.pop("run"), options.pop("dry_run")
    if options.get("class_balance", 0) is None:
        options["class_balance"] = stage_spec(options["preset"], stage).class_balance
    if "adversarial_weight" in options:
        weights = _given_weights(options)
        if not options.get("face_features"):
            weights = {**dict.fromkeys(FACE_TERMS, 0.0), **weights}
        more["weights"] = replace(stage_spec(options["preset"], stage).weights, **weights)
        more["critic"] = _critic(options)
    _run([(folder, _config(stage, options, **more))], deadline, dry_run)


def _config(stage: str, options: dict[str, Any], **more: Any) -> TrainingConfig:
    from maskgan.data.transforms import NO_AUGMENTATION
    from maskgan.training.config import TrainingConfig

    options["device"] = resolve_device(options["device"])
    options["precision"] = options["precision"] or ("fp32" if options["device"] == "mps" else "bf16")
    if options.pop("no_augmentation"):
        more["augment"] = NO_AUGMENTATION
    if options["minutes"] is not None and options["images"] is not None:
        raise UserError("--minutes and --images exclude each other")
    given = {name: value for name, value in options.items() if value is not None}
    return TrainingConfig(stage=stage, **given, **more)


def _run(parts: Sequence[tuple[Path, TrainingConfig]], deadline: Deadline, dry_run: bool) -> bool:
    """Train each part in its folder, or print what would be; whether this process has to do what follows."""
    from maskgan.cli.running import describe, run
    from maskgan.distributed import is_main_process, process_group

    if dry_run:
        describe(parts)
        return False
    with process_group(parts[0][1].device) as device:
        if not is_main_process():
            logging.getLogger("maskgan").setLevel(logging.WARNING)
        done = run([(folder, replace(config, device=device)) for folder, config in parts], deadline)
        return done and is_main_process()
