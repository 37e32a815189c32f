"""The schema of the json files, and the page on all results."""
import base64
import copy
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_result import NOTE, make_result

from claip_emo_mm.apis.formats import read_results, result_schema, write_report
from claip_emo_mm.utils.io import write_json

PNG = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==')


def test_results_fit_the_schema_that_comes_with_the_package() -> None:
    jsonschema = pytest.importorskip('jsonschema')
    schema = result_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    content = make_result().to_dict()
    validator.validate(content)
    assert set(content) <= set(schema['properties'])  # nothing that it does not describe
    for name, described in (('people', schema['properties']['people']), ('rows', schema['properties']['rows'])):
        assert set(content[name][0]) == set(described['items']['properties']) == set(described['items']['required'])
    for change in (dict(schema_version=2), dict(rows=[]), dict(top=3), dict(unsure='yes'), dict(scores=dict(happy=2))):
        assert not validator.is_valid(dict(content, **change)), change
    for key in schema['required']:
        without = copy.deepcopy(content)
        del without[key]
        assert not validator.is_valid(without), key


class _Page(HTMLParser):
    """Tags that are open, addresses, alternative texts and words."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.alternatives: list[str] = []
        self.words = ''

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.addresses += [found[name] for name in ('src', 'href') if name in found]
        if tag == 'img':
            self.alternatives.append(found['alt'])
        if tag not in ('img', 'meta'):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_needs_no_network(tmp_path: Path) -> None:
    write_json(tmp_path / 'b.json', dict(make_result().to_dict(), made_from={}))
    (tmp_path / 'b.png').write_bytes(PNG)
    text = write_report(tmp_path, read_results(tmp_path)).read_text(encoding='utf-8')
    page = _Page()
    page.feed(text)
    assert page.open == [] and 'url(' not in text and '<script' not in text and '@import' not in text
    assert {re.sub('^data:image/png;base64,.*', 'data', address) for address in page.addresses} == {'#file1', 'data'}
    assert page.alternatives == ['Scores over time. Ratio of the time, person 1: happy 50 %, in pain 50 %; '
                                 'person 2: unsure 100 %; whole frame: happy 100 %']
    for word in ('talk & "more" 笑.mp4', NOTE, 'drawn faces', 'unsure: happy 52 %', 'scores are calibrated', 'no audio',
                 'visible in 12 % of the window'):
        assert word in page.words, word
    assert '<no>' not in text


def test_times_of_the_page_are_rounded_before_they_are_cut_into_minutes(tmp_path: Path) -> None:
    result, times = make_result(), [(0, 59.94), (59.958, 119.96), (61.04, 3599.97), (3600.1, 3605.16)]
    for row, (from_s, to_s) in zip(result.rows, times, strict=True):
        row.from_s, row.to_s = from_s, to_s
    write_json(tmp_path / 'b.json', dict(result.to_dict(), made_from={}))
    cells = re.findall('<tr><td>([0-9:.]+)</td><td>([0-9:.]+)</td>',
                       write_report(tmp_path, read_results(tmp_path)).read_text(encoding='utf-8'))
    assert cells == [('0:00.0', '0:59.9'), ('1:00.0', '2:00.0'), ('1:01.0', '60:00.0'), ('60:00.1', '60:05.2')]
