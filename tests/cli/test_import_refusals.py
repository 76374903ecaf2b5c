"""A mapping or a file that cannot be used: one sentence with the place and the remedy, and no row is stored."""

from __future__ import annotations

import pytest

from survey_app.store import StoreError
from tests.cli.mappings import HEADER, PLAIN_MAP, stored


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "column: where",
            "column: whre",
            "names a column 'whre', which answers.csv does not have. Did you mean 'where'?",
        ),
        ("row_key: key\n", "", "has a column 'key', which map.yaml neither uses nor skips"),
        (
            "age: {column: age}",
            "ag: {column: age}",
            "maps an item 'ag', which elsewhere does not ask. Did you mean 'age'?",
        ),
        (
            "东: east",
            "东: eest",
            "names a choice 'eest' at district, values, '东', which it does not offer. Did you mean",
        ),
        ("东: east", '东: ""', "has no choice for '东' at district"),
        ("tv: tv,", "tv: tw,", "names a choice 'tw' at media, columns, 'tv'"),
        ('{constant: "yes"}', '{constant: "maybe"}', "names a choice 'maybe' at consent"),
        ('  consent: {constant: "yes"}\n', "", "gives no answer to 'consent', which elsewhere requires"),
        ("{column: age}", '{column: age, format: "%d"}', "gives a format to age, which is no date"),
        ("%d.%m.%Y", "%Q", "has a format '%Q' at moved that reads no date"),
        ("{column: age}", "{colum: age}", "has an unknown word 'colum' at age. Did you mean 'column'?"),
        ("{column: age}", "{column: age, constant: 4}", "needs one of column, columns or constant at age"),
        ("{column: age}", "{columns: [age, tv]}", "gives several columns to age"),
        ("{column: age}", "41", "holds no 'name: value' lines at age"),
        (', chosen: "1"', "", "needs, under chosen at media"),
        ("row_key: key", "row_key: key\nundecided: [x]", "leaves 1 columns undecided, the first is 'x'"),
        ("row_key: key", "encoding: latin1", "has encoding 'latin1'."),
        ("row_key: key", "separator: ';;'", "has separator ';;'; give one character"),
        ("row_key: key", "source: a", "has a source and no row_key"),
        ("row_key: key", "row_key: key\nrow_key: age", "map.yaml line 2 is not YAML: found duplicate key"),
        ("row_key: key", "row_key: key\nskip: &a [x]\nempty: *a", "line 3 holds an alias or a tag"),
        ("row_key: key", "row_key: !!python/object:os.system key", "line 1 holds an alias or a tag"),
        ("row_key: key", "row_key: [key", "is not YAML"),
        ("row_key: key", "row_key: key\ninvitation: abc", "has one invitation for all rows"),
        ("row_key: key", "row_key: key\nmode: papr", "has mode 'papr'. Did you mean 'paper'?"),
        (
            "row_key: key",
            "row_key: key\nmode: {column: tv, values: {1: papr}}",
            "has mode 'papr'. Did you mean 'paper'?",
        ),
        ("row_key: key", "row_key: key\nlanguage: fr", "has language 'fr'"),
        ("row_key: key", "row_key: key\nfieldwork_date: 12/9/2026", "it must read YYYY-MM-DD"),
        ("row_key: key", "row_key: key\nfieldwork_date: '1026-01-01'", "give a day from 2000-01-01 to today"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_before_any_row_is_stored(store, bring, old: str, new: str, words: str):
    assert old in PLAIN_MAP
    with pytest.raises(StoreError) as caught:
        bring(HEADER + "a,东,41,1,0,,\n", PLAIN_MAP.replace(old, new))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert stored(store) == []


@pytest.mark.parametrize(
    ("content", "mapping", "words"),
    [
        ((HEADER + "a,东,41,1,0,,\n").encode("gb18030"), PLAIN_MAP, "line 2 holds byte 0xB6, which is not UTF-8"),
        ((HEADER + "a,东,41,1,0,,\n").encode("utf-8-sig"), "encoding: gb18030\n" + PLAIN_MAP, "declare utf-8"),
        (HEADER.encode() + b"a,\xff,41,1,0,,\n", "encoding: gb18030\n" + PLAIN_MAP, "0xFF, which is not GB18030"),
        ((HEADER + "a,东,41,1,0,,\n").encode("utf-16"), PLAIN_MAP, "is UTF-16; save it as CSV in UTF-8"),
        (HEADER.encode(), PLAIN_MAP, "has a header and no rows"),
        (b"", PLAIN_MAP, "is empty"),
        ((HEADER + 'a,"东,41,1,0,,\n').encode(), PLAIN_MAP, "is no table with a header"),
        (("key," + HEADER + "a,a,东,41,1,0,,\n").encode(), PLAIN_MAP, "has the column 'key' twice"),
    ],
)
def test_a_file_that_cannot_be_read_whole_is_refused_with_line_and_remedy(
    store, bring, content: bytes, mapping: str, words: str
):
    with pytest.raises(StoreError) as caught:
        bring(content, mapping)
    assert words in str(caught.value)
    assert stored(store) == []
