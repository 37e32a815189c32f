"""Descriptions of public audiovisual corpora: CREMA-D, RAVDESS, eNTERFACE05, MELD, SAVEE."""
from claip_emo_mm.datasets.corpora import Corpus, Exclusion, LabelTable
from claip_emo_mm.datasets.labels import CREMAD, ENTERFACE05, MELD, RAVDESS, RAVDESS_7, SAVEE
from claip_emo_mm.errors import check_choice

_CREMAD_REPORT = "report 8 in the owners' repository; HiCMAE's lists lack it"
_CREMAD_EXCLUDED = (
    Exclusion('1076_MTI_SAD_XX', 'no audio, and no face', _CREMAD_REPORT),
    Exclusion('1076_MTI_NEU_XX', 'its flv and mp3 have no audio', _CREMAD_REPORT),
    Exclusion('1064_TIE_SAD_XX', 'its flv and mp3 are broken', _CREMAD_REPORT),
    Exclusion('1064_IEO_DIS_MD', 'a minute in which all emotions are acted', _CREMAD_REPORT),
    Exclusion('1040_ITH_SAD_XX?', 'its audio was once published as 1040_ITH_SAD_X', "HiCMAE's lists lack it"),
)
_CREMAD_CLIP = (r'(?P<person>1\d{3})_(?P<sentence>IEO|TIE|IOM|IWW|TAI|MTI|IWL|ITH|DFA|ITS|TSI|WSI)'
                r'_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(?P<level>LO|MD|HI|XX?)')


def _persons(*firsts: int, end: int, digits: int = 0) -> tuple[tuple[str, ...], ...]:
    """Folds of consecutive persons: the first of each, and the first of none."""
    ends = (*firsts[1:], end)
    return tuple(tuple(f'{number:0{digits}d}' for number in range(first, stop))
                 for first, stop in zip(firsts, ends, strict=True))


def cremad(all_clips: bool = False) -> Corpus:
    """Describe CREMA-D in the field's five folds of consecutive actors, without the five clips that HiCMAE leaves out.

    Args:
        all_clips: keep them, as MAE-DFER does.
    """
    protocol = "MAE-DFER's 7,442 clips" if all_clips else "HiCMAE's 7,437 clips"
    return Corpus(
        CREMAD, clip_id='{person}_{sentence}_{emotion}_{level}',
        videos=(rf'{_CREMAD_CLIP}\.flv', rf'{_CREMAD_CLIP}\.(?:mp4|avi|mkv|mov|webm)'),
        audio=(rf'AudioWAV/{_CREMAD_CLIP}\.wav', rf'{_CREMAD_CLIP}\.wav', rf'{_CREMAD_CLIP}\.mp3'),
        renamed={'1040_ITH_SAD_X': '1040_ITH_SAD_XX'},
        labels=dict(ANG='anger', DIS='disgust', FEA='fear', HAP='happy', NEU='neutral', SAD='sad'),
        folds=_persons(1001, 1019, 1037, 1055, 1073, end=1092),
        excluded=() if all_clips else _CREMAD_EXCLUDED, protocol=f'{protocol}, 5 folds of consecutive actors',
        address='git lfs install && git clone https://github.com/CheyneyComputerScience/CREMA-D (or its mirror '
                'https://gitlab.com/cs-cooper-lab/crema-d-mirror)',
        license='ODbL 1.0')


def ravdess(num_classes: int = 8, songs: bool = False) -> Corpus:
    """Describe RAVDESS, each performance once: the picture of its file 02, the audio of its file 03, or 01 for either.

    Args:
        num_classes: 8, or 7 without calm.
        songs: take songs as well as speech. No folds are published with songs; actor 18 does not sing.
    """
    check_choice('RAVDESS', (8, 7), num_classes=num_classes)
    schema = RAVDESS if num_classes == 8 else RAVDESS_7
    clip = (r'-(?P<channel>01|02)-(?P<emotion>0[1-8])-(?P<intensity>01|02)-(?P<statement>01|02)'
            r'-(?P<repetition>01|02)-(?P<person>0[1-9]|1\d|2[0-4])')
    excluded = []
    if not songs:
        excluded.append(Exclusion(r'0[123]-02-\d\d-\d\d-\d\d-\d\d-\d\d\.\w+$', 'a song: --songs takes them'))
    if num_classes == 7:
        excluded.append(Exclusion(r'0[123]-0[12]-02-\d\d-\d\d-\d\d-\d\d\.\w+$',
                                  'calm: not one of the 7 classes'))
    what = 'speech and songs' if songs else 'speech'
    return Corpus(
        schema, clip_id='02-{channel}-{emotion}-{intensity}-{statement}-{repetition}-{person}',  # as HiCMAE's lists
        videos=(rf'02{clip}\.mp4', rf'01{clip}\.mp4'), audio=(rf'03{clip}\.(?:wav|flac|mp3)', rf'01{clip}\.mp4'),
        labels={f'{number:02d}': name for number, name in enumerate(RAVDESS.classes, 1) if name in schema.classes},
        folds=_persons(1, 5, 9, 13, 17, 21, end=25, digits=2), excluded=tuple(excluded),
        protocol=f'{what}, {num_classes} classes, 6 folds of consecutive actors',
        address='https://zenodo.org/records/1188976: Video_Speech_Actor_01.zip to 24, Audio_Speech_Actors_01-24.zip',
        license='CC BY-NC-SA 4.0')


