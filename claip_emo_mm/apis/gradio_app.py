"""A gradio app: upload or record a video, see the emotions in it, download the results."""
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claip_emo_mm.apis.inferencer import FACES, EmotionInferencer
from claip_emo_mm.apis.result_writer import OVERLAY_SUFFIX, write_result_files
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import write_text
from claip_emo_mm.version import INTENDED_USE

if TYPE_CHECKING:
    import gradio


@dataclass(frozen=True)
class DemoLimits:
    """What the page accepts."""
    megabytes: float = 200.
    seconds: float = 600.
    waiting: int = 8  # jobs in the queue; one runs at a time


def build_page(infer: EmotionInferencer, limits: DemoLimits) -> 'gradio.Blocks':
    """Build the page; its queue runs one job at a time and shows everybody's place in it."""
    gr = import_gradio()

    def run(given: str | None, face: str, window_s: float, stride_s: float, words: str | None = None,
            progress: 'gradio.Progress' = gr.Progress()) -> Iterator[tuple[Any, ...]]:  # noqa: B008, gradio's way
        def show(time_s: float, total_s: float) -> None:
            progress((round(time_s), round(total_s)), unit='s')

        # Gradio copies the files when it gets them, before it asks for the next ones: then the folder can go.
        with tempfile.TemporaryDirectory(prefix='claip_emo_demo_') as folder:
            try:
                if words is not None and words != ', '.join(infer.classes):
                    infer.set_labels(words)
                message, video, plot, rows, files = run_job(
                    infer, given, Path(folder), limits, dict(face=face, window_s=window_s, stride_s=stride_s), show)
                yield message, video, plot, gr.Dataframe(rows, headers=_header(infer)), files
            except InputError as error:
                yield _without_folder(f'error: {error}', given), None, None, None, None

    with gr.Blocks(title='Emotion in a video', analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown(f'# Emotion in a video\nUp to {limits.megabytes:g} MB and {limits.seconds:g} s. {INTENDED_USE}')
        with gr.Row():
            with gr.Column():
                with gr.Tab('Upload'):
                    upload = gr.File(label='Video or audio', elem_id='upload')
                    start = gr.Button('Analyze the file', variant='primary', elem_id='start')
                with gr.Tab('Record'):
                    record = gr.Video(label='Camera', sources=['webcam'], include_audio=True, elem_id='record',
                                      webcam_options=gr.WebcamOptions(mirror=False))  # a mirror needs ffmpeg
                    start_record = gr.Button('Analyze the recording', variant='primary', elem_id='start-record')
                face = gr.Radio(list(FACES), value='largest', label='Faces',
                                info='the largest at a time, every person, or the whole frame')
                window_s = gr.Slider(1, 10, 4, step=.5, label='Window (s)')
                stride_s = gr.Slider(.5, 10, 2, step=.5, label='From window to window (s)')
                options = [face, window_s, stride_s]
                if infer.takes_labels:
                    options.append(gr.Textbox(', '.join(infer.classes), label='Words', elem_id='words',
                                              info=f'that are scored, with commas between them. {infer.note}'))
            with gr.Column(scale=2):
                message = gr.Textbox(label='Result', elem_id='message', interactive=False, lines=2)
                video = gr.Video(label='With boxes and labels', show_label=False, elem_id='overlay',
                                 interactive=False)
                timeline = gr.Image(label='Scores over time', show_label=False, elem_id='timeline', interactive=False,
                                    buttons=['download', 'fullscreen'])  # no sharing with a public service
        table = gr.Dataframe(label='Table', elem_id='table', interactive=False, headers=_header(infer))
        files = gr.File(label='Download', elem_id='download', interactive=False)
        for button, source in ((start, upload), (start_record, record)):
            button.click(run, [source, *options], [message, video, timeline, table, files],
                         concurrency_limit=1, concurrency_id='job', api_visibility='private',
                         show_progress_on=[message])
    page.queue(max_size=limits.waiting, api_open=False)
    return page


def run_job(infer: EmotionInferencer, given: str | None, folder: Path, limits: DemoLimits, options: dict[str, Any],
            show: Any = None) -> tuple[str, str | None, str, list[list[object]], list[str]]:
    """Infer the emotions of a file: message, overlay video (None for audio), plot, rows of the table, all files."""
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
    json_file = folder / f'{path.stem}.json'
    write_text(json_file, result.to_json())
    files, no_overlay = write_result_files(json_file, result, path)
    lines = [f'{path.name}: {result.summary()}', *[result.note] * bool(result.note),
             *(f'warning: {warning}' for warning in result.warnings)]
    if no_overlay:
        lines.append(f'warning: {_without_folder(f"no overlay: {no_overlay}", given)}')
    rows = [[f'{row.from_s:.1f}', f'{row.to_s:.1f}', '' if row.person is None else row.person, row.top,
             *(f'{row.scores[name]:.2f}' for name in result.classes), '; '.join(row.warnings)] for row in result.rows]
    overlay = next((str(file) for file in files if file.name.endswith(OVERLAY_SUFFIX)), None)
    return '\n'.join(lines), overlay, str(json_file.with_suffix('.png')), rows, [str(json_file), *map(str, files)]


def _header(infer: EmotionInferencer) -> list[str]:
    return ['from (s)', 'to (s)', 'person', 'emotion', *infer.classes, 'warnings']


def _without_folder(message: str, path: str | None) -> str:
    """Remove the server's folder from a message that names a file."""
    return message if path is None else message.replace(str(Path(path).parent) + '/', '')


def import_gradio() -> Any:
    """Import gradio, or raise an InputError that says how to install it."""
    try:
        import gradio
    except ImportError as error:
        raise InputError("The page needs gradio, which is not installed: pip install 'claip_emo_mm[demo]'") from error
    return gradio
