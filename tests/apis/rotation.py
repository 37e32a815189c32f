"""Videos that say how they are to be turned."""
import av
import pytest


def rotate(stream: av.VideoStream, degrees: int) -> None:
    """Let a stream that is being written be turned when it is shown."""
    if not hasattr(stream.codec_context, 'set_display_rotation'):
        pytest.skip('PyAV 17 cannot write a rotation')
    stream.set_display_rotation(degrees)
