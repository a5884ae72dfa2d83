"""Several processes that train together hold one model, the one that one process would have."""

import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]

WORKER = """\
import sys
import torch
from training.team import Team

torch.set_num_threads(1)
with Team() as team:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    with torch.no_grad():
        for weight in model.parameters():
            weight += team.rank - (team.size - 1) / 2  # each begins elsewhere
        team.average(model.parameters())
    examples = torch.arange(24.0).view(4, 2, 3)[:, team.rank :: team.size]
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    for batch in examples:
        optimiser.zero_grad()
        model(batch).square().mean().backward()
        team.average(weight.grad for weight in model.parameters())
        optimiser.step()
    clock = team.first(100.0 + team.rank)
    if team.rank == team.size - 1:
        torch.save({"weight": model.weight.detach(), "clock": clock}, sys.argv[1])
"""


def trained(folder: Path, processes: int) -> dict[str, torch.Tensor]:
    script, out = folder / "worker.py", folder / f"{processes}.pt"
    script.write_text(WORKER)
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    subprocess.run(
        [sys.executable, *(launcher if processes > 1 else []), str(script), str(out)],
        check=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    loaded: dict[str, torch.Tensor] = torch.load(out, weights_only=True)
    return loaded


def test_two_processes_learn_what_one_would(tmp_path: Path) -> None:
    both, alone = trained(tmp_path, 2), trained(tmp_path, 1)
    assert both["clock"] == 100.0
    assert alone["clock"] == 100.0
    torch.testing.assert_close(both["weight"], alone["weight"])
