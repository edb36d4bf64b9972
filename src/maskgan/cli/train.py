"""``maskgan train``: train a network, or resume a run. The options of a stage are the fields of its config."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maskgan.cli.config_options import PresetDefaults, config_options, take_options
from maskgan.cli.lines import echo_line
from maskgan.cli.options import given_options, resolve_device
from maskgan.errors import UserError
from maskgan.training.config import LossWeights, TrainingConfig
from maskgan.training.pipeline import RECIPES, recipe_options, stage_config
from maskgan.training.stage_configs import EBSTTrainingConfig, GANTrainingConfig, MaskVAETrainingConfig
from maskgan.training.stages import STAGES, StageEntry

if TYPE_CHECKING:
    from maskgan.training.runner import Runs

_log = logging.getLogger(__name__)

# What every command has beside the options of its config.
_RUN_OPTIONS = (
    # torchrun would take "--run" for one of its own options.
    click.Option(["--run", "--run-folder", "run"], required=True, type=click.Path(path_type=Path), help="Run folder."),
    click.Option(
        ["--stop-after"],
        type=click.FloatRange(min=0, min_open=True),
        metavar="MINUTES",
        help="Save and stop after this time; the same command resumes.",
    ),
    click.Option(["--no-augmentation"], is_flag=True, help="Train on the images as they are."),
    click.Option(["--dry-run"], is_flag=True, help="Print the config, read one sample, and stop."),
)

# Shared options of which a stage may have a default of its own, so one that is given counts even if it is the others'.
_OWN_DEFAULTS = ("ema_halflife_kimg", "cache_gigabytes")


@click.group("train", short_help="Train a network, or resume a run.")
def command() -> None:
    """Train a network, or resume a run: the same command again resumes it."""


def _defaults_by_preset(stage: str) -> PresetDefaults:
    """What each preset's recipe sets for a stage, loss weights under the names of their options."""
    defaults: dict[str, dict[str, Any]] = {}
    for preset_name in RECIPES:
        options = recipe_options(preset_name, stage)
        weights = options.pop("weights", None)
        named = {} if weights is None else {f"{name}_weight": value for name, value in asdict(weights).items()}
        defaults[preset_name] = options | named
    return defaults


def _stage_command(entry: StageEntry) -> click.Command:
    stage = entry.config_type.stage

    def train(**options: Any) -> None:
        run = _RunOptions(options)
        given = take_options(entry.config_type, options) | run.settings()
        _train([(run.folder, stage_config(stage, given))], run)

    return click.Command(
        stage,
        callback=train,
        params=[*_RUN_OPTIONS, *config_options(entry.config_type, _defaults_by_preset(stage))],
        help=entry.summary,
        short_help=entry.summary,
    )


for _entry in STAGES.values():
    command.add_command(_stage_command(_entry))


class _RunOptions:
    """The options of ``_RUN_OPTIONS``, and those of the machine, taken out of a command's options."""

    def __init__(self, options: dict[str, Any]) -> None:
        from maskgan.training.interrupts import Deadline

        self.deadline = Deadline(options.pop("stop_after"))  # counted from here
        self.folder: Path = options.pop("run")
        self.dry_run: bool = options.pop("dry_run")
        self._augmented = not options.pop("no_augmentation")
        self._device = resolve_device(options.pop("device"))
        self._precision = options.pop("precision") or ("fp32" if self._device == "mps" else "bf16")
        if options["minutes"] is not None and options["images"] is not None:
            raise UserError("--minutes and --images exclude each other")

    def settings(self) -> dict[str, Any]:
        """Those that are fields of a config."""
        from maskgan.data.transforms import NO_AUGMENTATION

        augment = {} if self._augmented else {"augment": NO_AUGMENTATION}
        return {"device": self._device, "precision": self._precision, **augment}


def _all_options() -> list[click.Option]:
    """The options of ``train all``; where stages differ in a default, the help text says so."""
    shared = {field.name for field in fields(TrainingConfig)}
    differing = {
        *_OWN_DEFAULTS,
        "batch_size",
        "learning_rate",
        "class_balance",
        *(f"{f.name}_weight" for f in fields(LossWeights)),
    }
    only = {"kl_weight", "strength"}
    more = [
        option
        for config_type in (MaskVAETrainingConfig, EBSTTrainingConfig)
        for option in config_options(config_type, optional=True)
        if option.name in only
    ]
    options = [
        *config_options(TrainingConfig),
        *config_options(GANTrainingConfig, without=shared, optional=True),
        *more,
    ]
    for option in options:
        if option.name in differing:
            text = (option.help or "").partition("  [default:")[0]
            option.help = f"{text}  [default: the stage's; --dry-run prints it]"
    return options


