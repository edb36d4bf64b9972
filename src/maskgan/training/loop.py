"""The training loop, the same for every stage.

All that evolves sits in the stage's networks and optimizers and in ``Progress``. Randomness follows from the seed and
the step, so a run that was stopped and goes on learns what it would have learnt.
"""

from __future__ import annotations

import logging
import math
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
from maskgan.training.config import TrainingConfig
from maskgan.training.dataloaders import Dataloaders, Source, dataloader_factory
from maskgan.training.interrupts import Deadline, stop_request
from maskgan.training.run_folder import RunFolder
from maskgan.training.schedule import Progress, ema_decay, learning_rate, resolution_at
from maskgan.training.stage import Losses, Stage

_STATUS_SECONDS = 10.0
BatchT = TypeVar("BatchT", bound=Batch)

_log = logging.getLogger(__name__)


def train(
    stage: Stage[BatchT], config: TrainingConfig, source: Source, folder: Path, deadline: Deadline | None = None
) -> Progress:
    """Train ``stage`` until its budget is spent, or go on with the run in ``folder``.

    Args:
        stage: what learns.
        config: how, and on which of the pairs.
        source: all faces with masks that ``config.data`` names.
        folder: the record of the run.
        deadline: when to stop and save before the budget is spent; at least one step is made.

    Returns:
        Where the run stands at its end.

    Raises:
        UserError: the folder holds another run, or one that is going on, or the batch cannot be shared evenly.
        KeyboardInterrupt: the run was asked to stop; its state is saved.
        MaskGANError: a loss is no longer finite; the last saved state is left as it is.
    """
    if config.batch_size % distributed.world_size():
        raise UserError(
            f"--batch-size {config.batch_size} cannot be shared evenly by {distributed.world_size()} processes"
        )
    open_dataloaders = dataloader_factory(config, source)
    with ExitStack() as held:
        run_folder = RunFolder(folder)
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
        self._restore()
        self._open_dataloaders = open_dataloaders

    def go(self, deadline: Deadline) -> Progress:
        if self._fraction() >= 1:
            _log.info("the run in %s has spent its budget; give it more to go on", self.folder.path)
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
                if progress.seconds - last_status >= _STATUS_SECONDS or finished:
                    rate = (progress.images - images_at_status) / max(progress.seconds - last_status, 1e-9)
                    self._report(losses, rate)
                    last_status, images_at_status = progress.seconds, progress.images
                if progress.seconds - last_samples >= 60 * config.sample_minutes or finished:
                    self._save_samples()
                    last_samples = progress.seconds
                if progress.seconds - last_snapshot >= 60 * config.snapshot_minutes or finished or stopped:
                    self._require_finite(losses)
                    self._validate()
                    self._save()
                    last_snapshot = progress.seconds
                if stopped and not finished:
                    _log.info("stopped and saved after %d pictures; the same command goes on", progress.images)
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
        seed = (config.seed * 1_000_003 + progress.step) % 2**63
        torch.manual_seed(seed + distributed.rank())
        faces = faces.to(config.device).prepared(resolution_at(config.phases, fraction))
        params = sample_augment_params(config.batch_size, config.augment, torch.Generator().manual_seed(seed))
        faces = faces.augmented(config.augment, distributed.shard(params))
        decay = ema_decay(1000 * config.ema_halflife_kimg, config.batch_size, progress.images + config.batch_size)
        losses = self.stage.train_step(faces, decay)
        progress.step += 1
        progress.images += config.batch_size
        return losses

    def _fraction(self) -> float:
        return self.progress.fraction(self.config.images, self.config.minutes)

    def _report(self, losses: Losses, images_per_second: float) -> None:
        losses = distributed.all_reduce_mean(losses)
        self._require_finite(losses)
        if not distributed.is_main_process():
            return
        progress, fraction = self.progress, self._fraction()
        values = {name: round(float(loss), 4) for name, loss in losses.items()}
        left = progress.seconds * (1 - fraction) / max(fraction, 1e-9)
        _log.info(
            "%5.1f%%  %d pictures  %.1f/s  %s left  %d px  %s",
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

    def _require_finite(self, losses: Losses) -> None:
        for name, loss in losses.items():
            if not math.isfinite(float(loss)):
                raise MaskGANError(
                    f"the {name} loss is {float(loss)} at step {self.progress.step}; "
                    f"{self.folder.path} keeps the last good state; try a lower --learning-rate or --precision fp32"
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
        distributed.barrier()

    def _validate(self) -> None:
        """Measure the distance from the held-out pairs, and keep the weights if it is the smallest so far."""
        val_set = self.dataloaders.val_set
        if val_set is None or not distributed.is_main_process():
            return
        distances = []
        for start in range(0, len(val_set.pictures), self.config.batch_size):
            part = val_set.part(slice(start, start + self.config.batch_size)).to(self.config.device)
            distances.append(float(self.stage.val_loss(part.prepared(self.config.final_side))))
        distance = sum(distances) / len(distances)
        self.folder.append_stats({"step": self.progress.step, "images": self.progress.images, "validation": distance})
        if distance < self.progress.best:
            self.progress.best = distance
            self.stage.export(make_folder(self.folder.path / "best"), self.progress)

    def _restore(self) -> None:
        state = self.folder.load_state(self.config.device)
        if state is None:
            return
        self.progress = Progress(**state["progress"])
        if self._fraction() >= 1:
            return
        if not (
            self.stage.networks.keys() <= state["networks"].keys()
            and self.stage.optimizers.keys() <= state["optimizers"].keys()
        ):
            raise UserError(
                f"{self.folder.path}: was packed when it had spent its budget, without what is needed to go on; "
                "repeat its command with that budget, or go on where it was trained"
            )
        for name, network in self.stage.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimizer in self.stage.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
            _lay_out_as_parameters(optimizer.state.items())
        _log.info("going on after %d pictures", self.progress.images)


def _lay_out_as_parameters(moments: Iterable[tuple[torch.Tensor, dict[str, torch.Tensor]]]) -> None:
    """Order moments in memory like their parameters, which fused Adam takes for granted and a packed state is not."""
    for parameter, of_parameter in moments:
        for name, moment in of_parameter.items():
            if moment.shape == parameter.shape and moment.stride() != parameter.stride():
                of_parameter[name] = torch.empty_like(parameter).copy_(moment)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
