from __future__ import annotations

from pathlib import Path

import pytest

from ir_transfer.conversion.video.read_video import open_video
from ir_transfer.errors import DecodeError
from tests.conversion.video.clips import moving, write_clip

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{name}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile {name}\n"


@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".ts"])
@pytest.mark.parametrize("text", [HLS, CONCAT], ids=["hls", "concat"])
def test_playlists_open_no_other_file(text: str, suffix: str, tmp_path: Path) -> None:
    write_clip(tmp_path / "other.ts", moving(5))
    with open_video(tmp_path / "other.ts"):
        pass
    path = tmp_path / f"drive{suffix}"
    path.write_text(text.format(name="other.ts"))
    with pytest.raises(DecodeError, match="drive"), open_video(path):
        pass
