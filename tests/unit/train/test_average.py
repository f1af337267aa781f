import torch

from easyportrait.train.engine import moving_average


def test_the_average_forgets_its_beginning_and_then_moves_slowly() -> None:
    average = moving_average(0.998)
    value = torch.tensor([100.0])
    for count in range(1, 200):
        value = average(value, torch.tensor([1.0]), torch.tensor(count))
    assert value.item() < 1.01
    late = average(torch.tensor([0.0]), torch.tensor([1.0]), torch.tensor(100_000))
    assert abs(late.item() - 0.002) < 1e-6


def test_counters_are_taken_over_as_they_are() -> None:
    assert moving_average(0.9)(torch.tensor(3), torch.tensor(8), torch.tensor(5)).item() == 8
