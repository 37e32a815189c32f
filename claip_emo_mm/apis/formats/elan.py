"""ELAN's annotation format (eaf, version 3.0)."""
import mimetypes
from datetime import datetime
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from claip_emo_mm.apis.formats.tiers import result_tiers
from claip_emo_mm.errors import printable
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.utils.io import atomic_write
from claip_emo_mm.version import META_KEY

_TYPE = 'emotion'  # linguistic type of all tiers
_SCHEMA = {'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
           'xsi:noNamespaceSchemaLocation': 'http://www.mpi.nl/tools/elan/EAFv3.0.xsd'}
_FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])  # characters that XML has no way to write


def write_eaf(path: Path, result: EmotionResult) -> None:
    """Write the tiers of a result atomically. The video is named relative to the file, which `result.name` is."""
    tiers = result_tiers(result)
    root = Element('ANNOTATION_DOCUMENT', AUTHOR=META_KEY, DATE=datetime.now().astimezone().isoformat(),
                   FORMAT='3.0', VERSION='3.0', **_SCHEMA)
    header = SubElement(root, 'HEADER', MEDIA_FILE='', TIME_UNITS='milliseconds')
    address = quote(f'./{_text(printable(result.name))}')
    SubElement(header, 'MEDIA_DESCRIPTOR', MEDIA_URL=address, RELATIVE_MEDIA_URL=address,
               MIME_TYPE=mimetypes.guess_type(result.name)[0] or 'unknown')
    order = SubElement(root, 'TIME_ORDER')
    places: dict[int, str] = {}
    times = sorted({round(1000 * time_s) for tier in tiers for each in tier.intervals
                    for time_s in (each.from_s, each.to_s)})
    for number, time_ms in enumerate(times, 1):
        places[time_ms] = f'ts{number}'
        SubElement(order, 'TIME_SLOT', TIME_SLOT_ID=places[time_ms], TIME_VALUE=str(time_ms))
    count = 0
    for tier in tiers:
        element = SubElement(root, 'TIER', TIER_ID=tier.name, LINGUISTIC_TYPE_REF=_TYPE)
        for each in tier.intervals:
            count += 1
            annotation = SubElement(
                SubElement(element, 'ANNOTATION'), 'ALIGNABLE_ANNOTATION', ANNOTATION_ID=f'a{count}',
                TIME_SLOT_REF1=places[round(1000 * each.from_s)], TIME_SLOT_REF2=places[round(1000 * each.to_s)])
            SubElement(annotation, 'ANNOTATION_VALUE').text = _text(each.text)
    SubElement(header, 'PROPERTY', NAME='lastUsedAnnotationId').text = str(count)
    SubElement(root, 'LINGUISTIC_TYPE', LINGUISTIC_TYPE_ID=_TYPE, TIME_ALIGNABLE='true', GRAPHIC_REFERENCES='false')
    ElementTree.indent(root)
    with atomic_write(path) as temporary:
        ElementTree.ElementTree(root).write(temporary, encoding='UTF-8', xml_declaration=True)


def _text(text: str) -> str:
    return text.translate(_FORBIDDEN)
