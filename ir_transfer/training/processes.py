"""One process or many: what torchrun started, and how they agree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ir_transfer.errors import InputError

_TIMEOUT = timedelta(hours=2)  # the other processes wait while the first one validates


@dataclass(frozen=True)
class Processes:
    """The processes that train one model together; one by default.

    Attributes:
        rank: Number of this one.
        count: How many there are.
        device: Where this one computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def seed(self, seed: int, step: int) -> None:
        """Seed what torch draws in a step: other numbers in every step and process, the same in every run.

        So a run that goes on from a checkpoint, which the first process alone has written, draws in each process
        what an uninterrupted one does, whatever was drawn between the steps.

        Args:
            seed: Of the run, 0 or more.
            step: Of the training, counted from 0.
        """
        torch.manual_seed(int(np.random.SeedSequence([seed, step, self.rank]).generate_state(1, np.uint64)[0]))

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module with gradients that are the mean over all processes."""
        if self.count == 1:
            return module
        # Which losses are active changes with the step and the samples, and with them the parameters that take part.
        return DistributedDataParallel(module, find_unused_parameters=True)

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over all processes, the same in all of them."""
        if self.count > 1:
            dist.all_reduce(values)
            values = values / self.count
        return values

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any process, the same in all of them."""
        return flag if self.count == 1 else self.mean(torch.tensor([float(flag)], device=self.device)).item() > 0


@contextmanager
def join(device: torch.device) -> Iterator[Processes]:
    """Join the processes that torchrun started, if it did; leave them at the end.

    Args:
        device: The kind to compute on; each process of a machine takes a GPU of its own.

    Raises:
        InputError: More processes than GPUs.
    """
    count, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    if count == 1:
        yield Processes(device=device)
        return
    if device.type == "cuda":
        if local >= torch.cuda.device_count():
            raise InputError(
                f"expected a GPU for each process, got {torch.cuda.device_count()} for process {local}: "
                "lower torchrun's --nproc-per-node, or pass --device cpu"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    try:
        yield Processes(dist.get_rank(), count, device)
    finally:
        dist.destroy_process_group()
