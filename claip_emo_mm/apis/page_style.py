"""How the page looks: theme, style sheet, and the pieces of HTML that it shows."""
import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.visualization.plots import figure_bytes
from claip_emo_mm.visualization.timeline import describe_timeline, plot_timeline

if TYPE_CHECKING:
    import gradio

_PIXELS_PER_INCH = 116  # of the timeline: its letters of 8 points get 13 pixels
# Text and controls have a contrast of at least 4.5:1 to what is behind them, in the light and in the dark theme.
_LIGHT = dict(block_info_text_color='#4b5563', body_text_color_subdued='#4b5563', block_label_text_color='#374151',
              block_title_text_color='#374151', input_placeholder_color='#5b6472', link_text_color='#1d4ed8',
              button_primary_background_fill='#1d4ed8', button_primary_background_fill_hover='#1e40af',
              button_primary_text_color='#ffffff', color_accent='#1d4ed8', button_cancel_background_fill='#b91c1c',
              button_cancel_background_fill_hover='#991b1b', button_cancel_text_color='#ffffff')
_DARK = dict(block_info_text_color_dark='#d1d5db', body_text_color_subdued_dark='#d1d5db',
             block_label_text_color_dark='#e5e7eb', block_title_text_color_dark='#e5e7eb',
             input_placeholder_color_dark='#b6bcc6', link_text_color_dark='#93c5fd',
             button_primary_background_fill_dark='#1d4ed8', button_primary_background_fill_hover_dark='#1e40af',
             button_primary_text_color_dark='#ffffff', button_cancel_background_fill_dark='#b91c1c',
             button_cancel_background_fill_hover_dark='#991b1b', button_cancel_text_color_dark='#ffffff')

STYLE = '''
.said { border-left: 6px solid #1d4ed8; padding: 10px 14px; font-size: 16px; overflow-wrap: anywhere;
        background: #eff6ff; color: #111827; }
.said * { color: inherit; }
.said.error { border-color: #b91c1c; background: #fef2f2; color: #7f1d1d; }
.said ul { margin: 6px 0 0 20px; list-style: disc; }
#bar { min-height: 84px; flex: none; }
#bar .progress-text { position: static; transform: none; padding: 0 0 4px; font-size: 15px; }
#overlay video { max-height: 70vh; object-fit: contain; background: #000; }
#timeline .scroll { overflow-x: auto; background: #fff; border: 1px solid #d1d5db; }
#timeline img { max-width: none; display: block; margin: 0; }
.tab-container button { color: var(--body-text-color) !important; }
.tab-container button.selected { color: var(--link-text-color) !important; }
input[type=range] ~ *, .min_value, .max_value { color: var(--body-text-color-subdued) !important; }
'''

# The overlay is a video without a name for screen readers; gradio has no option for it.
NAME_VIDEO = '''() => { const video = document.querySelector('#overlay video');
if (video) video.setAttribute('aria-label', 'The video with boxes around faces and labels of emotions'); }'''


def page_theme() -> 'gradio.themes.Base':
    """Make the theme: no web fonts, and colors with enough contrast."""
    import gradio
    theme = gradio.themes.Default(primary_hue='blue', neutral_hue='gray', text_size='lg',
                                  font=['system-ui', 'sans-serif'], font_mono=['monospace'])
    return theme.set(**_LIGHT, **_DARK)


def header(megabytes: float, seconds: float, intended_use: str, note: str) -> str:
    """HTML above the page: limits, what the scores are for, what the model is, and the link to the model card."""
    said = f'<p><strong>{escape(note)}</strong></p>' if note else ''
    use = intended_use.removesuffix(' See docs/model_card.md.')
    return (f'<h1>Emotion in a video</h1><p>Videos and audio up to {megabytes:g} MB and {seconds:g} s.</p>{said}'
            f'<p>{escape(use)} <a href="model-card" target="_blank" id="card-link">Model card</a></p>')


def message(text: str, items: Sequence[str] = (), is_error: bool = False) -> str:
    """HTML of a message, which screen readers read out when it appears."""
    listed = f'<ul>{"".join(f"<li>{escape(item)}</li>" for item in items)}</ul>' if items else ''
    if is_error:
        return f'<div class="said error" role="alert"><strong>⚠ Error:</strong> {escape(text)}{listed}</div>'
    return f'<div class="said" role="status">{escape(text)}{listed}</div>'


def timeline_image(result: EmotionResult) -> str:
    """HTML of the timeline at a size at which it can be read, in a frame that scrolls sideways, with a text for it."""
    figure = plot_timeline(result)
    data = base64.b64encode(figure_bytes(figure, 'svg')).decode()
    width, height = (round(_PIXELS_PER_INCH * side) for side in figure.get_size_inches())
    return (f'<div class="scroll" role="region" tabindex="0" aria-label="Timeline, scrolls sideways">'
            f'<img width="{width}" height="{height}" style="width:{width}px;height:{height}px" '
            f'alt="{escape(describe_timeline(result))}" src="data:image/svg+xml;base64,{data}"></div>')
