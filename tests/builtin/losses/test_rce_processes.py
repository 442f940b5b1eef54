"""rce in two CPU processes against one process with the joined batch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.distributed as dist

from imbalkit.functional.rce import ESTIMATORS, RecallCrossEntropy

pytestmark = pytest.mark.slow  # two processes


def steps():
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        yield torch.randn(16, 3, generator=generator), torch.randint(3, (16,), generator=generator)


def follow(rank, world):
    """Train on this process's rows: the loss of each step and the weights at the end, for each estimator."""
    results = {}
    for estimator in ESTIMATORS:
        module, losses = RecallCrossEntropy(3, estimator), []
        for logits, targets in steps():
            losses.append(module(logits[rank::world], targets[rank::world]))
            module.epoch_finished()
        module.eval()
        if rank == 0:  # evaluation waits for nobody
            module(logits, targets)
        results[estimator] = (torch.stack(losses), module.class_weights())
    return results


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.save(follow(rank, 2), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch is built without distributed")
def test_two_processes_weigh_as_one_with_the_joined_batch(tmp_path):
    both = [subprocess.Popen([sys.executable, __file__, str(rank), str(tmp_path)]) for rank in (0, 1)]
    assert [process.wait(300) for process in both] == [0, 0]
    one, *two = follow(0, 1), torch.load(tmp_path / "0.pt"), torch.load(tmp_path / "1.pt")
    for estimator in ESTIMATORS:
        losses, weights = one[estimator]
        assert weights.unique().numel() > 1
        assert torch.equal(weights, two[0][estimator][1])
        assert torch.equal(weights, two[1][estimator][1])
        torch.testing.assert_close((two[0][estimator][0] + two[1][estimator][0]) / 2, losses)


if __name__ == "__main__":  # one of the two processes
    work(int(sys.argv[1]), sys.argv[2])
