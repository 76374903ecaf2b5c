"""Addresses of the plain door. A GET writes nothing (only `?t=` exchanges an invitation); a POST answers with 303.

The exception to the 303 is a page with problems, or with communities found: it is shown again at once, and nothing is
written.

Against forged requests: there is no cookie that a browser would send along for another site, so a POST is allowed by
what it names, the draft's id in the address. Another site cannot know it: 122 random bits, no referrer, no log. Beyond
that, a request that a browser marks as another site's (Origin, Sec-Fetch-Site) is refused, also where no id is needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from survey_app import submission
from survey_app.http.middleware import error_page, is_cross_site
from survey_app.http.throttle import prefix
from survey_app.pages.journey import Go, Sent, Show, read_copy, take
from survey_app.pages.keeping import Away, Drafts, Keeper
from survey_app.pages.visit import Ending, Visit, find_page, resume_at
from survey_app.public import doors
from survey_app.public.endings import words
from survey_app.public.plain import addresses, cookies
from survey_app.public.plain.reading import Fields, client_of, form_of, looks_of, read_form, stay_since
from survey_app.public.plain.views import (
    DEVICE,
    ICON,
    STATIC,
    STYLE,
    STYLESHEET,
    Look,
    device_html,
    ending_html,
    front_html,
    page_html,
    resume_html,
)
from survey_app.public.visit import enter, find_wave, offer_code, read, recall, sent_before
from survey_app.store import waves
from survey_app.store.errors import StoreError
from survey_app.text import LANGUAGES, preferred_language, translator

FOREVER = "public, max-age=31536000, immutable"


def begin(request: Request) -> Response:
    """`/s/<slug>`: goes on to the first page under a fresh id, or to where the invitation's draft stands.

    At once, not by way of `/s/<slug>/<id>/`: each redirect costs a slow phone 400 ms.
    """
    slug = request.path_params["slug"]
    entered = enter(doors.current(), slug, request.query_params.get("t"))
    if isinstance(entered, Ending):
        return _ending(request, entered)
    visit = _visit(request, slug, entered)
    return _ending(request, visit) if isinstance(visit, Ending) else _onward(request, visit)


def resume(request: Request) -> Response:
    """`/s/<slug>/<id>/`: goes on to the page to go on with, so that the browser's Back finds that page again."""
    visit = _opened(request)
    return _onward(request, visit) if isinstance(visit, Visit) else visit


def show(request: Request) -> Response:
    """`/s/<slug>/<id>/<page>`: that page, or the one to go on with when its turn has not come."""
    visit = _opened(request)
    if not isinstance(visit, Visit):
        return visit
    page = find_page(visit, request.path_params["page"])
    if page is None:
        return RedirectResponse(addresses.form(visit.wave.slug, visit.id, query=looks_of(request)), 303)
    return _page(request, visit, Show(page, visit.answers, {}))


async def receive(request: Request) -> Response:
    """A page was sent."""
    if is_cross_site(request):
        raise HTTPException(403)
    wait = doors.current().posts.wait(form_of(request)[1], client_of(request))
    if wait > 0:
        return error_page(429, wait=wait)
    return await run_in_threadpool(_take, request, await read_form(request))


def device(request: Request) -> Response:
    """`/s/<slug>/<id>/other-device`: the draft's resume code."""
    visit = _opened(request)
    if not isinstance(visit, Visit):
        return visit
    code = submission.resume_code(doors.current().store, visit.wave, visit.id)
    if code is None:
        return RedirectResponse(addresses.form(visit.wave.slug, visit.id, query=looks_of(request)), 303)
    look = Look(visit.language, request.query_params.get("size") == "large")
    return HTMLResponse(device_html(visit, look, code, doors.current().settings.public_address))


