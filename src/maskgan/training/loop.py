"""The training loop, the same for every stage.

All that evolves sits in the stage's networks and optimizers and in ``Progress``. All randomness follows from the seed,
the step and the process (see ``maskgan.seeding``), so a run that was stopped resumes as if nothing had happened.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, TypeVar

import torch

from maskgan import distributed
from maskgan.data.batches import Batch
from maskgan.data.transforms import sample_augment_params
from maskgan.errors import MaskGANError, UserError
from maskgan.files import make_folder
from maskgan.seeding import stream_seed, torch_stream
from maskgan.training.config import TrainingConfig
from maskgan.training.dataloaders import Dataloaders, Source, dataloader_factory
from maskgan.training.finiteness import non_finite_loss, non_finite_tensor
from maskgan.training.interrupts import Deadline, stop_request
from maskgan.training.run_folder import RunFolder
from maskgan.training.schedule import Progress, ema_decay, learning_rate, resolution_at, warmup_decay
from maskgan.training.stage import Losses, Stage
from maskgan.training.validation import validation_loss

_STATUS_SECONDS = 10.0
BatchT = TypeVar("BatchT", bound=Batch)

_log = logging.getLogger(__name__)


def train(
    stage: Stage[BatchT],
    config: TrainingConfig,
    source: Source,
    folder: Path,
    deadline: Deadline | None = None,
    run_root: Path | None = None,
) -> Progress:
    """Train ``stage`` until its budget is spent, or resume the run in ``folder``.

    Args:
        stage: networks and optimizers, freshly initialised.
        config: the run's options.
        source: the data set that ``config.data`` names.
        folder: the run folder.
        deadline: when to stop and save before the budget is spent; at least one step is made.
        run_root: folder of a run of several stages; files in it are outputs of its other stages (see ``RunFolder``).

    Returns:
        Where the run stands at its end.

    Raises:
        UserError: the folder holds another run, or another process trains it, or the batch cannot be split evenly.
        KeyboardInterrupt: the run was asked to stop; its state is saved.
        MaskGANError: a loss or a parameter is no longer finite; what was saved before is left as it is.
    """
    if config.batch_size % distributed.world_size():
        raise UserError(
            f"--batch-size {config.batch_size} cannot be split evenly over {distributed.world_size()} processes"
        )
    open_dataloaders = dataloader_factory(config, source)
    with ExitStack() as held:
        run_folder = RunFolder(folder, run_root)
        if distributed.is_main_process():
            held.enter_context(run_folder.locked(config))
        distributed.barrier()
        return _Run(stage, config, open_dataloaders, run_folder).go(deadline or Deadline())


class _Run(Generic[BatchT]):
    """One process's part in a run. All decide alike: by the step, and by a time on which they agree."""

    def __init__(
        self,
        stage: Stage[BatchT],
        config: TrainingConfig,
        open_dataloaders: Callable[[], Dataloaders[BatchT]],
        folder: RunFolder,
    ) -> None:
        self.stage, self.config, self.folder = stage, config, folder
        self.progress = Progress()
        self.saved_images: int | None = None
        self._restore()
        self._open_dataloaders = open_dataloaders

    def go(self, deadline: Deadline) -> Progress:
        if self._fraction() >= 1:
            _log.info("the run in %s has spent its budget; raise it to continue", self.folder.path)
            return self.progress
        self.dataloaders = self._open_dataloaders()
        config, progress = self.config, self.progress
        started = time.monotonic()
        before = last_status = last_snapshot = last_samples = progress.seconds
        images_at_status = progress.images
        with stop_request() as stop:
            for faces in self.dataloaders.train.batches(progress.step):
                losses = self._step(faces)
                seconds = before + time.monotonic() - started
                progress.seconds, interrupted, due = distributed.all_reduce_max(seconds, stop.received, deadline.passed)
                finished = self._fraction() >= 1
                stopped = interrupted or due
                status_due = finished or progress.seconds - last_status >= _STATUS_SECONDS
                samples_due = finished or progress.seconds - last_samples >= 60 * config.sample_minutes
                save_due = finished or stopped or progress.seconds - last_snapshot >= 60 * config.snapshot_minutes
                if status_due or samples_due or save_due:
                    # Before anything is written.
                    self._require_finite(losses, with_tensors=bool(samples_due or save_due))
                if status_due:
                    rate = (progress.images - images_at_status) / max(progress.seconds - last_status, 1e-9)
                    self._report(losses, rate)
                    last_status, images_at_status = progress.seconds, progress.images
                if samples_due:
                    self._save_samples()
                    last_samples = progress.seconds
                if save_due:
                    self._validate()
                    self._save()
                    last_snapshot = progress.seconds
                if stopped and not finished:
                    _log.info("stopped and saved after %d images; the same command resumes", progress.images)
                if interrupted:
                    raise KeyboardInterrupt
                if finished or due:
                    break
        return progress

    def _step(self, faces: BatchT) -> Losses:
        config, progress = self.config, self.progress
        fraction = self._fraction()
        for optimizer in self.stage.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config.learning_rate, fraction, config.lr_decay_start)
        # What the networks and losses draw; each process draws for its own samples.
        torch.manual_seed(stream_seed(config.seed, "step", rank=distributed.rank(), step=progress.step))
        faces = faces.to(config.device).prepared(resolution_at(config.phases, fraction))
        # Drawn for the whole batch, of which each process takes its part.
        params = sample_augment_params(
            config.batch_size, config.augment, torch_stream(config.seed, "augmentation", step=progress.step)
        )
        faces = faces.augmented(config.augment, distributed.shard(params))
        decay = ema_decay(config.ema_halflife_kimg, config.batch_size)
        if not config.ema_starts_trained:
            decay = min(decay, warmup_decay(progress.step + 1))
        losses = self.stage.train_step(faces, decay)
        progress.step += 1
        progress.images += config.batch_size
        return losses

    def _fraction(self) -> float:
        return self.progress.fraction(self.config.images, self.config.minutes)

    def _report(self, losses: Losses, images_per_second: float) -> None:
        means = distributed.all_reduce_mean(losses)
        if not distributed.is_main_process():
            return
        progress, fraction = self.progress, self._fraction()
        values = {name: round(loss, 4) for name, loss in means.items()}
        left = progress.seconds * (1 - fraction) / max(fraction, 1e-9)
        _log.info(
            "%5.1f%%  %d images  %.1f/s  %s left  %d px  %s",
            100 * fraction,
            progress.images,
            images_per_second,
            _clock(left),
            resolution_at(self.config.phases, fraction),
            "  ".join(f"{name} {value:.3f}" for name, value in values.items()),
        )
        self.folder.append_stats(
            {
                "step": progress.step,
                "images": progress.images,
                "seconds": round(progress.seconds, 1),
                "images_per_second": round(images_per_second, 2),
                **values,
            }
        )

    def _require_finite(self, losses: Losses, with_tensors: bool) -> None:
        """Stop all processes if a loss of one is not finite, or, ``with_tensors``, a number that would be saved."""
        problem = non_finite_loss(losses)
        if with_tensors and not problem:
            problem = non_finite_tensor(self.stage.networks, self.stage.optimizers)
        if not distributed.all_reduce_max(float(bool(problem)))[0]:
            return
        problem = next(filter(None, distributed.all_gather_objects(problem)))
        kept = (
            "nothing was saved yet"
            if self.saved_images is None
            else f"{self.folder.path} keeps the state after {self.saved_images} images"
        )
        raise MaskGANError(
            f"{problem} at step {self.progress.step}; {kept}; try a lower --learning-rate or --precision fp32"
        )

    def _save_samples(self) -> None:
        if not distributed.is_main_process():
            return
        side = resolution_at(self.config.phases, self._fraction())
        grid = self.stage.samples(self.dataloaders.grid_samples.to(self.config.device).prepared(side))
        self.folder.save_samples(self.progress.images, grid)

    def _save(self) -> None:
        if distributed.is_main_process():
            self.folder.save_state(
                {
                    "progress": vars(self.progress),
                    "networks": {name: network.state_dict() for name, network in self.stage.networks.items()},
                    "optimizers": {name: optimizer.state_dict() for name, optimizer in self.stage.optimizers.items()},
                }
            )
            self.stage.export(self.folder.path, self.progress)
            if self.config.keep_last:
                self.folder.save_snapshot(f"{self.progress.images:09d}", self.config.keep_last)
        self.saved_images = self.progress.images
        distributed.barrier()

    def _validate(self) -> None:
        """Compute the validation loss, and keep the weights if it is the lowest so far."""
        if self.dataloaders.val_set is None or not distributed.is_main_process():
            return
        loss = validation_loss(self.stage, self.config, self.dataloaders.val_set)
        self.folder.append_stats({"step": self.progress.step, "images": self.progress.images, "val_loss": loss})
        if loss < self.progress.best:
            self.progress.best = loss
            self.stage.export(make_folder(self.folder.path / "best"), self.progress)

    def _restore(self) -> None:
        state = self.folder.load_state(self.config.device)
        if state is None:
            return
        self.progress = Progress(**state["progress"])
        self.saved_images = self.progress.images
        spent = self._fraction() >= 1
        exported = self.folder.has_weights(self.stage.networks, self.progress.images)
        if spent and exported:
            return
        if not (
            self.stage.networks.keys() <= state["networks"].keys()
            and self.stage.optimizers.keys() <= state["optimizers"].keys()
        ):
            if spent:  # packed without what is needed to resume, perhaps without its weights
                return
            raise UserError(
                f"{self.folder.path}: was packed when it had spent its budget, without what is needed to resume; "
                "repeat its command with that budget, or resume it where it was trained"
            )
        for name, network in self.stage.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimizer in self.stage.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
            _lay_out_as_parameters(optimizer.state.items())
        if not exported and distributed.is_main_process():
            # The run was cut off after its state was saved and before its weights were.
            self.stage.export(self.folder.path, self.progress)
        if not spent:
            _log.info("resuming after %d images", self.progress.images)


def _lay_out_as_parameters(moments: Iterable[tuple[torch.Tensor, dict[str, torch.Tensor]]]) -> None:
    """Order moments in memory like their parameters, which fused Adam takes for granted and a packed state is not."""
    for parameter, of_parameter in moments:
        for name, moment in of_parameter.items():
            if moment.shape == parameter.shape and moment.stride() != parameter.stride():
                of_parameter[name] = torch.empty_like(parameter).copy_(moment)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
