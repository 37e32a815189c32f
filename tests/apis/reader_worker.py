"""Reads files in a process of its own and says what became of each, so that a crash or a hang is seen.

Media go through the readers of training and of inference, csv and txt as lists, pth and safetensors as checkpoints.
"""
import os
import resource
import tempfile
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

import claip_emo_mm  # noqa: F401 - registers the components
from claip_emo_mm.datasets.audio_visual import read_listed_clips
from claip_emo_mm.datasets.labels import DFEW
from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.engine.config_errors import explain_config_error
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio import AudioFile
from claip_emo_mm.media.stream import FileStream
from claip_emo_mm.media.video import VideoFile

MEMORY_BYTES = 16 * 2 ** 30  # of addresses; PyTorch alone takes several


def read_video(path: str) -> None:
    """As training does."""
    clip = VideoFile(path)
    for _ in clip.every_frame():
        pass
    if clip.has_audio:
        clip.audio()


def read_source(path: str) -> None:
    """As inference does."""
    source = FileStream(path)
    if source.has_frames:
        for _, frame in source.frames():
            frame()
    if source.has_audio:
        for _ in source.audio():
            pass


def read_audio(path: str) -> None:
    """As an audio file that lies beside frames."""
    AudioFile(path, 8).audio()


def read_list(path: str) -> None:
    """As a data set does."""
    read_listed_clips(path, DFEW)


def ways_of(path: str) -> tuple:
    """The readers that a file goes through."""
    suffix = Path(path).suffix
    if suffix in ('.csv', '.txt'):
        return (read_list,)
    return (load_trained,) if suffix in ('.pth', '.safetensors') else (read_video, read_source, read_audio)


def read_files(paths: list[str], temporary: str, outcomes: Connection) -> None:
    """Read files and send what became of each, a text for each reader: read, named, or what is wrong."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1), os.dup2(nowhere, 2)  # libraries' own words
    os.environ['TMPDIR'] = tempfile.tempdir = temporary
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for path in paths:
        outcome = []
        for read in ways_of(path):
            try:
                read(path)
                outcome.append('read')
            except InputError as error:
                outcome.append('named' if path in str(error) and 'Traceback' not in str(error) else f'unnamed: {error}')
            except Exception as error:  # what must not happen, unless the tools say it in a line
                outcome.append('named' if explain_config_error(error) else traceback.format_exc())
        outcomes.send(outcome)
