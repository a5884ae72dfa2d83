"""Mixed precision on any processor."""

import pytest
import torch
from torch import nn

from training.precision import PRECISIONS, Precision, Stepper, fastest

CPU = torch.device("cpu")


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 2)


def taken(precision: Precision, scale: float = 1.0) -> tuple[nn.Linear, Stepper]:
    """A model and its stepper after one step from a loss of some scale."""
    model, stepper = linear(), Stepper(CPU, precision, largest_gradient=5.0)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    with stepper.mixed():
        answer = model(torch.arange(8.0).view(2, 4) / 8)
    stepper.backward(answer.float().square().mean() * scale)
    stepper.step(model, [optimiser])
    return model, stepper


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_step_is_nearly_the_same_in_any_precision(precision: Precision) -> None:
    exact, _ = taken("float32")
    model, _ = taken(precision)
    assert not torch.equal(model.weight, linear().weight)
    torch.testing.assert_close(model.weight, exact.weight, rtol=1e-2, atol=2e-3)


def test_answers_are_in_the_precision_asked_for() -> None:
    dtypes = []
    for precision in PRECISIONS:
        with Stepper(CPU, precision, 1.0).mixed():
            dtypes.append(linear()(torch.zeros(1, 4)).dtype)
    assert dtypes == [torch.float32, torch.bfloat16, torch.float16]


def test_a_step_that_overflows_is_left_out_and_the_next_is_scaled_less() -> None:
    model, stepper = taken("float16", scale=1e36)
    assert torch.equal(model.weight, linear().weight)
    _, calm = taken("float16")
    assert stepper.state_dict()["scale"] < calm.state_dict()["scale"]
    again = Stepper(CPU, "float16", 5.0)
    again.load_state_dict(stepper.state_dict())
    assert again.state_dict()["scale"] == stepper.state_dict()["scale"]


def test_the_fastest_is_one_that_there_is() -> None:
    assert fastest(CPU) in PRECISIONS
