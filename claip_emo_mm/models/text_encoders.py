"""Class embeddings: the text encoders of CLIP and CLAP on the prompts of each class."""
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claip_emo_mm.datasets.prompts import Prompts
from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.models.weights.formats import State
from claip_emo_mm.models.weights.language import LanguageState, clap_language, clip_language
from claip_emo_mm.models.weights.load import hash_weights, load_strictly, read_weights
from claip_emo_mm.models.weights.resolve import find_file

if TYPE_CHECKING:
    from open_clip.model import CLIPTextCfg

CLIP_WORDS = 49408  # of the byte pair encoding that comes with open_clip
_CLAP_LENGTH = 77  # tokens of a prompt that laion_clap and transformers read
_TOKENIZER_FILES = ('vocab.json', 'merges.txt')


class ClassEmbeddings(NamedTuple):
    """Class embeddings, and what else compares features with them."""
    embeddings: Tensor  # (K, E), of length 1
    projection: State
    log_scale: Tensor  # ()
    text_hash: bytes  # SHA-256 of the text encoder's weights
    source: str  # file of the weights


def hash_prompts(prompts: Prompts) -> bytes:
    """SHA-256 of the sentences in the order of the classes."""
    return hashlib.sha256(json.dumps(prompts).encode()).digest()


def clip_text_config(arch: str | dict) -> 'tuple[CLIPTextCfg, int, bool]':
    """Text encoder, width E of the common space, and whether it uses QuickGELU, of a CLIP architecture.

    `arch` is open_clip's name, or a dict of the fields of its ``CLIPTextCfg``, ``embed_dims`` and ``quick_gelu``.
    """
    import open_clip  # with all of timm
    from open_clip.model import CLIPTextCfg
    if isinstance(arch, str):
        config = open_clip.get_model_config(arch)
        if config is None:
            raise InputError(f"LanguageHead: arch='{arch}' is not a model of open_clip. open_clip.list_models() gives "
                             'all, such as ViT-L-14-quickgelu.')
        options, width, quick_gelu = config['text_cfg'], config['embed_dim'], config.get('quick_gelu', False)
        if options.get('hf_model_name') or options.get('hf_tokenizer_name'):
            raise InputError(f'LanguageHead: the text encoder of {arch} is not of open_clip, and its tokenizer is a '
                             'download of its own. Choose a CLIP such as ViT-L-14-quickgelu.')
    else:
        options = dict(arch)
        width, quick_gelu = options.pop('embed_dims', None), options.pop('quick_gelu', False)
        if not isinstance(width, int):
            raise InputError('LanguageHead: arch has no embed_dims. Expected the width of the space that features and '
                             'texts are compared in, such as 512.')
        check_whole('LanguageHead', embed_dims=width)
    return CLIPTextCfg(**options), width, quick_gelu


def clip_class_embeddings(prompts: Prompts, like: Tensor, arch: str | dict, pretrained: str,
                          packaged: str = 'toy_clip_text.safetensors') -> ClassEmbeddings:
    """Embed the prompts of each class by CLIP's text encoder, in the dtype and on the device of a tensor.

    Args:
        prompts: sentences of each of K classes.
        like: gives dtype and device.
        arch: as of ``clip_text_config``.
        pretrained: file of the whole of CLIP, tag of open_clip's weights (``'openai'``), or ``'toy'``.
        packaged: file below ``claip_emo_mm/weights`` that ``'toy'`` means.
    """
    from open_clip.model import _build_text_tower
    config, width, quick_gelu = clip_text_config(arch)
    path = find_file(pretrained, [packaged], arch)
    state = clip_language(read_weights(path), str(path))
    with torch.device('meta'):
        encoder = _build_text_tower(width, config, quick_gelu)
    vocabulary = state.text.pop('vocabulary', None)
    load_strictly(encoder, state.text, str(path))
    if encoder.attn_mask is not None:
        encoder.attn_mask = encoder.build_causal_mask()
    tokenize = _clip_tokenizer(config) if vocabulary is None else _word_tokenizer(vocabulary, config.context_length)
    return _class_embeddings(encoder, lambda model, texts: model(tokenize(texts).to(like.device)), prompts, like, state,
                             str(path))


