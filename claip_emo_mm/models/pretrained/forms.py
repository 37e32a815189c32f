"""The forms in which the weights of the towers are published, told apart by their keys."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.attention import split_fused_projections

from .key_names import clap_from_hugging_face, clip_from_hugging_face, without_adapters

State = dict[str, Tensor]


@dataclass(frozen=True)
class WeightForm:
    """A published form of a tower's weights.

    Args:
        name: What the log calls it.
        prefix: What stands in front of the tower's keys.
        marker: Key of the tower, behind the prefix, by which the form is recognised.
        unused: Beginnings of the tower's keys that our tower does not have.
        convert: Renames the keys to the tower's.
        packaged: Name, below ``claip_emo_mm/weights``, of the weights called ``'toy'`` in this form; '' for none.
        optional: Beginnings of keys of our tower that a file of this form may lack, because nothing reads them.
    """
    name: str
    prefix: str
    marker: str
    unused: tuple[str, ...] = ()
    convert: Callable[[State], State] = dict
    packaged: str = ''
    optional: tuple[str, ...] = ()

    def tower_state(self, state: State) -> State:
        """Pick the tower's weights out of a file's and name them as our tower does.

        Args:
            state: All tensors of a file of this form.
        Returns: float32 tensors; those that are float32 already are not copied. Integer buffers are left out: they
            are indices, which the tower makes itself.
        """
        tower = {key.removeprefix(self.prefix): value for key, value in state.items()
                 if key.startswith(self.prefix) and value.is_floating_point()}
        return {key: value.float() for key, value in self.convert(tower).items()
                if not (self.unused and key.startswith(self.unused))}


def _open_clip(name: str, prefix: str, packaged: str = '') -> WeightForm:
    return WeightForm(name, prefix, 'class_embedding', ('proj',), split_fused_projections, packaged)


def _hugging_face_clip(name: str, prefix: str) -> WeightForm:
    return WeightForm(name, prefix, 'embeddings.class_embedding', ('visual_projection.',), clip_from_hugging_face)


def _laion(name: str, prefix: str, packaged: str = '') -> WeightForm:
    # A file that came by way of Hugging Face lacks the heads, also once it is converted.
    return WeightForm(name, prefix, 'bn0.running_mean', ('spectrogram_extractor.', 'logmel_extractor.'), dict, packaged,
                      CLAP_HEADS)


def _hugging_face_clap(name: str, prefix: str) -> WeightForm:
    return WeightForm(name, prefix, 'batch_norm.running_mean', (), clap_from_hugging_face, '', CLAP_HEADS)


CLAP_HEADS = ('tscam_conv.', 'head.')  # HTSAT's own tagging of sounds
REFERENCE_VISUAL = 'vision_encoder.model.vision_model.'
REFERENCE_AUDIO = 'audio_encoder.audio_encoder.model.'

VISUAL_FORMS = (
    _open_clip('open_clip or OpenAI CLIP', 'visual.', 'toy_clip.safetensors'),
    _open_clip('open_clip, data parallel', 'module.visual.'),
    _open_clip('open_clip, vision tower alone', ''),
    _hugging_face_clip('Hugging Face CLIPModel or CLIPVisionModel', 'vision_model.'),
    _hugging_face_clip('Hugging Face CLIPVisionModel without prefix', ''),
    WeightForm('reference checkpoint, its adapters left out', REFERENCE_VISUAL, 'embeddings.class_embedding',
               convert=lambda state: clip_from_hugging_face(without_adapters(state))))
AUDIO_FORMS = (
    _laion('LAION CLAP', 'audio_branch.', 'toy_clap.safetensors'),
    _laion('LAION CLAP, data parallel', 'module.audio_branch.'),
    _laion('LAION CLAP, audio branch alone', ''),
    _hugging_face_clap('Hugging Face ClapModel', 'audio_model.audio_encoder.'),
    _hugging_face_clap('Hugging Face ClapAudioModel', 'audio_encoder.'),
    WeightForm('reference checkpoint, its adapters left out', REFERENCE_AUDIO, 'bn0.running_mean',
               convert=without_adapters))


def find_form(state: State, forms: Sequence[WeightForm], source: str) -> WeightForm:
    """Return the form whose marker is among the keys.

    Raises:
        InputError: None of them.
    """
    for form in forms:
        if form.prefix + form.marker in state:
            return form
    names = '; '.join(f'{form.name} ({form.prefix + form.marker})' for form in forms)
    raise InputError(f'{source}: holds none of these forms, each with the key that it must have: {names}. It has '
                     f'{len(state)} keys, the first are {", ".join(sorted(state)[:5]) or "none"}. '
                     'Check that this is a file of the right tower, and whole.')