def enterface05() -> Corpus:
    """Describe eNTERFACE05 in MAE-DFER's five folds; person, emotion and sentence are the folders'."""
    return Corpus(
        ENTERFACE05, clip_id='s{person}_{emotion}_{sentence}',
        videos=(r'subject[ _]?(?P<person>\d+)/(?P<emotion>\w+)/sentence[ _]?(?P<sentence>\d)/[^/]+\.(?:avi|mp4)',),
        labels={name: name for name in ENTERFACE05.classes},
        # Subject 6 is in no list.
        folds=_persons(1, 11, 20, 29, 38, end=45),
        excluded=(Exclusion(r'subject[ _]?6/', 'subject 6 has no folders of sentences', "MAE-DFER's lists"),),
        protocol="MAE-DFER's 1,287 clips, 5 folds of subjects", address='http://www.enterface.net/enterface05/',
        license='for research, see the owners')


def meld(all_clips: bool = False) -> Corpus:
    """Describe MELD with its official train, dev and test split.

    Args:
        all_clips: keep two test clips that last minutes, and the broken training clip.
    """
    known = (
        Exclusion(r'train_splits/dia125_utt3\.', 'broken', "report 39 in the owners' repository"),
        Exclusion(r'output_repeated_splits_test/dia38_utt4\.', 'minutes of several scenes (305 s by its list)',
                  "report 20 in the owners' repository"),
        Exclusion(r'output_repeated_splits_test/dia220_utt0\.', 'minutes of several scenes (235 s by its list)',
                  "report 20 in the owners' repository"))
    return Corpus(
        MELD, clip_id='{split}_dia{dialogue}_utt{utterance}',
        videos=(r'(?P<split>train_splits|dev_splits_complete|output_repeated_splits_test)/'
                r'dia(?P<dialogue>\d+)_utt(?P<utterance>\d+)\.mp4',),
        splits=dict(train_splits='train', dev_splits_complete='val', output_repeated_splits_test='test'),
        table=LabelTable(dict(train='train_sent_emo.csv', val='dev_sent_emo.csv', test='test_sent_emo.csv'),
                         'dia{dialogue_id}_utt{utterance_id}', 'emotion',
                         'https://github.com/declare-lab/MELD, data/MELD',
                         missing={'val_dia110_utt7': "report 27 in the owners' repository"}),
        excluded=() if all_clips else known, protocol='official split', license='GPL-3.0',
        address='https://github.com/declare-lab/MELD names the archive of the videos (MELD.Raw.tar.gz)')


def savee() -> Corpus:
    """Describe SAVEE, where each of the four speakers is tested in a fold."""
    clip = r'(?P<person>DC|JE|JK|KL)[/_](?P<emotion>sa|su|a|d|f|h|n)(?P<number>\d\d)'
    return Corpus(
        SAVEE, clip_id='{person}_{emotion}{number}', videos=(rf'{clip}\.(?:avi|mp4)',), audio=(rf'{clip}\.wav',),
        labels=dict(a='anger', d='disgust', f='fear', h='happiness', n='neutral', sa='sadness', su='surprise'),
        folds=(('DC',), ('JE',), ('JK',), ('KL',)), protocol='leave one of the 4 speakers out',
        address='http://kahlan.eps.surrey.ac.uk/savee/', license='for research, by registration')


CORPORA = {corpus.schema.name: corpus for corpus in (
    cremad(), ravdess(), ravdess(7), enterface05(), meld(), savee())}
