"""An office sets up a wave of its own by commands, invites, and follows it: from the instrument to the retention."""

import csv
import io
import json
import re
import shutil
import stat
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine

from questionnaires import load_instrument
from survey_app import submission
from survey_app.cli import main
from survey_app.demonstration.making import prepare_store
from survey_app.demonstration.truth import INSTRUMENT
from survey_app.settings import Settings
from survey_app.store import checks, contacts, invitations, open_store, responses, waves
from survey_app.submission import Submission
from tests.cli.conftest import EARLIER, Home

ADDRESS = "https://survey.example.org"
TODAY = date(2026, 9, 1)
WAVE = """\
slug: autumn
title: {{zh: 秋季满意度调查, en: Autumn satisfaction survey}}
city: "510100"
scheme: nbs
edition: "2023"
instrument: {{id: public-opinion, version: "{version}"}}
opens: 2026-09-01
closes: 2026-09-30
presets: {{city: "510100", fieldwork_year: 2026}}
weighting:
  steps:
    - rake: {{margins: [{{unit: district, variables: [sex]}}], tolerance: 1.0e-10, iterations: 1000}}
margins: margins/adults-2020.csv
quotas: quotas.csv
office: {{zh: 成都市示范办公室, en: Model Office of Chengdu}}
office_phone: 028-12345678
"""
SAMPLE = "case,district,stratum,psu,inclusion_probability_psu,inclusion_probability_person,base_weight,mode\n"
PSUS = {"510104017001": "510104", "510104017002": "510104", "510105001004": "510105"}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass
class Office:
    """A data folder with a published instrument, the files that an office writes, and the command line."""

    settings: Settings
    folder: Path
    command: Callable[..., Ran]

    def run(self, *arguments: str) -> Ran:
        return self.command(*arguments)

    def well(self, *arguments: str) -> str:
        ran = self.run(*arguments)
        assert (ran.code, ran.err) == (0, ""), ran
        return ran.out

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)


