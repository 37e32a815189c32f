"""A gradio app: upload or record a video, see the emotions in it, download the results."""
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claip_emo_mm.apis.inferencer import EmotionInferencer
from claip_emo_mm.apis.live_page import add_live_page
from claip_emo_mm.apis.page_jobs import DemoLimits, JobCancelled, SessionJobs, run_job, without_folder
from claip_emo_mm.apis.page_style import NAME_VIDEO, header, message, timeline_image
from claip_emo_mm.apis.windows import FACES
from claip_emo_mm.errors import InputError
from claip_emo_mm.version import INTENDED_USE

if TYPE_CHECKING:
    import gradio

_HINT = 'Choose a video and analyze it, or try the example.'
_FULL = 'too many files are waiting already. Try again in some minutes.'
_WAITING = 'Working on it. One file is analyzed at a time: others wait for their turn.'


def build_page(infer: EmotionInferencer, limits: DemoLimits, example: Path | None = None,
               card: str = INTENDED_USE) -> 'gradio.Blocks':
    """Build the page; its queue runs one job at a time and shows everybody's place in it.

    Args:
        infer: recognizes the emotions.
        limits: what the page accepts.
        example: a clip that visitors can try; None for none.
        card: the model card, Markdown.
    """
    gr = import_gradio()
    jobs = SessionJobs()

    def begin(request: gr.Request) -> list[Any]:
        jobs.begin(request.session_hash)
        return [message(_WAITING), *[gr.update(interactive=False)] * 3, gr.update(visible=True),
                gr.update(visible=False), gr.update(value=None, visible=False)]

    def cancel(request: gr.Request) -> str:
        jobs.cancel(request.session_hash)
        return message('Cancelling …')

    def free() -> list[Any]:
        return [*[gr.update(interactive=True)] * 3, gr.update(visible=False)]

    def leave(request: gr.Request) -> None:
        jobs.cancel(request.session_hash)

    def run(request: gr.Request, given: str | None, face: str, window_s: float, stride_s: float,
            words: str | None = None, progress: gr.Progress = gr.Progress()) -> Iterator[list[Any]]:  # noqa: B008
        def show(time_s: float, total_s: float) -> None:
            progress((round(time_s), round(total_s)), unit='s')

        cancelled = jobs.cancelled(request.session_hash)
        nothing = [gr.update(visible=False), gr.update(value=None, visible=False), '', None, None]
        # Gradio copies the files when it gets them, before it asks for the next ones: then the folder can go.
        with tempfile.TemporaryDirectory(prefix='claip_emo_demo_') as folder:
            try:
                if words is not None and words != ', '.join(infer.classes):
                    infer.set_labels(words)
                done = run_job(infer, given, Path(folder), limits,
                               dict(face=face, window_s=window_s, stride_s=stride_s), show, cancelled)
                result = done.result
                notes = [*[result.about] * bool(result.about), *(f'warning: {warning}' for warning in done.warnings)]
                yield [message(f'{result.name}: {result.summary()}', notes), gr.update(visible=True),
                       gr.update(value=done.overlay, visible=done.overlay is not None), timeline_image(result),
                       gr.update(value=done.rows, headers=_columns(infer)), done.files]
            except JobCancelled:
                yield [message('Cancelled. Nothing was kept.'), *nothing]
            except InputError as error:
                yield [message(without_folder(str(error), given), is_error=True), *nothing]
            except Exception as error:  # what nobody thought of must not leave the page waiting for ever
                logging.getLogger(__name__).exception('job failed')
                yield [message(f'the file cannot be processed ({type(error).__name__}). Convert it (mp4 with h264 and '
                               'aac is safe), and try again.', is_error=True), *nothing]

    with gr.Blocks(title='Emotion in a video', analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.HTML(header(limits.megabytes, limits.seconds, INTENDED_USE, infer.note), elem_id='about', padding=True)
        with gr.Row():
            with gr.Column(min_width=300):
                with gr.Tab('Upload'):
                    upload = gr.File(label='Video or audio', elem_id='upload', height=180)
                    start = gr.Button('Analyze the file', variant='primary', elem_id='start')
                with gr.Tab('Record'):
                    record = gr.Video(label='Camera', sources=['webcam'], include_audio=True, elem_id='record',
                                      webcam_options=gr.WebcamOptions(mirror=False))  # a mirror needs ffmpeg
                    start_record = gr.Button('Analyze the recording', variant='primary', elem_id='start-record')
                try_example = gr.Button('Try the example, a drawn face', size='md', elem_id='example',
                                        visible=example is not None)
                face = gr.Radio(list(FACES), value='largest', label='Faces',
                                info='the largest at a time, every person, or the whole frame')
                options = [face]
                with gr.Accordion('Windows', open=False):
                    options.append(gr.Slider(1, 10, 4, step=.5, label='Window (s)'))
                    options.append(gr.Slider(.5, 10, 2, step=.5, label='From window to window (s)'))
                if infer.takes_labels:
                    options.append(gr.Textbox(', '.join(infer.classes), label='Words', elem_id='words',
                                              info='that are scored, with commas between them'))
            with gr.Column(scale=2, min_width=300):
                said = gr.HTML(message(_HINT), elem_id='message')
                with gr.Column(visible=False, elem_id='running') as running:
                    bar = gr.HTML('&nbsp;', elem_id='bar')
                    stop = gr.Button('Cancel', variant='stop', elem_id='cancel')
                video = gr.Video(label='With boxes and labels', show_label=False, elem_id='overlay', interactive=False,
                                 visible=False)
        with gr.Column(visible=False, elem_id='results') as results:
            timeline = gr.HTML(elem_id='timeline')
            table = gr.Dataframe(label='Table', elem_id='table', interactive=False, headers=_columns(infer))
            files = gr.File(label='Download', elem_id='download', interactive=False)
        buttons = [start, start_record, try_example]
        waiting = [said, *buttons, running, results, video]
        for button, source in ((start, upload), (start_record, record), (try_example, upload)):
            first = button.click(lambda: str(example), None, upload, queue=False, show_progress='hidden',
                                 api_visibility='private').then if button is try_example else button.click
            job = first(begin, None, waiting, queue=False, show_progress='hidden', api_visibility='private').then(
                run, [source, *options], [said, results, video, timeline, table, files], concurrency_limit=1,
                concurrency_id='job', api_visibility='private', show_progress_on=[bar])
            job.failure(lambda: [message(_FULL, is_error=True), *free()], None, [said, *buttons, running], queue=False,
                        show_progress='hidden', api_visibility='private')
            job.then(free, None, [*buttons, running], queue=False, show_progress='hidden', api_visibility='private',
                     js=NAME_VIDEO)
        stop.click(cancel, None, said, queue=False, show_progress='hidden', api_visibility='private')
        page.unload(leave)
    with page.route('Model card', 'model-card'):
        gr.Markdown(card, elem_id='card')
    if not infer.takes_labels:  # a job with other words would change them for the one who is live
        add_live_page(page, infer)
    page.queue(max_size=limits.waiting, api_open=False)
    return page


def _columns(infer: EmotionInferencer) -> list[str]:
    return ['from (s)', 'to (s)', 'person', 'emotion', *infer.classes, 'warnings']


def import_gradio() -> Any:
    """Import gradio, or raise an InputError that says how to install it."""
    try:
        import gradio
    except ImportError as error:
        raise InputError("The page needs gradio, which is not installed: pip install 'claip_emo_mm[demo]'") from error
    return gradio