def ask_code(request: Request) -> Response:
    """`/s/<slug>/resume`: where a code from another device is entered."""
    wave = find_wave(doors.current(), request.path_params["slug"])
    return _ending(request, wave) if isinstance(wave, Ending) else HTMLResponse(resume_html(wave, _look(request)))


async def receive_code(request: Request) -> Response:
    """A resume code was sent."""
    if is_cross_site(request):
        raise HTTPException(403)
    return await run_in_threadpool(_resume, request, await read_form(request))


def _resume(request: Request, fields: Fields) -> Response:
    wave, look, codes = find_wave(doors.current(), request.path_params["slug"]), _look(request), doors.current().codes
    if isinstance(wave, Ending):
        return _ending(request, wave)
    typed, client, _ = (fields.get("code") or [""])[-1][:64], prefix(client_of(request)), translator(look.language)
    wait = codes.wait(wave.slug, client)
    if wait > 0:
        html = resume_html(wave, look, typed, _("Too many codes were tried. Please try again in a quarter of an hour."))
        return HTMLResponse(html, 429, headers={"Retry-After": str(int(wait) + 1)})
    found = submission.resume(doors.current().store, wave, typed)
    if found is None:
        codes.failed(wave.slug, client)
        problem = _("No form goes with this code. Please compare it with the other device letter by letter.")
        return HTMLResponse(resume_html(wave, look, typed, problem), 422)
    return RedirectResponse(addresses.form(wave.slug, found, query=looks_of(request)), 303)


def done(request: Request) -> Response:
    """The thank-you page of a form that was sent; the receipt code only with the cookie of the browser that sent it."""
    slug, visit_id = form_of(request)
    wave = find_wave(doors.current(), slug)
    kept = wave.wave if isinstance(wave, Ending) else wave
    if kept is None:
        return _ending(request, Ending("unknown_wave"))
    ending = sent_before(doors.current(), kept, visit_id)
    if ending is None:
        return RedirectResponse(addresses.form(slug, visit_id, query=looks_of(request)), 303)
    receipt = cookies.read(doors.current().settings.secret, visit_id, request.cookies.get(cookies.COOKIE, ""))
    return _ending(request, replace(ending, receipt=receipt if ending.kind == "complete" else None))


def front(request: Request) -> Response:
    """The page at the root."""
    store = doors.current().store
    offered = [wave for wave in waves.list(store) if wave.open_link and find_wave(doors.current(), wave.slug) == wave]
    return HTMLResponse(front_html(offered, _look(request)))


def stylesheet(_request: Request) -> Response:
    """The one stylesheet; its address changes with its content."""
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": FOREVER})


def icon(_request: Request) -> Response:
    """The mark in the browser's tab."""
    return FileResponse(STATIC / "icon.svg", headers={"Cache-Control": FOREVER})


def healthz(_request: Request) -> Response:
    """200 while the process answers and its store can be read."""
    waves.slugs(doors.current().store)
    return PlainTextResponse("ok")


def robots(_request: Request) -> Response:
    """A form is nothing to index."""
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


def _take(request: Request, fields: Mapping[str, Sequence[str]]) -> Response:
    spoken = (fields.get("language") or [""])[-1]
    keeper: Keeper = Drafts(doors.current().store)
    try:
        visit = _visit(request, *form_of(request), language=spoken)
    except StoreError as error:
        keeper = Away(str(error))
        visit = recall(doors.current(), *form_of(request), language=spoken, copy=None)
    if isinstance(visit, Ending):
        return _ending(request, visit)
    visit = replace(visit, spare=read_copy(visit, (fields.get("copy") or [""])[-1]) or visit.spare)
    page = find_page(visit, request.path_params["page"])
    if page is None:
        return RedirectResponse(addresses.form(visit.wave.slug, visit.id, query=looks_of(request)), 303)
    go = (fields.get("go") or ["next"])[-1]
    size = go.removeprefix("size-") if go.startswith("size-") else request.query_params.get("size")
    size = "large" if size == "large" else None
    sent = Sent(
        fields=fields,
        go="stay" if go.startswith("size-") or go == "device" else go,
        duration_ms=stay_since((fields.get("at") or [""])[-1]),
        door="plain",
    )
    step = take(keeper, visit, page, sent)
    if isinstance(step, Show):
        return _page(request, visit, step)
    if isinstance(step, Go):
        offered = go == "device" and offer_code(doors.current(), visit, page)
        target = DEVICE if offered else step.page
        return RedirectResponse(addresses.form(visit.wave.slug, visit.id, target, {"size": size}, item=step.item), 303)
    return _finish(request, visit, step, size)


