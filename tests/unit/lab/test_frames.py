"""The wire format of `hack/lab exec`."""

from labkit.frames import STDERR, STDOUT, Unpacker, pack


def test_frames_survive_any_split() -> None:
    stream = pack(STDOUT, b"out") + pack(STDERR, b"") + pack(STDOUT, bytes(70_000))
    for size in (1, 3, 4096, len(stream)):
        unpacker = Unpacker()
        frames = [
            frame for start in range(0, len(stream), size) for frame in unpacker.feed(stream[start : start + size])
        ]
        assert frames == [(STDOUT, b"out"), (STDERR, b""), (STDOUT, bytes(70_000))]


def test_half_a_frame_is_none() -> None:
    assert Unpacker().feed(pack(STDOUT, b"out")[:-1]) == []
