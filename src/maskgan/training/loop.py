"""The training loop, the same for every stage.

All that evolves sits in the stage's networks and optimizers and in ``Progress``. Randomness follows from the seed and
the step, so a run that was stopped and goes on learns what it would have learnt.
"""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import torch

from maskgan.data.loading import BatchLoader
from maskgan.data.pairs import PairCollection
from maskgan.data.transforms import augment, resize_batch, to_float
from maskgan.errors import MaskGANError
from maskgan.training.config import TrainingConfig
from maskgan.training.run_folder import RunFolder
from maskgan.training.schedule import Progress, ema_decay, learning_rate, resolution_at
from maskgan.training.stage import Losses, Stage
from maskgan.training.stopping import stop_request

_STATUS_SECONDS = 10.0
_SAMPLES = 8
_log = logging.getLogger(__name__)


def train(stage: Stage, config: TrainingConfig, pairs: PairCollection, folder: Path) -> Progress:
    """Train ``stage`` until its budget is spent, or go on with the run in ``folder``.

    Returns:
        Where the run stands at its end.

    Raises:
        UserError: the folder holds another run, or one that is going on.
        KeyboardInterrupt: the run was asked to stop; its state is saved.
        MaskGANError: a loss is no longer finite; the last saved state is left as it is.
    """
    with RunFolder(folder).claimed(config) as run_folder:
        return _Run(stage, config, pairs, run_folder).go()


class _Run:
    def __init__(self, stage: Stage, config: TrainingConfig, pairs: PairCollection, folder: RunFolder) -> None:
        self.stage, self.config, self.folder = stage, config, folder
        self.progress = Progress()
        self._restore()
        self.loader = BatchLoader(
            pairs,
            side=config.final_side,
            batch_size=config.batch_size,
            seed=config.seed,
            cache_bytes=int(config.cache_gigabytes * 2**30),
            workers=config.workers,
        )
        self.shown = self.loader.first(_SAMPLES)

    def go(self) -> Progress:
        if self._fraction() >= 1:
            _log.info("the run in %s has spent its budget; give it more to go on", self.folder.path)
            return self.progress
        started = last_status = last_snapshot = last_samples = time.monotonic()
        spent_before, images_at_status = self.progress.seconds, self.progress.images
        with stop_request() as stop:
            for pictures, label_maps in self.loader.batches(self.progress.step):
                losses = self._step(pictures, label_maps)
                now = time.monotonic()
                self.progress.seconds = spent_before + now - started
                finished = self._fraction() >= 1
                if now - last_status >= _STATUS_SECONDS or finished:
                    self._report(losses, (self.progress.images - images_at_status) / (now - last_status))
                    last_status, images_at_status = now, self.progress.images
                if now - last_samples >= 60 * self.config.sample_minutes or finished:
                    self._save_samples()
                    last_samples = time.monotonic()
                if now - last_snapshot >= 60 * self.config.snapshot_minutes or finished or stop.received:
                    self._require_finite(losses)
                    self._save()
                    last_snapshot = time.monotonic()
                if stop.received:
                    _log.info("stopped and saved after %d pictures; the same command goes on", self.progress.images)
                    raise KeyboardInterrupt
                if finished:
                    break
        return self.progress

    def _step(self, pictures: torch.Tensor, label_maps: torch.Tensor) -> Losses:
        config, progress = self.config, self.progress
        fraction = self._fraction()
        for optimizer in self.stage.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config.learning_rate, fraction, config.decay_from)
        seed = (config.seed * 1_000_003 + progress.step) % 2**63
        torch.manual_seed(seed)
        images, label_maps = resize_batch(
            to_float(pictures.to(config.device, non_blocking=True)),
            label_maps.to(config.device, non_blocking=True),
            resolution_at(self.config.phases, fraction),
        )
        images, label_maps = augment(images, label_maps, config.augment, torch.Generator().manual_seed(seed))
        decay = ema_decay(config.ema_images, len(pictures), progress.images + len(pictures))
        losses = self.stage.step(images, label_maps, decay)
        progress.step += 1
        progress.images += len(pictures)
        return losses

    def _fraction(self) -> float:
        return self.progress.fraction(self.config.images, self.config.minutes)

    def _report(self, losses: Losses, images_per_second: float) -> None:
        self._require_finite(losses)
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
        self.folder.add_stats(
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
        pictures, label_maps = (tensor.to(self.config.device) for tensor in self.shown)
        side = resolution_at(self.config.phases, self._fraction())
        grid = self.stage.samples(*resize_batch(to_float(pictures), label_maps, side))
        self.folder.save_samples(f"{self.progress.images:09d}", grid)

    def _save(self) -> None:
        self.folder.save_state(
            {
                "progress": vars(self.progress),
                "networks": {name: network.state_dict() for name, network in self.stage.networks.items()},
                "optimizers": {name: optimizer.state_dict() for name, optimizer in self.stage.optimizers.items()},
            }
        )
        self.stage.export(self.folder.path, self.progress)

    def _restore(self) -> None:
        state = self.folder.load_state(self.config.device)
        if state is None:
            return
        self.progress = Progress(**state["progress"])
        for name, network in self.stage.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimizer in self.stage.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        _log.info("going on after %d pictures", self.progress.images)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
