"""The brake on posting in a loop: generous to offices, blind to who somebody is, forgetful at night."""

import pytest

from survey_app.http.throttle import Limits, PostBrake, Throttle, prefix


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def brake(clock: Clock) -> PostBrake:
    return PostBrake(clock=clock)


def test_a_loop_on_one_form_is_braked_and_other_forms_of_the_same_client_are_not(brake: PostBrake) -> None:
    waits = [brake.wait("mine", "203.0.113.7") for _ in range(1000)]
    assert waits[:200] == [0.0] * 200
    assert min(waits[200:]) > 0
    assert brake.wait("neighbour's", "203.0.113.7") == 0


def test_a_loop_over_ever_new_forms_is_braked_for_that_client_only(brake: PostBrake, clock: Clock) -> None:
    waits = []
    for number in range(1000):
        waits.append(brake.wait(f"form {number}", "203.0.113.7"))
        clock.now += 0.02
    assert 400 < waits.index(next(wait for wait in waits if wait > 0)) < 900
    assert brake.wait("form 3", "203.0.113.7") == 0  # who has begun goes on
    assert brake.wait("somebody", "198.51.100.1") == 0


def test_an_office_of_four_hundred_that_begins_at_once_and_a_kiosk_all_day_are_not_hurt(
    brake: PostBrake, clock: Clock
) -> None:
    for number in range(400):
        assert brake.wait(f"office {number}", "203.0.113.7") == 0
    for number in range(2000):
        clock.now += 1.0
        assert brake.wait(f"kiosk {number // 12}", "203.0.113.8") == 0


def test_twenty_interviews_a_second_from_one_address_go_through(brake: PostBrake, clock: Clock) -> None:
    for second in range(300):
        clock.now += 1.0
        for number in range(20):
            for page in range(min(7, 1 + second // 9)):
                assert brake.wait(f"{second - 9 * page} {number}", "127.0.0.1") == 0


def test_after_the_wait_that_was_named_a_page_is_taken(brake: PostBrake, clock: Clock) -> None:
    while (wait := brake.wait("mine", "a")) == 0:
        pass
    clock.now += wait * 0.9
    assert brake.wait("mine", "a") > 0
    clock.now += wait * 0.11
    assert brake.wait("mine", "a") == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"), ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"), ("testclient", "testclient"),
    ],
)  # fmt: skip
def test_of_an_address_only_its_network_is_looked_at(address: str, network: str) -> None:
    assert prefix(address) == network


def test_the_key_is_made_fresh_each_day_and_the_counts_go_with_it(clock: Clock) -> None:
    throttle = Throttle(Limits(pair=1, address=1, name=1, window=10 * 86_400.0), clock)
    throttle.failed("x", "a")
    before = throttle._failures.name("address", "a")
    assert throttle.wait("x", "a") > 0
    clock.now += 86_400.0
    assert throttle.wait("x", "a") == 0
    assert throttle._failures.name("address", "a") != before


def test_memory_is_bounded(clock: Clock) -> None:
    brake = PostBrake(clock=clock)
    for number in range(60_000):
        clock.now += 0.05
        brake.wait(f"form {number}", f"client {number}")
    assert len(brake._empty_at._values) <= 50_000
