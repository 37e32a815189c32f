"""Text encoders, projections and temperatures in the published files of CLIP and CLAP."""
from typing import NamedTuple

from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.formats import CLIP_NAMES, State, fuse_separate_projections, rename_key

_CLIP_TEXT = ('token_embedding.', 'positional_embedding', 'transformer.', 'ln_final.', 'text_projection', 'vocabulary')
_HUGGING_FACE_TEXT = (
    (r'^embeddings\.token_embedding\.', 'token_embedding.'),
    (r'^embeddings\.position_embedding\.weight$', 'positional_embedding'),
    (r'^final_layer_norm\.', 'ln_final.'),
    *CLIP_NAMES)
_LAION_PROJECTION = ((r'^0\.', 'linear1.'), (r'^2\.', 'linear2.'))


class LanguageState(NamedTuple):
    """What compares one modality with texts, float32."""
    text: State  # of the text encoder with its projection; as stored, where no floats
    projection: State  # of the modality's feature into the common space
    log_scale: Tensor  # (), logarithm of the factor of the cosines


def clip_language(state: State, source: str) -> LanguageState:
    """Select CLIP's, of OpenAI's, open_clip's or transformers' CLIPModel, under open_clip's names.

    Raises:
        InputError: the file has no text encoder, or no projection.
    """
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    if 'text_model.embeddings.token_embedding.weight' in state:
        text = fuse_separate_projections({rename_key(key, _HUGGING_FACE_TEXT): value
                                          for key, value in _below(state, 'text_model.').items()})
        _require(state, source, 'text_projection.weight', 'visual_projection.weight', 'logit_scale')
        text['text_projection'] = state['text_projection.weight'].T.contiguous()
        projection = state['visual_projection.weight']
    else:
        own = _below(state, 'text.') or state  # open_clip's CustomTextCLIP has a prefix
        text = {key: value for key, value in own.items() if key.startswith(_CLIP_TEXT)}
        proj = 'audio.proj' if 'audio.proj' in state else 'visual.proj'  # of the toy audio encoder
        _require(state | text, source, 'token_embedding.weight', 'text_projection', proj, 'logit_scale')
        projection = state[proj].T.contiguous()
    return LanguageState(_floats(text), dict(weight=projection.float()), state['logit_scale'].float())


def clap_language(state: State, source: str) -> LanguageState:
    """Select CLAP's, of laion_clap's or transformers' ClapModel, under transformers' names, likewise."""
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    own = {start: _below(state, f'{start}.') for start in ('text_projection', 'audio_projection')}
    text = _below(state, 'text_model.')
    if not text:
        text = _below(state, 'text_branch.')
        own = {start: {rename_key(key, _LAION_PROJECTION): value for key, value in part.items()}
               for start, part in own.items()}
    _require({f'text.{key}': value for key, value in text.items()}
             | {f'{start}.{key}': value for start, part in own.items() for key, value in part.items()} | state, source,
             'text.embeddings.word_embeddings.weight', 'text_projection.linear1.weight',
             'audio_projection.linear1.weight', 'logit_scale_a')
    text = ({f'text_model.{key}': value for key, value in text.items()}
            | {f'text_projection.{key}': value for key, value in own['text_projection'].items()})
    return LanguageState(_floats(text), _floats(own['audio_projection']), state['logit_scale_a'].float())


def _below(state: State, prefix: str) -> State:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _floats(state: State) -> State:
    """Floating-point weights as float32; of the integers only a vocabulary, as text encoders make the others."""
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()
            if value.is_floating_point() or key == 'vocabulary'}


def _require(state: State, source: str, *keys: str) -> None:
    missing = [key for key in keys if key not in state]
    if missing:
        raise InputError(f'{source}: has no {", ".join(missing)}, of the text encoder and its projections, which make '
                         'class embeddings of prompts. Expected the whole of CLIP or CLAP as it is published, not one '
                         f'encoder of it. It has {len(state)} keys.')