def _finish(request: Request, visit: Visit, ending: Ending, size: str | None) -> Response:
    if ending.kind not in {"complete", "refused", "not_eligible"}:
        return _ending(request, ending, visit.language)
    target = addresses.form(visit.wave.slug, visit.id, "done", {"lang": visit.language, "size": size})
    response = RedirectResponse(target, 303)
    if ending.kind == "complete" and ending.receipt:
        response.set_cookie(
            cookies.COOKIE,
            cookies.sign(doors.current().settings.secret, visit.id, ending.receipt),
            max_age=cookies.SECONDS,
            path=addresses.form(visit.wave.slug, visit.id, "done"),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response


def _opened(request: Request) -> Visit | Response:
    """The visit to show a page of; the thank-you page when its form was sent already (the browser's Back button)."""
    visit = _visit(request, *form_of(request))
    if isinstance(visit, Ending):
        return _ending(request, visit)
    if visit.draft is None and sent_before(doors.current(), visit.wave, visit.id):
        return RedirectResponse(addresses.form(visit.wave.slug, visit.id, "done", looks_of(request)), 303)
    return visit


def _onward(request: Request, visit: Visit) -> Response:
    return RedirectResponse(addresses.form(visit.wave.slug, visit.id, resume_at(visit).name, looks_of(request)), 303)


def _visit(request: Request, slug: str, visit_id: str, language: str = "") -> Visit | Ending:
    chosen = language or request.query_params.get("lang")
    accepted = request.headers.get("accept-language", "")
    return read(doors.current(), slug, visit_id, language=chosen, accepted=accepted)


def _page(request: Request, visit: Visit, step: Show) -> Response:
    html = page_html(visit, step, Look(visit.language, request.query_params.get("size") == "large"))
    return HTMLResponse(html, status_code=503 if step.unsaved else 422 if step.problems else 200)


def _ending(request: Request, ending: Ending, language: str | None = None) -> Response:
    look = _look(request)
    if language:
        look = Look(language, look.large)
    status = words(ending, translator(look.language)).status
    # The token stays out of the page's own links.
    return HTMLResponse(ending_html(ending, look, request.url.path), status_code=status)


def _look(request: Request) -> Look:
    chosen = request.query_params.get("lang", "")
    language = chosen if chosen in LANGUAGES else preferred_language(request.headers.get("accept-language", ""))
    return Look(language, request.query_params.get("size") == "large")


ROUTES: list[BaseRoute] = [
    Route("/healthz", healthz),
    Route("/robots.txt", robots),
    Route(STYLESHEET, stylesheet),
    Route(ICON, icon),
    Route("/s/{slug}", begin),
    Route("/s/{slug}/", begin),
    Route("/s/{slug}/resume", ask_code),
    Route("/s/{slug}/resume", receive_code, methods=["POST"]),
    Route("/s/{slug}/{id}", resume),
    Route("/s/{slug}/{id}/", resume),
    Route("/s/{slug}/{id}/done", done),
    Route(f"/s/{{slug}}/{{id}}/{DEVICE}", device),
    Route("/s/{slug}/{id}/{page}", show),
    Route("/s/{slug}/{id}/{page}", receive, methods=["POST"]),
]
"""Every address of the plain door but the root, which the process's entrance serves."""
