from dataclasses import replace

import pytest

from ir_transfer.training.validate import Scores, UnpairedScores


@pytest.mark.parametrize(("column", "worse"), [("psnr", -1.0), ("perceptual", 0.1), ("hot", 0.1), ("contrast", -0.2)])
def test_every_column_ranks_by_its_own_sign(column: str, worse: float) -> None:
    scores = Scores(psnr=15.0, perceptual=0.3, edges=0.5, hot=0.2, contrast=0.7)
    before = getattr(scores, column)
    assert replace(scores, **{column: before + worse}).rank > scores.rank
    assert replace(scores, **{column: before - worse}).rank < scores.rank


@pytest.mark.parametrize(("column", "worse"), [("look", 0.1), ("tones", 0.1), ("edges", -0.1)])
def test_every_column_without_a_truth_ranks_by_its_own_sign(column: str, worse: float) -> None:
    scores = UnpairedScores(look=0.3, tones=0.2, edges=0.4)
    before = getattr(scores, column)
    assert replace(scores, **{column: before + worse}).rank > scores.rank
    assert replace(scores, **{column: before - worse}).rank < scores.rank


def test_fog_ranks_behind_a_picture_with_the_contrast_of_the_truth() -> None:
    fog = Scores(psnr=15.5, perceptual=0.27, edges=0.9, hot=0.18, contrast=0.5)
    clear = Scores(psnr=14.8, perceptual=0.27, edges=0.9, hot=0.18, contrast=0.95)
    assert clear.rank < fog.rank
    assert Scores(psnr=13.0, perceptual=0.27, edges=0.9, hot=0.18, contrast=1.4).rank > clear.rank


def test_without_a_truth_the_exemplars_look_and_the_photographs_edges_rank() -> None:
    good = UnpairedScores(look=0.2, tones=0.05, edges=0.8)
    assert good.rank < UnpairedScores(look=0.2, tones=0.05, edges=0.3).rank
    assert good.rank < UnpairedScores(look=0.4, tones=0.05, edges=0.8).rank
    assert good.rank == UnpairedScores(look=0.2, tones=0.05, edges=1.0).rank
