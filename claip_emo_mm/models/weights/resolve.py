"""Files of pretrained weights, by path or tag."""
import logging
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from claip_emo_mm.compat.hub import SCHEME, fetch_from_hub
from claip_emo_mm.errors import InputError

CLIP_CACHE = Path('~/.cache/clip')  # of OpenAI's package and open_clip, for files that they fetched by address
_OPENAI_MB = {'ViT-B-32.pt': 354, 'ViT-B-16.pt': 351, 'ViT-L-14.pt': 933, 'ViT-L-14-336px.pt': 934}
LAION_REPOSITORY = 'lukewys/laion_clap'  # on the Hugging Face hub
LAION_FILES = {  # name -> arch
    '630k-audioset-fusion-best.pt': 'HTSAT-tiny-fusion',
    '630k-fusion-best.pt': 'HTSAT-tiny-fusion',
    '630k-audioset-best.pt': 'HTSAT-tiny',
    '630k-best.pt': 'HTSAT-tiny',
    'music_audioset_epoch_15_esc_90.14.pt': 'HTSAT-base',
    'music_speech_audioset_epoch_15_esc_89.98.pt': 'HTSAT-base',
    'music_speech_epoch_15_esc_89.25.pt': 'HTSAT-base',
}


def find_file(source: str | Path, packaged: Sequence[str], arch: str | dict | None = None) -> Path:
    """Return the file of pretrained weights; those of an open_clip tag (``'openai'``), and LAION's, are downloaded.

    A file of LAION's that is not at its place is taken from the hub's cache, where it is downloaded once.

    `packaged` are the ``'toy'`` files below ``claip_emo_mm/weights``; `arch` is open_clip's name of the encoder.
    """
    path = Path(source).expanduser()
    if source == 'toy':
        return Path(str(files('claip_emo_mm') / 'weights' / packaged[0]))
    if path.exists():
        return path
    if path.name in LAION_FILES:
        return _laion_file(path)
    if isinstance(arch, str) and not path.suffix and len(path.parts) == 1:
        return _published_file(arch, str(source))
    return path


def _laion_file(path: Path) -> Path:
    try:
        return fetch_from_hub(f'{SCHEME}{LAION_REPOSITORY}/{path.name}', cached_first=True)
    except InputError as error:
        raise InputError(f"{path}: there is no such file of weights. It is LAION's, for {LAION_FILES[path.name]}, and "
                         f'cannot be downloaded: {error} Without a network, fetch {path.name} from the repository '
                         f'{LAION_REPOSITORY} on the Hugging Face hub on another machine and put it there, or name the '
                         'place where it is as pretrained. pretrained=None gives random weights.') from error


def _published_file(arch: str, tag: str) -> Path:
    from open_clip import pretrained as published  # with all of timm
    tags = published.list_pretrained_tags_by_model(arch)
    settings = published.get_pretrained_cfg(arch, tag)
    if not settings:
        raise InputError(f"pretrained='{tag}': is neither a file nor a tag of weights that open_clip has for {arch}. "
                         f'It has {", ".join(tags) or "none"}. Give one of these, or the path of a file.')
    name = settings.get('url', '').rpartition('/')[2]
    cached = CLIP_CACHE.expanduser() / name
    if name and cached.is_file():
        return cached
    print_log(f"pretrained='{tag}': fetching the weights of {arch} through open_clip", logger='current')
    hub_log = logging.getLogger('huggingface_hub')
    level = hub_log.level
    hub_log.setLevel(logging.ERROR)  # it reports each of its six attempts
    try:
        return Path(published.download_pretrained(settings))
    except Exception as error:  # the network, the hub and the disk each have their own
        hub = settings.get('hf_hub', '').rstrip('/')
        publisher = "OpenAI's" if tag == 'openai' else "open_clip's"
        size = f' ({_OPENAI_MB[name]} MB)' if name in _OPENAI_MB else ''
        ways = [f'{publisher} file {name}{size}, and put it at {CLIP_CACHE / name}'] if name else []
        ways += [f'open_clip_model.safetensors of the repository {hub} on the Hugging Face hub, and set '
                 'pretrained=FILE to where you put it'] if hub else []
        reason = f'{type(error).__name__}: {str(error)}'.splitlines()[0].partition('. ')[0]
        raise InputError(f"pretrained='{tag}': the weights of {arch} could not be downloaded ({reason}). Without a "
                         f'network, fetch on another machine {"; or ".join(ways)}.') from error
    finally:
        hub_log.setLevel(level)


def with_random_weights(cfg: Any) -> Any:
    """Copy the config of a model, or a value of it, without `pretrained` and every `init_cfg` of type Pretrained."""
    if isinstance(cfg, Mapping):
        random = dict(pretrained=None, clip_pretrained=False)
        if str(cfg.get('type')).endswith(('LanguageHead', 'TextInitFusionHead')):  # what they embed, and how
            random.update(prompts=None, audio_pretrained=None, audio_prompts=None, audio_tokenizer='')
        return {key: random.get(key, with_random_weights(value)) for key, value in cfg.items()
                if not (key == 'init_cfg' and _is_pretrained(value))}
    if isinstance(cfg, list | tuple):
        return type(cfg)(with_random_weights(value) for value in cfg if not _is_pretrained(value))
    return cfg


def _is_pretrained(cfg: Any) -> bool:
    return isinstance(cfg, Mapping) and cfg.get('type') in ('Pretrained', 'PretrainedInit')
