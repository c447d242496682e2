"""Random numbers by place: the published generator, and the distributions it is turned into."""

import math

import numpy as np
import pytest

from backtest.montecarlo.draws import exponential, normal, path_key, seed_key, student_size, uniform

N = 200_000
KEY = np.uint64(20_251_126)
# SplitMix64's published first outputs for the seed 1234567.
PUBLISHED = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]


def test_the_keys_of_the_paths_are_the_published_outputs_of_splitmix64() -> None:
    assert [int(path_key(np.uint64(1_234_567), path_no)) for path_no in range(5)] == PUBLISHED


def test_a_number_is_the_top_53_bits_of_its_place() -> None:
    assert [uniform(np.uint64(1_234_567), place) for place in range(5)] == [
        (output >> 11) * 2.0**-53 for output in PUBLISHED
    ]


def test_numbers_are_even_and_neighbours_do_not_know_each_other() -> None:
    numbers = np.array([uniform(KEY, place) for place in range(N)])
    counts, _ = np.histogram(numbers, bins=100, range=(0.0, 1.0))
    chi_square = float(((counts - N / 100) ** 2 / (N / 100)).sum())
    assert abs(chi_square - 99) < 5 * math.sqrt(2 * 99)
    assert abs(float(np.corrcoef(numbers[1:], numbers[:-1])[0, 1])) < 4 / math.sqrt(N)


def test_normal_numbers_have_the_moments_of_a_normal() -> None:
    """The standard errors of mean, variance and fourth moment are sqrt(1, 2, 96 / n)."""
    numbers = np.array([normal(KEY, 2 * place) for place in range(N)])
    assert abs(numbers.mean()) < 4 * math.sqrt(1 / N)
    assert abs((numbers**2).mean() - 1) < 4 * math.sqrt(2 / N)
    assert abs((numbers**4).mean() - 3) < 4 * math.sqrt(96 / N)


def test_exponential_numbers_have_their_mean() -> None:
    numbers = np.array([exponential(KEY, place, 20.0) for place in range(N)])
    assert abs(numbers.mean() - 20.0) < 4 * 20.0 / math.sqrt(N)
    assert (numbers >= 0.0).all()


@pytest.mark.parametrize("size", [0.5, 1.0, 3.0, 10.0])
def test_student_numbers_follow_the_closed_forms_of_one_and_two_degrees(size: float) -> None:
    """P(|t| < x) is 2/pi atan(x) for one degree of freedom and x / sqrt(2 + x²) for two."""
    for degrees, share in ((1.0, 2.0 / math.pi * math.atan(size)), (2.0, size / math.sqrt(2.0 + size * size))):
        below = sum(student_size(KEY, 2 * place, degrees) < size for place in range(N // 4))
        assert abs(below / (N // 4) - share) < 4 * math.sqrt(share * (1 - share) / (N // 4))


def test_neighbouring_seeds_and_paths_share_nothing() -> None:
    keys = [int(path_key(seed_key(seed), path_no)) for seed in range(40) for path_no in range(100)]
    assert len(set(keys)) == len(keys)
