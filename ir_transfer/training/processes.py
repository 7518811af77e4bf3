"""Communication between the processes of a training, started by torchrun or a single one."""

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
    """The processes that train one model together; one by default."""

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def seed(self, seed: int, step: int) -> None:
        """Seed torch for a step, differently in every step and process, but equally in every run.

        A resumed run, whose checkpoint only the first process has written, then draws the same numbers in each process
        as an uninterrupted one.

        Args:
            seed: Seed of the run, 0 or more.
            step: Training step, counted from 0.
        """
        torch.manual_seed(int(np.random.SeedSequence([seed, step, self.rank]).generate_state(1, np.uint64)[0]))

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module with gradients that are the mean over all processes."""
        if self.count == 1:
            return module
        # The active losses, and so the parameters with gradients, depend on step and samples.
        return DistributedDataParallel(module, find_unused_parameters=True)

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of values, of any shape, over all processes; every process gets the same result."""
        if self.count > 1:
            dist.all_reduce(values)
            values = values / self.count
        return values

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any process; every process gets the same result."""
        return flag if self.count == 1 else self.mean(torch.tensor([float(flag)], device=self.device)).item() > 0


@contextmanager
def join(device: torch.device) -> Iterator[Processes]:
    """Join the processes that torchrun started, if any, and leave them at the end of the block.

    Args:
        device: Kind of device; each process on a machine uses its own GPU.

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
