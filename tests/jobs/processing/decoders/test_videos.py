"""What is made of videos, by the program that the worker runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.processing.decoders.protocol import Bounds, Made, Progress
from tests.helpers.media import colour, encoded, is_near, opened, photo
from tests.helpers.videos import ffmpeg, report, run, video
from tests.jobs.processing.decoders.children import Decoded, Decoder, finished

FORMATS = {
    "video/mp4": ("a.mp4", ()),
    "video/quicktime": ("a.mov", ()),
    "video/x-m4v": ("a.m4v", ("-f", "mp4")),
    "video/webm": ("a.webm", ("-c:v", "libvpx", "-c:a", "libopus")),
    "video/x-matroska": ("a.mkv", ()),
}
DAMAGED = "The video is damaged or incomplete, or has no pictures."


@pytest.fixture
def decode_video(decode: Decoder) -> Decoder:
    """Decodes by the ffmpeg that Haulage finds."""

    class WithFfmpeg(Decoder):
        def __call__(self, detected: str, content: bytes | Path, **options: object) -> Decoded:
            return super().__call__(detected, content, **{"ffmpeg": str(ffmpeg())} | options)  # type: ignore[arg-type]

    return WithFfmpeg(decode.folder)


@pytest.mark.parametrize("detected", FORMATS)
def test_a_poster_and_a_conversion_are_made_of_each_format(
    decode_video: Decoder, tmp_path: Path, detected: str
) -> None:
    name, options = FORMATS[detected]
    decoded = decode_video(detected, video(tmp_path / name, size="1280x720", options=options))
    assert finished(decoded)
    assert (decoded.probe.width, decoded.probe.height) == (1280, 720)
    assert decoded.probe.duration == pytest.approx(1, abs=0.1)
    assert decoded.made == {"poster": Made("poster", 854, 480), "video": Made("video", 852, 480)}
    poster = opened(decoded.path("poster"))
    assert poster.get("vips-loader") == "webpload"
    assert is_near(colour(poster, 0.2, 0.5), [255, 0, 0])
    assert is_near(colour(poster, 0.8, 0.5), [0, 0, 255])
    made = report(decoded.path("video"))
    assert "Video: h264" in made
    assert "yuv420p" in made
    assert "Audio: aac" in made
    content = decoded.path("video").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it plays while it is loaded"


def test_a_turned_video_is_made_upright(decode_video: Decoder, tmp_path: Path) -> None:
    """A phone writes what it films on its side with a matrix that turns it."""
    plain = video(tmp_path / "plain.mp4", size="640x320")
    turned = tmp_path / "turned.mp4"
    run("-display_rotation", "90", "-i", str(plain), "-c", "copy", str(turned))
    decoded = decode_video("video/mp4", turned)
    assert (decoded.probe.width, decoded.probe.height) == (320, 640)
    assert decoded.made == {"poster": Made("poster", 320, 640), "video": Made("video", 320, 640)}
    poster = opened(decoded.path("poster"))
    assert is_near(colour(poster, 0.5, 0.9), [255, 0, 0])
    assert is_near(colour(poster, 0.5, 0.1), [0, 0, 255])


def test_pixels_become_square(decode_video: Decoder, tmp_path: Path) -> None:
    wide = video(tmp_path / "wide.mp4", size="360x288", options=("-vf", "setsar=64/45"))
    assert decode_video("video/mp4", wide).made == {
        "poster": Made("poster", 512, 288),
        "video": Made("video", 512, 288),
    }


def test_small_videos_are_not_enlarged_and_sides_become_even(decode_video: Decoder, tmp_path: Path) -> None:
    odd = video(tmp_path / "odd.webm", size="33x17", options=("-c:v", "libvpx", "-pix_fmt", "yuv420p"), sound=False)
    assert decode_video("video/webm", odd).made == {"poster": Made("poster", 32, 16), "video": Made("video", 32, 16)}


def test_a_video_without_sound_or_of_one_frame_is_converted(decode_video: Decoder, tmp_path: Path) -> None:
    one = video(tmp_path / "one.mp4", seconds=0.1, sound=False)
    decoded = decode_video("video/mp4", one)
    assert set(decoded.made) == {"poster", "video"}
    assert "Audio" not in report(decoded.path("video"))


def test_metadata_is_removed(decode_video: Decoder, tmp_path: Path) -> None:
    marks = ("location=+52.5186+013.4081/", "title=AtHomeInBed", "comment=SpyCamera")
    options = [word for mark in marks for word in ("-metadata", mark)]
    spied = video(tmp_path / "spied.mov", options=tuple(options))
    assert all(mark.partition("=")[2].encode() in spied.read_bytes() for mark in marks)
    decoded = decode_video("video/quicktime", spied)
    assert set(decoded.made) == {"poster", "video"}
    for name in decoded.made:
        content = decoded.path(name).read_bytes()
        assert not any(mark.partition("=")[2].encode() in content for mark in marks)


def test_titles_that_look_like_a_report_change_nothing(decode_video: Decoder, tmp_path: Path) -> None:
    lie = "x\n  Duration: 99:00:00.00, start\n  Stream #0:0: Video: h264, yuv420p, 99999x99999\n"
    decoded = decode_video("video/mp4", video(tmp_path / "lie.mp4", options=("-metadata", f"title={lie}")))
    assert (decoded.probe.width, decoded.probe.height) == (320, 180)
    assert decoded.probe.duration == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("indent", ["  ", "    "], ids=["ffmpeg 5 and newer", "ffmpeg 4"])
def test_the_reports_of_older_programs_are_read(decode: Decoder, tmp_path: Path, indent: str) -> None:
    """A program that only reports stands for ffmpeg. Its metadata has a key that looks like a stream."""
    program = tmp_path / "ffmpeg"
    lines = [
        "Input #0, matroska,webm, from 'file:source':",
        "  Metadata:",
        "    Stream #0:0: Video: h264, 9x9: x",
        "  Duration: 00:01:30.50, start: 0.000000, bitrate: 8089 kb/s",
        f"{indent}Stream #0:0(und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 1920x1080 [SAR 1:1 DAR 16:9], 30 fps",
    ]
    program.write_text("#!/bin/sh\ncat >&2 <<'END'\n" + "\n".join(lines) + "\nEND\nexit 1\n")
    program.chmod(0o755)
    probe = decode("video/x-matroska", b"", ffmpeg=str(program)).probe
    assert (probe.width, probe.height, probe.duration) == (1920, 1080, 90.5)


def test_progress_is_reported(decode_video: Decoder, tmp_path: Path) -> None:
    decoded = decode_video("video/mp4", video(tmp_path / "a.mp4"), skip=["poster"])
    done = [event.done for event in decoded.events if isinstance(event, Progress)]
    assert done
    assert done == sorted(done)
    assert set(decoded.made) == {"video"}


def test_too_many_pixels_or_seconds_are_rejected(decode_video: Decoder, tmp_path: Path) -> None:
    made = video(tmp_path / "a.mp4", seconds=3)
    decoded = decode_video("video/mp4", made, bounds=Bounds(max_pixels=57_599))
    assert decoded.rejected == "The video has 320 by 180 pixels; at most 57,599 are allowed in all."
    decoded = decode_video("video/mp4", made, bounds=Bounds(max_seconds=2))
    assert decoded.rejected == "The video lasts 3 seconds; at most 2 are allowed."


def test_a_video_of_unknown_length_is_cut(decode_video: Decoder, tmp_path: Path) -> None:
    """A recorder that writes to a pipe cannot go back to write how long it recorded."""
    recorded = video(tmp_path / "recorded.mkv", seconds=5, sound=False, options=("-f", "matroska", "-live", "1"))
    decoded = decode_video("video/x-matroska", recorded, bounds=Bounds(max_seconds=2))
    assert decoded.probe.duration is None
    assert set(decoded.made) == {"poster", "video"}
    assert "Duration: 00:00:02.0" in report(decoded.path("video"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + bytes(5000),
        encoded(photo(), "image/gif"),
    ],
    ids=["nothing", "playlist", "list of files", "only the first box", "gif"],
)
@pytest.mark.parametrize("detected", ["video/mp4", "video/webm"])
def test_what_is_no_video_is_rejected(decode_video: Decoder, detected: str, content: bytes) -> None:
    decoded = decode_video(detected, content)
    assert decoded.rejected == DAMAGED
    assert decoded.returncode == 0


def test_a_video_of_another_format_is_rejected(decode_video: Decoder, tmp_path: Path) -> None:
    assert decode_video("video/webm", video(tmp_path / "a.mp4")).rejected == DAMAGED
    assert decode_video("video/mp4", video(tmp_path / "a.mkv")).rejected == DAMAGED


def test_half_a_video_is_rejected(decode_video: Decoder, tmp_path: Path) -> None:
    """Its index stands at its end."""
    content = video(tmp_path / "a.mp4", seconds=3).read_bytes()
    assert decode_video("video/mp4", content[: len(content) // 2]).rejected == DAMAGED


def test_sound_alone_is_rejected(decode_video: Decoder, tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    run("-f", "lavfi", "-i", "sine=duration=1", str(sound))
    assert decode_video("video/mp4", sound).rejected == DAMAGED


def test_without_ffmpeg_videos_are_rejected(decode: Decoder, tmp_path: Path) -> None:
    decoded = decode("video/mp4", video(tmp_path / "a.mp4"))
    assert decoded.rejected == "Videos cannot be decoded here: there is no ffmpeg."