@pytest.fixture(scope="session")
def with_units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after `sandu init`, made once and copied for every test."""
    home = tmp_path_factory.mktemp("office") / "home"
    prepare_store(Settings.from_environment({"SANDU_HOME": str(home)})).close()
    return home


@pytest.fixture
def office(
    with_units: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    home = Path(shutil.copytree(with_units, tmp_path / "home"))
    environment = {"SANDU_HOME": str(home), "SANDU_PUBLIC_ADDRESS": ADDRESS, "SANDU_LANGUAGE": "en"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["sandu", *arguments])
        with time_machine.travel(TODAY, tick=False), pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ran(ended.value.code if isinstance(ended.value.code, int) else 0, captured.out, captured.err)

    return Office(Settings.from_environment(environment), tmp_path, command)


def psus(settings: Settings) -> list[tuple[str, str]]:
    """Three communities of two districts of the unit list."""
    from survey_app.cli.samples import units_below

    with open_store(settings) as store:
        known = units_below(store, waves.get(store, "autumn"))
    found: list[tuple[str, str]] = []
    for district in ("510104", "510105"):
        streets = {code for code, unit in known.items() if unit.parent_code == district}
        found += [(district, code) for code, unit in known.items() if unit.parent_code in streets][:2]
    return found[:3]


def sample_rows(settings: Settings, people: int = 6) -> list[str]:
    rows = []
    for district, psu in psus(settings):
        for number in range(people):
            mode = "phone" if number == people - 1 else "web"
            rows.append(f"{psu}-{number:02},{district},{district},{psu},0.1,0.02,500,{mode}")
    return rows


@pytest.fixture
def wave(office: Office) -> str:
    """The wave made, its sample drawn, and a contact for each case."""
    version = load_instrument(INSTRUMENT).version
    office.write("quotas.csv", "name,cap,district\njinjiang,400,510104\n")
    out = office.well("wave", "create", office.write("wave.yaml", WAVE.format(version=version)))
    assert out == f"{ADDRESS}/s/autumn\n"
    rows = sample_rows(office.settings)
    assert "Cases drawn: 18" in office.well("sample", "autumn", office.write("sample.csv", SAMPLE + "\n".join(rows)))
    people = "case,name,phone,address,email,language\n" + "".join(
        f"{row.split(',')[0]},{'=HYPERLINK(1)' if place == 0 else f'王{place}'},+86 1390000{place:04},"
        f"锦江区某路{place}号,a{place}@example.org,{'en' if place % 4 == 1 else 'zh'}\n"
        for place, row in enumerate(rows)
    )
    assert "18" in office.well("contacts", "load", "autumn", office.write("people.csv", people))
    return "autumn"


def answer(settings: Settings, link: str, day: date = TODAY) -> str:
    """A resident answers by a link on a day; the receipt."""
    token = link.rpartition("t=")[2]
    with time_machine.travel(day, tick=False), open_store(settings) as store:
        draft = submission.open_invitation(store, "autumn", token)
        outcome = submission.submit(store, "autumn", Submission(draft.id, {"consent": "no"}))
        assert isinstance(outcome, submission.Accepted), outcome
        return outcome.receipt


def test_a_wave_made_by_commands_is_what_its_file_says(office: Office, wave: str) -> None:
    with open_store(office.settings) as store:
        made = waves.get(store, wave)
        cases = invitations.cases(store, wave)
    assert (made.opens, made.closes, made.open_link, made.simulated) == (TODAY, date(2026, 9, 30), False, False)
    assert made.weighting["design"] == {"stratum": "stratum", "psu": "psu", "weight": "base_weight"}
    assert {row["variable"] for row in made.margins} == {"sex", "age_band3", "sex*age_band"}
    assert all(row["source"] and row["date"] for row in made.margins)
    assert (len(cases), Counter(case.mode for case in cases)) == (18, {"web": 15, "phone": 3})
    listed = office.well("wave", "list")
    assert re.search(r"autumn .* 2026-09-01 .* 2026-09-30 .* open .* 18 ", listed)
    office.well("wave", "close", wave)
    assert re.search(r"autumn .* closed ", office.well("wave", "list"))
    office.well("wave", "open", wave)
    assert "jinjiang" in office.well("quotas", wave)


def test_publishing_an_instrument_again_changes_nothing_and_other_content_needs_a_new_version(office: Office) -> None:
    source = INSTRUMENT.read_text(encoding="utf-8")
    assert "public-opinion" in office.well("instrument", "publish", str(INSTRUMENT))
    changed = office.write("changed.yaml", source.replace("只作汇总统计", "只作统计"))
    ran = office.run("instrument", "publish", changed)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "already published with other content" in ran.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('city: "510100"\nscheme', 'city: "999999"\nscheme', "nothing below '999999'"),
        ("opens: 2026-09-01", "opens: soon", "opens: 'soon' is no day; write it as 2026-09-30."),
        ("slug: autumn", "slug: Autumn 2026", "A wave cannot be named 'Autumn 2026'"),
        ("closes:", "closses:", "'closses' is no entry. Did you mean 'closes'?"),
        ("zh: 秋季满意度调查, ", "", "title: the entry 'zh' is missing"),
        ("id: public-opinion", "id: public-opinoin", "No instrument 'public-opinoin'"),
        (", fieldwork_year: 2026", "", "presets: the entry 'fieldwork_year' is missing"),
        ("unit: district, variables", "unit: district, varables", "rake needs margins, each with unit and variables"),
        ("margins: margins/adults-2020.csv", "margins: nowhere.csv", "there is no file 'nowhere.csv' beside it"),
        ("margins: margins/adults-2020.csv\n", "", "its steps need margins"),
        ("edition: \"2023\"", "edition: 2023", "edition: 2023 is no text; put it in quotation marks."),
        ("office_phone:", "previous: spring\noffice_phone:", "There is no wave 'spring'"),
        ("slug: autumn", "slug: &a autumn\nprevious: *a", "holds an alias or a tag"),
        ("slug: autumn", "slug: autumn\nslug: winter", "line 2 is not YAML"),
    ],
)  # fmt: skip
def test_a_wave_file_that_does_not_hold_is_refused_with_its_place(
    office: Office, old: str, new: str, said: str
) -> None:
    text = WAVE.format(version=load_instrument(INSTRUMENT).version).replace("quotas: quotas.csv\n", "")
    assert old in text
    ran = office.run("wave", "create", office.write("wave.yaml", text.replace(old, new)))
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran
    assert said in ran.err
    with open_store(office.settings) as store:
        assert waves.slugs(store) == []


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("case", "", "row 3, column 'case': '' is no code"),
        ("case", "FIRST", "stands in row 2 already"),
        ("case", "OLD", "is already drawn in wave 'autumn'"),
        ("district", "510199", "row 3, column 'district': '510199' is no unit of the city."),
        ("psu", "510104999999", "row 3, column 'psu': '510104999999' is no unit of the city, others are."),
        ("district", "510105", "row 3, column 'psu'"),
        ("inclusion_probability_psu", "0", "is no probability above 0 and up to 1"),
        ("inclusion_probability_psu", "1.2", "is no probability above 0 and up to 1"),
        ("inclusion_probability_person", "nan", "'nan' is no number"),
        ("inclusion_probability_person", "0,02", "is no number; write it with a decimal point"),
        ("base_weight", "400", "row 3, column 'base_weight': 400 is not 1 / (product of both probabilities) = 500."),
        ("mode", "telephone", "'telephone' is no mode"),
    ],
)
def test_a_sample_is_read_whole_and_refused_with_row_and_column(
    office: Office, wave: str, column: str, value: str, said: str
) -> None:
    rows = [row.replace("-0", "-9") for row in sample_rows(office.settings)]
    cells = dict(zip(SAMPLE.strip().split(","), rows[1].split(","), strict=True))
    special = {"FIRST": rows[0].split(",")[0], "OLD": sample_rows(office.settings)[0].split(",")[0]}
    cells[column] = f'"{value}"' if "," in value else special.get(value, value)
    rows[1] = ",".join(cells.values())
    ran = office.run("sample", wave, office.write("second.csv", SAMPLE + "\n".join(rows)))
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran
    assert said in ran.err
    with open_store(office.settings) as store:
        assert len(invitations.cases(store, wave)) == 18


def test_a_base_weight_is_one_value_within_a_psu(office: Office, wave: str) -> None:
    rows = [row.replace("-0", "-9") for row in sample_rows(office.settings)]
    rows[2] = rows[2].replace("0.1,0.02,500", "0.1,0.04,250")
    ran = office.run("sample", wave, office.write("second.csv", SAMPLE + "\n".join(rows)))
    assert ran.code == 2
    assert "row 4, column 'inclusion_probability_person': 0.04 differs from 0.02 in row 2" in ran.err


def read_links(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_links_go_to_a_mail_house_as_a_private_csv_that_no_spreadsheet_runs(office: Office, wave: str) -> None:
    target = office.folder / "links.csv"
    fields = ("--field", "name", "--field", "phone", "--field", "email")
    office.well("invite", wave, "--batch", "first", "--csv", str(target), *fields)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    rows = read_links(target)
    assert list(rows[0]) == ["case", "language", "name", "phone", "email", "link"]
    assert len(rows) == 15
    assert all(re.fullmatch(rf"{ADDRESS}/s/autumn\?t=[0-9a-z]{{26}}", row["link"]) for row in rows)
    assert {row["name"] for row in rows if "HYPERLINK" in row["name"]} == {"'=HYPERLINK(1)"}
    assert all(row["phone"].startswith("+86 139") for row in rows)  # a telephone number stays one
    assert {row["language"] for row in rows} == {"zh", "en"}
    assert [row["case"] for row in rows] != sorted(row["case"] for row in rows)
    answer(office.settings, rows[0]["link"])
    with open_store(office.settings) as store:
        stored = str(store.read(lambda connection: connection.all("SELECT * FROM invitation")))
    assert not any(row["link"].rpartition("=")[2] in stored for row in rows)


def test_a_file_that_is_there_is_never_written_over_and_then_no_invitation_is_made(office: Office, wave: str) -> None:
    target = office.write("links.csv", "mine")
    ran = office.run("invite", wave, "--csv", target)
    assert (ran.code, "exists already" in ran.err) == (2, True)
    assert Path(target).read_text(encoding="utf-8") == "mine"
    with open_store(office.settings) as store:
        assert len(invitations.waiting(store, wave)) == 15


def test_reminders_replace_links_of_those_who_have_not_answered(office: Office, wave: str) -> None:
    first = office.well("invite", wave, "--district", "510104").split()
    assert len(first) == 10
    answer(office.settings, first[0])
    ran = office.run("invite", wave, "--district", "510104")
    assert "Nobody in district '510104'" in ran.err
    second = office.well("invite", wave, "--district", "510104", "--again", "--batch", "reminder").split()
    assert len(second) == 9
    with open_store(office.settings) as store, time_machine.travel(TODAY, tick=False):
        gone = submission.open_invitation(store, wave, first[1].rpartition("=")[2])
        assert gone == submission.Refused("unknown")
    answer(office.settings, second[0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--count", "16"], "16 invitations were asked for, and 15 web cases"),
        (["--district", "510199"], "Nobody in district '510199'"),
        (["--batch", "a b"], "'a b' is no name of a batch"),
        (["--csv", "x.csv", "--field", "fone"], "'fone' is not handed out with links. Did you mean 'phone'?"),
        (["--csv", "/nowhere/x.csv"], "/nowhere"),
    ],
)
def test_an_order_that_cannot_be_met_makes_no_invitation(
    office: Office, wave: str, arguments: list[str], said: str
) -> None:
    ran = office.run("invite", wave, *arguments)
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran
    assert said in ran.err
    with open_store(office.settings) as store:
        assert len(invitations.waiting(store, wave)) == 15


def test_links_of_a_real_wave_need_an_address_that_others_can_open(
    office: Office, wave: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SANDU_PUBLIC_ADDRESS")
    ran = office.run("invite", wave)
    assert (ran.code, "Set SANDU_PUBLIC_ADDRESS first" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nx\n", "lacks the column 'case'"),
        ("case,name\nnobody,x\n", "row 2, column 'case': 'nobody' is not drawn"),
        ("case,language\nFIRST,fr\n", "row 2, column 'language': 'fr' is not asked"),
        ("case,name\nFIRST,x\nFIRST,y\n", "stands in row 2 already"),
        ("case,fone\nFIRST,1\n", "a column 'fone', which is not read here. Did you mean 'phone'?"),
        ('case,name\nFIRST,"a\nb"\n', "column 'name'"),
    ],
)
def test_contacts_are_read_whole_and_refused_with_row_and_column(
    office: Office, wave: str, text: str, said: str
) -> None:
    first = sample_rows(office.settings)[0].split(",")[0]
    ran = office.run("contacts", "load", wave, office.write("more.csv", text.replace("FIRST", first)))
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran
    assert said in ran.err


def test_contacts_are_forgotten_by_case_of_those_who_answered_and_when_their_time_is_over(
    office: Office, wave: str
) -> None:
    cases = [row.split(",")[0] for row in sample_rows(office.settings)]
    link = office.well("invite", wave, "--count", "1").strip()
    answer(office.settings, link)
    assert "erased: 1" in office.well("contacts", "forget", wave, "--case", cases[-1])
    assert "erased: 1" in office.well("contacts", "forget", wave, "--answered")
    with contacts.open_contacts(office.settings) as book:
        assert len(contacts.all_of(book, wave)) == 16
        assert {one.keep_until for one in contacts.all_of(book, wave).values()} == {date(2026, 10, 30)}
    assert "erased: 16" in office.well("contacts", "forget", wave)


def cells(out: str) -> dict[str, list[str]]:
    found = {}
    for line in out.splitlines():
        if line.startswith("│"):
            row = [cell.strip() for cell in line.strip("│").split("│")]
            found.setdefault(row[0], row[1:])
    return found


def test_redemption_counts_by_batch_district_and_day_and_stays_the_same_after_the_seal(
    office: Office, wave: str
) -> None:
    first = office.well("invite", wave, "--batch", "first", "--count", "8", "--days", "1").split()
    second = office.well("invite", wave, "--batch", "second").split()
    assert (len(first), len(second)) == (8, 7)
    for place, link in enumerate([*first[:4], *second[:1]]):
        answer(office.settings, link, TODAY + timedelta(days=place // 3))
    out = office.well("redemption", wave)
    table = cells(out)
    assert table["first"] == ["8", "4", "0", "50.0"]
    assert table["second"] == ["7", "1", "0", "14.3"]
    assert table["All"] == ["15", "5", "0", "33.3"]
    assert table["2026-09-01"] == ["3", "3", "20.0"]
    assert table["2026-09-02"] == ["2", "5", "33.3"]
    assert list(table).index("Jinjiang District") < list(table).index("Qingyang District")
    office.well("seal")
    assert office.well("redemption", wave) == out


def test_retention_says_what_is_past_its_time_and_then_deletes_it(office: Office, wave: str) -> None:
    links = office.well("invite", wave, "--count", "3").split()
    receipts = [answer(office.settings, link) for link in links[:2]]
    office.well("seal")
    with open_store(office.settings) as store:
        assert submission.erase(store, receipts[0]) == wave  # a receipt code still works after the seal
    assert cells(office.well("retention", "--dry-run"))["autumn"] == ["1095", "0", "0", "0", "0", "0"]
    later = TODAY + timedelta(days=1096)
    with time_machine.travel(later, tick=False), open_store(office.settings) as store:
        from survey_app.store import retention

        found = retention.due(store)
        assert [(one.answers, one.contacts) for one in found] == [(1, 18)]
        assert len(list(responses.stream(store, wave))) == 1
        retention.apply(store, found)
        assert list(responses.stream(store, wave)) == []
        assert [(one.answers, one.contacts) for one in retention.due(store)] == [(0, 0)]
        assert checks.check(store) == []


def test_the_wave_file_of_the_readme_makes_a_wave(office: Office) -> None:
    readme = Path(__file__).resolve().parents[2] / "survey_app" / "README.md"
    (text,) = re.findall(r"```yaml\n(slug: .*?)```", readme.read_text("utf-8"), flags=re.DOTALL)
    office.write("quotas.csv", "name,cap,district\njinjiang,400,510104\n")
    earlier = WAVE.format(version="1").replace("slug: autumn", "slug: chengdu-2026-2")
    office.well("wave", "create", office.write("earlier.yaml", earlier))
    assert office.well("wave", "create", office.write("wave.yaml", text)) == f"{ADDRESS}/s/chengdu-2026-3\n"


def test_a_wave_set_up_by_commands_goes_all_the_way_to_its_estimates(
    home: Home, run: Callable[..., Ran], tmp_path: Path
) -> None:
    """The demonstration's cases and answers in a wave made by commands: the same people, the same weights."""
    with open_store(home.settings) as store:
        cases = invitations.cases(store, EARLIER)
        given = [one for one in responses.stream(store, EARLIER) if one.stream == "probability"]
        old = waves.get(store, EARLIER)
    names = [*SAMPLE.strip().split(","), "weighting_class"]
    rows = [",".join(str(getattr(case, name)) for name in names) for case in cases]
    (tmp_path / "sample.csv").write_text("\n".join([",".join(names), *rows]), encoding="utf-8")
    text = WAVE.format(version=old.instrument_version).replace("quotas: quotas.csv\n", "")
    text = re.sub(r"opens: .*\ncloses: .*\n", "simulated: true\n", text)
    steps = json.dumps(
        {"design": old.weighting["design"], "steps": old.weighting["steps"], "ledger": old.weighting["ledger"]}
    )
    text = re.sub(r"weighting:\n  steps:\n.*\n", f"weighting: {steps}\n", text).replace("slug: autumn", "slug: again")
    (tmp_path / "wave.yaml").write_text(text, encoding="utf-8")
    assert run("wave", "create", str(tmp_path / "wave.yaml")).err == ""
    assert run("sample", "again", str(tmp_path / "sample.csv")).err == ""
    waiting: dict[tuple[str | None, str, str], list[str]] = {}
    for case in cases:
        if case.disposition:
            waiting.setdefault((case.psu, case.mode, case.disposition), []).append(case.case)
    with open_store(home.settings) as store:
        for one in given:
            case = waiting[(one.psu, one.mode, one.disposition)].pop()
            (token,) = invitations.mint(store, "again", [case])
            form = Submission(
                submission.new_id(), one.answers, language=one.language, invitation=token,
                fieldwork_date=one.fieldwork_date, durations=one.durations,
            )  # fmt: skip
            assert isinstance(submission.submit(store, "again", form), submission.Accepted)
    folder = run("snapshot", "again").out.strip()
    estimates = [run("estimate", str(one), "--index", "satisfaction") for one in (folder, home.folder(EARLIER))]
    again, before = (cells(estimate.out) for estimate in estimates)
    assert [row[-1] for row in again.values()] == [row[-1] for row in before.values()]  # answers per district
    # Where sex or age is missing one is drawn, seeded by the wave's name: that alone may move a number a little.
    assert [float(row[1]) for row in again.values()] == pytest.approx([float(row[1]) for row in before.values()], abs=1)
    assert len(again) > 15
