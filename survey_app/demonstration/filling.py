"""Fills one demonstration wave: the draw becomes cases, simulated people hand in their forms.

Every answer enters through `submission.submit`, as from a door: drawn people with a token of their own, volunteers by
the open link. A wave that was filled in part is filled on.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from analysis.sampling import TwoStageDraw
from questionnaires import Instrument
from survey_app import submission
from survey_app.demonstration.answers import page_durations, simulate_answers
from survey_app.demonstration.model import AnswerModel
from survey_app.demonstration.people import SILENT, People, drawn_people, volunteers
from survey_app.demonstration.population import Population
from survey_app.demonstration.waves import PlannedWave, cases_of, fieldwork_days, planned_wave
from survey_app.store import instruments, invitations, waves
from survey_app.store.database import Store
from survey_app.store.errors import StoreError

Report = Callable[[Iterable[Any], str, int], Iterator[Any]]
Result = TypeVar("Result")
WORKERS = 8
AT_ONCE = 512
DRAWN, VOLUNTEERS = range(2)


def reported(report: Report, text: str, work: Callable[[], Result]) -> Result:
    """Do one piece of work under a progress bar of its own."""
    for _ in report((None,), text, 1):  # a loop lets go of the bar before a refusal is printed
        result = work()
    return result


def silent_report(steps: Iterable[Any], _text: str, _total: int) -> Iterator[Any]:
    """The steps without a progress bar."""
    yield from steps


def fill_wave(
    store: Store, model: AnswerModel, population: Population, draw: TwoStageDraw, *, slug: str, report: Report,
    opt_in: int | None,
) -> None:  # fmt: skip
    """Create the wave with its drawn cases, submit everybody's answers, and close it if its file says so.

    `opt_in`: volunteers, else the model's number. Raises StoreError when an answer of the model is not accepted.
    """
    instrument = _instrument(store)
    planned = planned_wave(store.settings.data, slug, instrument=instrument, size_assumption=draw.size_assumption)
    if slug not in waves.slugs(store):
        waves.create(store, planned.wave)
    if waves.get(store, slug).state == "closed":
        return
    arriving = reported(
        report,
        f"Simulating people: {slug}",
        lambda: _arriving(store, model, population, draw, planned=planned, opt_in=opt_in),
    )
    _submit_all(store, slug, arriving, report=report)
    if planned.closed_after:
        waves.close(store, slug)


def _arriving(
    store: Store, model: AnswerModel, population: Population, draw: TwoStageDraw, *, planned: PlannedWave,
    opt_in: int | None,
) -> list[submission.Submission]:  # fmt: skip
    """Every form still to come in: of the drawn people who do not stay silent, with a token each, and of volunteers."""
    slug = planned.wave.slug
    number = model.waves.index(slug)
    instrument = _instrument(store)
    people = drawn_people(model, population, draw.wave(number), np.random.default_rng([model.seed, 2, number]))
    cases = cases_of(draw.wave(number), people)
    known = {case.case: case.disposition for case in invitations.cases(store, slug)}
    if not known:
        invitations.draw(store, slug, cases)
    waiting = [
        place for place, case in enumerate(cases) if people.outcome[place] != SILENT and not known.get(case.case)
    ]
    forms = _forms(model, population, instrument, planned=planned, people=people, stream=DRAWN)
    tokens = invitations.mint(store, slug, [cases[place].case for place in waiting])
    invited = [replace(forms[place], invitation=token) for place, token in zip(waiting, tokens, strict=True)]
    free = volunteers(model, population, np.random.default_rng([model.seed, 3, number]), count=opt_in)
    return [*invited, *_forms(model, population, instrument, planned=planned, people=free, stream=VOLUNTEERS)]


def _instrument(store: Store) -> Instrument:
    """The newest published version of the public's questionnaire."""
    published = [entry for entry in instruments.versions(store) if entry[0] == "public-opinion"]
    if not published:
        raise StoreError("The instrument public-opinion is not published; run sandu init first.")
    return instruments.load(store, published[-1][0], published[-1][1])


def _forms(
    model: AnswerModel, population: Population, instrument: Instrument, *, planned: PlannedWave, people: People,
    stream: int,
) -> list[submission.Submission]:  # fmt: skip
    """What each person would hand in, in their order, still without an invitation.

    Ids of drawn people are random, so that nothing ties an answer to a case; volunteers' ids follow from the wave, so
    that a second filling finds them there.
    """
    slug = planned.wave.slug
    seed = [model.seed, 4 + stream, model.waves.index(slug)]
    answers = simulate_answers(model, population, instrument, people=people, wave=slug, seed=seed[1:])
    generator = np.random.default_rng(seed)
    durations = page_durations(model, instrument, people, generator)
    days = fieldwork_days(planned, len(people), generator)
    english = generator.random(len(people)) < model.fieldwork["english"]
    return [
        submission.Submission(
            id=submission.new_id()
            if stream == DRAWN
            else str(uuid.uuid5(uuid.NAMESPACE_OID, f"{slug} volunteer {row}")),
            answers=answers[row],
            language="en" if english[row] else "zh",
            mode=str(people.mode[row]),
            door="plain" if people.mode[row] == "web" else "console",
            durations=durations[row],
            fieldwork_date=days[row],
        )
        for row in range(len(people))
    ]


def _submit_all(store: Store, slug: str, forms: list[submission.Submission], *, report: Report) -> None:
    wave = waves.get(store, slug)

    def hand_in(form: submission.Submission) -> submission.Outcome:
        return submission.submit(store, wave, form)

    with ThreadPoolExecutor(WORKERS) as pool:
        starts = range(0, len(forms), AT_ONCE)
        outcomes = (outcome for start in starts for outcome in pool.map(hand_in, forms[start : start + AT_ONCE]))
        for outcome in report(outcomes, f"Submitting answers: {slug}", len(forms)):
            if not isinstance(outcome, submission.Accepted):
                raise StoreError(
                    f"An answer of the model was not accepted in wave {slug}: {outcome}. Mend the model file."
                )
