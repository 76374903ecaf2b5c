"""Exports of other tools with their mappings, and what came of them; the instrument is elsewhere.yaml."""

from __future__ import annotations

import csv
import json

from survey_app.cli.imports import ImportResult
from survey_app.store import Store, responses

LIMESURVEY = """\
"id";"submitdate";"startlanguage";"G01Q01";"D1";"Q7[tv]";"Q7[radio]";"Q7[phone]";"W[1]";"W[2]";"W[3]";"moved";"note"
"12";"2026-09-12 10:23:45";"zh-Hans";"A1";"AO02";"Y";"";"Y";"A3";"A1";"A2";"1998-05-01 00:00:00";"路灯, 坏了"
"13";"2026-09-13 08:00:00";"en";"A1";"AO01";"";"";"";"";"";"";"";""
"14";"";"en";"A1";"AO01";"";"";"";"";"";"";"";""
"""
LIMESURVEY_MAP = """\
separator: ";"
row_key: id
leave_out: {submitdate: [""]}
language: {column: startlanguage, values: {zh-Hans: zh, en: en}}
fieldwork_date: {column: submitdate, format: "%Y-%m-%d %H:%M:%S"}
mode: web
items:
  consent: {column: G01Q01, values: {A1: "yes", A2: "no"}}
  district: {column: D1, values: {AO01: east, AO02: west}}
  media: {columns: {"Q7[tv]": tv, "Q7[radio]": radio, "Q7[phone]": phone}, chosen: "Y"}
  wishes: {columns: ["W[1]", "W[2]", "W[3]"], values: {A1: green, A2: roads, A3: quiet}}
  moved: {column: moved, format: "%Y-%m-%d %H:%M:%S"}
  remark: {column: note}
"""
WENJUANXING = """\
序号,提交答卷时间,所用时间,来自IP,1、您愿意参加吗?,2、您住在哪个区?,3、您的年龄?,4、您从哪里了解城市新闻?,5、您还有什么想说的?
1,2026/9/12 9:05:07,123秒,1.2.3.4(四川),愿意,东区,41,电视┋手机,路灯坏了
2,2026/9/12 9:06:00,98秒,1.2.3.5(四川),愿意,西区,(空),(跳过),(跳过)
"""
WENJUANXING_MAP = """\
encoding: gb18030
row_key: 序号
source: wenjuanxing-2026
skip: [所用时间, 来自IP]
empty: [(空), (跳过)]
mode: {column: 提交答卷时间, values: {}}
items:
  consent: {column: 1、您愿意参加吗?, values: {愿意: "yes", 不愿意: "no"}}
  district: {column: 2、您住在哪个区?, values: {东区: east, 西区: west}}
  age: {column: 3、您的年龄?}
  media: {column: 4、您从哪里了解城市新闻?, separator: ┋, values: {电视: tv, 广播: radio, 手机: phone}}
  remark: {column: 5、您还有什么想说的?}
""".replace(
    "mode: {column: 提交答卷时间, values: {}}", 'fieldwork_date: {column: 提交答卷时间, format: "%Y/%m/%d %H:%M:%S"}'
)
KOBO = """\
start;consent;home/district;home/age;media;media/tv;media/radio;media/phone;wishes;hour;remark;_id;_uuid
2026-09-12T09:05:07.000+08:00;yes;east;41;tv phone;1;0;1;quiet green roads;07:30;=1+1;77;u1
"""
KOBO_MAP = """\
separator: semicolon
row_key: _uuid
skip: [start, _id, media/tv, media/radio, media/phone]
formula_text: keep
fieldwork_date: "2026-09-12"
mode: face_to_face
items:
  consent: {column: consent}
  district: {column: home/district}
  age: {column: home/age}
  media: {column: media}
  wishes: {column: wishes}
  hour: {column: hour, format: "%H:%M"}
  remark: {column: remark}
"""
PLAIN_MAP = """\
row_key: key
items:
  consent: {constant: "yes"}
  district: {column: where, values: {东: east, 西: west}, empty: "?"}
  age: {column: age}
  media: {columns: {tv: tv, radio: radio}, chosen: "1", not_chosen: "0"}
  moved: {column: moved, format: "%d.%m.%Y"}
  remark: {column: remark}
"""
HEADER = "key,where,age,tv,radio,moved,remark\n"


def stored(store: Store) -> list[dict[str, object]]:
    found = sorted(responses.stream(store, "spring"), key=lambda one: json.dumps(one.answers))
    return [dict(one.answers) for one in found]


def report_of(result: ImportResult) -> list[list[str]]:
    assert result.report is not None
    with result.report.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))
