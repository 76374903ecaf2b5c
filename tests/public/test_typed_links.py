"""The link of a letter as people type it: in capitals, with hyphens, on a Chinese keyboard."""

import pytest
from starlette.testclient import TestClient

from survey_app.public.plain.addresses import as_printed
from tests.public.conftest import World


@pytest.mark.parametrize(
    "pattern",
    [
        "/s/invited?t={}", "/S/INVITED?T={}", "/s/Invited?t={}", "/s/invited/?t={}", "/s/invited\uff1ft\uff1d{}",
        "/\uff53/invited\uff1f\uff54={}", "/s/invited?T={}", "/s/invited?t={}\u3002", "/s/invited?t={}.",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "spelled", [str, str.upper, lambda token: "-".join(token[at : at + 4] for at in range(0, 26, 4))]
)
def test_a_link_typed_from_the_letter_leads_to_its_form(
    client: TestClient, world: World, pattern: str, spelled: type[str]
) -> None:
    shown = client.get(f"/s/invited?t={world.tokens[0]}")
    typed = client.get(pattern.format(spelled(world.tokens[0])))
    assert typed.status_code == 200
    assert typed.url.path == shown.url.path
    assert world.tokens[0] not in str(typed.url)


@pytest.mark.parametrize(
    "typed", ["/S/OPEN/RESUME", "/s/open/resume/", "/s/open/resume\u3002", "/s\uff0fopen/resume", "/s/Open/Resume"]
)
def test_the_address_that_another_device_shows_leads_to_the_page_for_codes(client: TestClient, typed: str) -> None:
    answer = client.get(typed)
    assert answer.status_code == 200
    assert answer.url.path == "/s/open/resume"


@pytest.mark.parametrize(
    "address",
    ["/s/open/resume", "/S/open/resume/x", "/S//resume",
     "/s/invited?t=abc", "/s/invited", "/S//evil.example", "/S/x?next=//evil.example", "/s/\uff0f\uff0fevil.example",
     "/S/open\r\nX: y", "//evil.example/S/x", "/S/" + "a" * 300, "/S/x?t=a&lang=en", "/Nonsense"],
)  # fmt: skip
def test_no_other_address_is_mended(address: str) -> None:
    assert as_printed(address) is None
