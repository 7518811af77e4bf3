"""Published values."""

from __future__ import annotations

from ir_transfer.evaluation.report import TAGS, published_tables, read_published


def test_every_value_has_a_source() -> None:
    figures = read_published()
    assert len(figures) > 50
    for figure in figures:
        assert figure.tag in TAGS
        assert figure.band in {"lwir", "nir"}
        assert figure.source
        float(figure.value)


def test_tables_contain_every_value_of_their_band() -> None:
    figures = read_published()
    for band in ("lwir", "nir", "any"):
        tables = published_tables(band, figures)
        wanted = [f for f in figures if band in {"any", f.band}]
        assert sum(len(values) for t in tables for _, values, _ in t.rows) == len(wanted)
    (ranus,) = (t for t in published_tables("nir", figures) if t.dataset == "RANUS")
    assert ("Pix2Next", {"PSNR": "20.83", "SSIM": "0.803", "FID": "28.0", "LPIPS": "0.107"}, "P") in ranus.rows