def _all_stages(
    labelled_data: str | None, table: str | None, identities: str | None, ebst: bool, **options: Any
) -> None:
    from maskgan.training.pipeline import LabelledData, pipeline

    run = _RunOptions(options)
    if labelled_data is None and (table or identities):
        raise UserError("--table and --identities say what --labelled-data shows; give its folder or tar file too")
    given = take_options(GANTrainingConfig, options) | run.settings()
    given |= {name: value for name, value in options.items() if value is not None}
    shared = {field.name for field in fields(TrainingConfig)} - {"batch_size", "learning_rate", "augment"}
    base_config = TrainingConfig(**{name: value for name, value in given.items() if name in shared})
    overrides = {name: value for name, value in given.items() if name not in shared}
    overrides |= {name: given[name] for name in given_options(click.get_current_context()) if name in _OWN_DEFAULTS}
    labelled = None if labelled_data is None else LabelledData(labelled_data, table, identities)
    runs = pipeline(base_config, run.folder, labelled, ebst=ebst, options=overrides)
    if labelled is None:
        more = "; so is expression" if any(spec.stage == "expression" for spec in RECIPES[base_config.preset]) else ""
        _log.info("without --labelled-data the attribute classifier and the identity embedding are left out%s", more)
    if _train(runs, run):
        _export(runs, base_config, run.folder / "weights")


command.add_command(
    click.Command(
        "all",
        callback=_all_stages,
        short_help="Train every network that ships, one stage after another.",
        params=[
            *_RUN_OPTIONS,
            click.Option(["--labelled-data"], help="Faces for stages that learn from labels."),
            click.Option(["--table"], help="Labels: a CSV with CelebA's columns, or list_attr_celeba.txt."),
            click.Option(["--identities"], help="Identities to train on, a range of the table's.  [default: ..9192]"),
            click.Option(
                ["--ebst/--no-ebst"], default=True, help="Whether EBST follows dense mapping.", show_default=True
            ),
            *_all_options(),
        ],
        help="""Everything that ships: MaskVAE, edit network, parser, classifier, embedding, mask directions; with
        --preset paper the published networks, dense mapping and EBST, in place of the edit network.

        Each stage has its fraction of the budget and a folder in the run folder, which in the end has a folder
        weights/ with all weights as they ship. Classifier and embedding are trained on --labelled-data, without which
        the edit network does not learn expressions either.""",
    )
)


def _export(runs: Runs, base_config: TrainingConfig, folder: Path) -> None:
    """Gather the weights in ``folder``, with the directions of the MaskVAE among them."""
    from maskgan.cli.find_directions import belongs, write_directions
    from maskgan.data.open_dataset import open_pairs
    from maskgan.data.pairs import select
    from maskgan.training.export import write_manifest, write_weights

    write_weights(runs, folder)
    _export_accessory_styles(base_config, folder)
    vae, directions = folder / "mask-vae.safetensors", folder / "mask-directions.safetensors"
    if base_config.stream:
        _log.info("mask directions are left out: 'maskgan find-directions' finds them in data that are no stream")
    elif not belongs(directions, vae):
        everything = open_pairs(base_config.data, base_config.order)
        pairs = everything if base_config.keys is None else select(everything, base_config.keys)
        _log.info("mask directions, from %d masks", len(pairs))
        try:
            write_directions(directions, pairs, vae, base_config.device)
        except UserError as error:
            _log.warning("mask directions are left out: %s", error)
    write_manifest(folder)
    echo_line(folder)


def _export_accessory_styles(base_config: TrainingConfig, folder: Path) -> None:
    """Write the styles of accessories for the edit network in ``folder``, if there is one."""
    from maskgan.cli.find_accessory_styles import write_accessory_styles
    from maskgan.editing.accessory_styles import FILE_NAME, accessory_styles_beside

    weights = folder / "edit.safetensors"
    if not weights.is_file() or accessory_styles_beside(weights):
        return
    if base_config.stream:
        _log.info(
            "accessory styles are left out: 'maskgan find-accessory-styles' finds them in data that are no stream"
        )
        return
    write_accessory_styles(folder / FILE_NAME, base_config.data, base_config.order, base_config.keys, weights)


def _train(runs: Runs, options: _RunOptions) -> bool:
    """Train each stage in its folder, or describe what would be trained.

    Returns:
        Whether all stages are done and this process has to do what follows.
    """
    from maskgan.distributed import is_main_process, process_group
    from maskgan.training.runner import describe_data, run

    if options.dry_run:
        for _, config in runs:
            click.echo(json.dumps(config.to_dict(), indent=2))
        for line in describe_data(runs):
            click.echo(line)
        return False
    with process_group(runs[0][1].device) as device:
        if not is_main_process():
            logging.getLogger("maskgan").setLevel(logging.WARNING)
        done = run([(folder, replace(config, device=device)) for folder, config in runs], options.deadline)
        return done and is_main_process()