def clap_class_embeddings(prompts: Prompts, like: Tensor, arch: dict, pretrained: str,
                          tokenizer: str) -> ClassEmbeddings:
    """Embed the prompts of each class by CLAP's text encoder, likewise.

    Args:
        arch: fields of transformers' ``ClapTextConfig`` that differ from RoBERTa's, and ``embed_dims``.
        pretrained: file of the whole of CLAP.
        tokenizer: folder with RoBERTa's ``vocab.json`` and ``merges.txt``.
    """
    import transformers
    path, options = find_file(pretrained, []), dict(arch)
    state = clap_language(read_weights(path), str(path))
    encoder = transformers.ClapTextModelWithProjection(
        transformers.ClapTextConfig(projection_dim=options.pop('embed_dims'), **options))
    load_strictly(encoder, state.text, str(path))
    tokenize = _roberta_tokenizer(tokenizer)

    def embed(model: nn.Module, texts: Sequence[str]) -> Tensor:
        tokens = tokenize(list(texts), padding='max_length', truncation=True, max_length=_CLAP_LENGTH,
                          return_tensors='pt').to(like.device)
        return model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).text_embeds

    return _class_embeddings(encoder, embed, prompts, like, state, str(path))


@torch.no_grad()
def _class_embeddings(encoder: nn.Module, embed: Callable[[nn.Module, Sequence[str]], Tensor], prompts: Prompts,
                      like: Tensor, state: LanguageState, source: str) -> ClassEmbeddings:
    digest = bytes.fromhex(hash_weights(state.text))
    encoder = encoder.eval().to(like.device, like.dtype)
    means = [F.normalize(embed(encoder, sentences), dim=-1).mean(0) for sentences in prompts]
    return ClassEmbeddings(F.normalize(torch.stack(means), dim=-1), state.projection, state.log_scale, digest,
                           source)


def _clip_tokenizer(config: 'CLIPTextCfg') -> Callable[[Sequence[str]], Tensor]:
    from open_clip import SimpleTokenizer
    if config.vocab_size != CLIP_WORDS:
        raise InputError(f'LanguageHead: arch.vocab_size={config.vocab_size}, but the tokenizer of CLIP has '
                         f'{CLIP_WORDS} tokens, and the file of weights brings no vocabulary. Check arch.')
    tokenizer = SimpleTokenizer(context_length=config.context_length)

    def tokenize(texts: Sequence[str]) -> Tensor:
        for text in texts:
            length = len(tokenizer.encode(text)) + 2  # begin and end
            if length > config.context_length:
                raise InputError(f'prompts: {text[:60]!r}... has {length} tokens, but this text encoder reads '
                                 f'{config.context_length}. Write a shorter sentence, or two of them.')
        return tokenizer(list(texts))

    return tokenize


def _word_tokenizer(vocabulary: Tensor, context_length: int) -> Callable[[Sequence[str]], Tensor]:
    """Tokenizer of the toy encoder: whole words, whose list, as bytes of UTF-8, is part of its file."""
    words = bytes(vocabulary.tolist()).decode().split()
    numbers = {word: number for number, word in enumerate(words, start=1)}
    start, end = len(words) + 1, len(words) + 2  # CLIP's text encoder finds the end as the largest number

    def tokenize(texts: Sequence[str]) -> Tensor:
        rows = []
        for text in texts:
            unknown = [word for word in text.split() if word not in numbers]
            if unknown:
                raise InputError(f'prompts: {text!r}: the toy text encoder does not know {", ".join(unknown)}. Its '
                                 f'{len(words)} words are: {" ".join(words)}.')
            if len(text.split()) + 2 > context_length:
                raise InputError(f'prompts: {text!r} has {len(text.split())} words; the toy text encoder reads '
                                 f'{context_length - 2}. Split it.')
            tokens = [start, *(numbers[word] for word in text.split()), end]
            rows.append(tokens + [0] * (context_length - len(tokens)))
        return torch.tensor(rows)

    return tokenize


def _roberta_tokenizer(folder: str) -> Any:
    missing = [name for name in _TOKENIZER_FILES if not (Path(folder).expanduser() / name).is_file()]
    if missing:
        raise InputError(f"{folder}: has no {' and no '.join(missing)} of RoBERTa's tokenizer, which CLAP's text "
                         'encoder needs (1.4 MB together): fetch vocab.json and merges.txt from the repository '
                         'FacebookAI/roberta-base on the Hugging Face hub, and put them there.')
    from transformers import RobertaTokenizer
    return RobertaTokenizer.from_pretrained(Path(folder).expanduser(), local_files_only=True)
