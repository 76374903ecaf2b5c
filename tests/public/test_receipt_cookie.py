"""The cookie that carries a receipt over the redirect."""

import pytest

from survey_app.public.plain import cookies

SECRET, VISIT, RECEIPT = b"s" * 32, "11111111-1111-4111-8111-111111111111", "ABCDE-FGHIJ-KLMNO-PQRST"


def test_it_brings_the_receipt_back_for_its_own_form_and_time_only() -> None:
    value = cookies.sign(SECRET, VISIT, RECEIPT, now=lambda: 1000.0)
    assert cookies.read(SECRET, VISIT, value, now=lambda: 1001.0) == RECEIPT
    assert cookies.read(SECRET, VISIT, value, now=lambda: 1001.0 + cookies.SECONDS) is None
    assert cookies.read(SECRET, VISIT.replace("1", "2"), value, now=lambda: 1001.0) is None
    assert cookies.read(b"t" * 32, VISIT, value, now=lambda: 1001.0) is None


@pytest.mark.parametrize(
    "value", ["", ".", "..", "9999999999.QUJD.00", "9999999999.QUJD.é", "x.%%%.y", "1.é.2", "٣.QUJD.0"]
)
def test_a_mangled_cookie_brings_nothing(value: str) -> None:
    assert cookies.read(SECRET, VISIT, value) is None
