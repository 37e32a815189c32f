"""A page in the browser: give it a video, see the emotions in it, take the results along."""
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claip_emo_mm.apis.inferencer import FACES, EmotionInferencer
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.utils.io import write_csv, write_text
from claip_emo_mm.version import INTENDED_USE
from claip_emo_mm.visualization.overlay import write_overlay
from claip_emo_mm.visualization.plots import write_figure
from claip_emo_mm.visualization.timeline import plot_timeline

if TYPE_CHECKING:
    import gradio

_KEPT_S = 3600  # how long gradio keeps uploads and results, and how often it looks
_LOOKED_AT_S = 600


@dataclass(frozen=True)
class DemoLimits:
    """What the page takes.

    Args:
        megabytes: size of a file.
        seconds: length of a video or audio.
        waiting: jobs in the queue; one runs at a time.
    """
    megabytes: float = 200.
    seconds: float = 600.
    waiting: int = 8


def build_page(infer: EmotionInferencer, limits: DemoLimits) -> 'gradio.Blocks':
    """Build the page; its queue runs one job at a time and shows everybody's place in it.

    Raises:
        InputError: gradio is not installed.
    """
    gr = import_gradio()

    def judge(given: str | None, face: str, window_s: float, stride_s: float,
              progress: 'gradio.Progress' = gr.Progress()) -> Iterator[tuple[Any, ...]]:  # noqa: B008, gradio's way
        def show(time_s: float, total_s: float) -> None:
            progress((round(time_s), round(total_s)), unit='s')

        # Gradio copies the files when it gets them, before it asks for the next ones: then the folder can go.
        with tempfile.TemporaryDirectory(prefix='claip_emo_demo_') as folder:
            try:
                yield run_job(infer, given, Path(folder), limits, dict(face=face, window_s=window_s,
                                                                       stride_s=stride_s), show)
            except InputError as error:
                yield _without_folder(f'error: {error}', given), None, None, None, None

    with gr.Blocks(title='Emotion in a video', analytics_enabled=False, delete_cache=(_LOOKED_AT_S, _KEPT_S)) as page:
        gr.Markdown(f'# Emotion in a video\nUp to {limits.megabytes:g} MB and {limits.seconds:g} s. {INTENDED_USE}')
        with gr.Row():
            with gr.Column():
                with gr.Tab('Upload'):
                    upload = gr.File(label='Video or audio', elem_id='upload')
                    start = gr.Button('Judge the file', variant='primary', elem_id='start')
                with gr.Tab('Record'):
                    record = gr.Video(label='Camera', sources=['webcam'], include_audio=True, elem_id='record',
                                      webcam_options=gr.WebcamOptions(mirror=False))  # a mirror needs ffmpeg
                    start_record = gr.Button('Judge the recording', variant='primary', elem_id='start-record')
                face = gr.Radio(list(FACES), value='largest', label='Faces',
                                info='the largest at a time, everybody, or the whole frame')
                window_s = gr.Slider(1, 10, 4, step=.5, label='Window (s)')
                stride_s = gr.Slider(.5, 10, 2, step=.5, label='From window to window (s)')
            with gr.Column(scale=2):
                message = gr.Textbox(label='Result', elem_id='message', interactive=False, lines=2)
                video = gr.Video(label='With boxes and labels', show_label=False, elem_id='overlay',
                                 interactive=False)
                timeline = gr.Image(label='Scores over time', show_label=False, elem_id='timeline', interactive=False,
                                    buttons=['download', 'fullscreen'])  # no sharing with a public service
        table = gr.Dataframe(label='Table', elem_id='table', interactive=False, headers=_header(infer.classes))
        files = gr.File(label='Download', elem_id='download', interactive=False)
        for button, source in ((start, upload), (start_record, record)):
            button.click(judge, [source, face, window_s, stride_s], [message, video, timeline, table, files],
                         concurrency_limit=1, concurrency_id='job', api_visibility='private',
                         show_progress_on=[message])
    page.queue(max_size=limits.waiting, api_open=False)
    return page


def run_job(infer: EmotionInferencer, given: str | None, folder: Path, limits: DemoLimits, options: dict[str, Any],
            show: Any = None) -> tuple[str, str | None, str, list[list[object]], list[str]]:
    """Judge a file and write the results.

    Args:
        given: the file; None where nobody has chosen one.
        folder: where results go.
        options: of `EmotionInferencer.infer`.
        show: called with the time that is done and the length, in s.
    Returns: message, video with boxes (None for audio alone), timeline, rows of the table, and all files.
    Raises:
        InputError: the file cannot be used, or is over a limit.
    """
    if given is None:
        raise InputError('no file chosen. Upload a video first, or record one.')
    path = Path(given)
    megabytes = path.stat().st_size / 1e6
    if megabytes > limits.megabytes:
        raise InputError(f'{path.name} has {megabytes:.1f} MB. This page takes up to {limits.megabytes:g} MB.')

    def progress(time_s: float, stated_s: float | None) -> None:
        if max(time_s, stated_s or 0.) > limits.seconds:
            raise InputError(f'{path.name} is longer than {limits.seconds:g} s. This page takes no more: cut it, or '
                             'use tools/infer.py.')
        if show is not None:
            show(time_s, max(time_s, stated_s or 0.))

    result = infer.infer(path, progress=progress, **options)
    result.name = path.name
    return _write(path, result, folder)


def _write(path: Path, result: EmotionResult, folder: Path) -> tuple[str, str | None, str, list[list[object]],
                                                                    list[str]]:
    names = [folder / f'{path.stem}{suffix}' for suffix in ('.json', '.csv', '.png')]
    write_text(names[0], result.to_json())
    write_csv(names[1], result.csv_header(), result.csv_rows())
    write_figure(names[2], plot_timeline(result))
    overlay: Path | None = folder / f'{path.stem}.overlay.mp4'
    warnings = list(result.warnings)
    try:
        write_overlay(str(path), result, overlay)
        names.append(overlay)
    except InputError as error:  # audio alone: the table is still worth having
        warnings.append(_without_folder(f'no video: {error}', str(path)))
        overlay = None
    message = f'{path.name}: {result.summary()}'
    message = '\n'.join([message, *(f'warning: {warning}' for warning in warnings)])
    rows = [[f'{row.from_s:.1f}', f'{row.to_s:.1f}', '' if row.person is None else row.person, row.top,
             *(f'{row.scores[name]:.2f}' for name in result.classes), '; '.join(row.warnings)] for row in result.rows]
    return message, overlay and str(overlay), str(names[2]), rows, [str(name) for name in names]


def _header(classes: list[str]) -> list[str]:
    return ['from (s)', 'to (s)', 'person', 'emotion', *classes, 'warnings']


def _without_folder(message: str, path: str | None) -> str:
    """A message that names a file as its sender knows it, not where it lies on the server."""
    return message if path is None else message.replace(str(Path(path).parent) + '/', '')


def import_gradio() -> Any:
    """Return gradio.

    Raises:
        InputError: it is not installed.
    """
    try:
        import gradio
    except ImportError as error:
        raise InputError("The page needs gradio, which is not installed: pip install 'claip_emo_mm[demo]'") from error
    return gradio
