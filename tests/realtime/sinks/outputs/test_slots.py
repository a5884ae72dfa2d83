from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from realtime.sinks.outputs.slots import Slots


def settled(count: int, *scenes: tuple[int, ...]) -> Slots:
    slots = Slots(count)
    for ids in scenes:
        slots.settle(ids)
    return slots


def test_an_object_that_comes_back_finds_its_slot() -> None:
    slots = settled(3, (7, 9), (9,), (9, 7))
    assert (slots.slot_of(7), slots.slot_of(9)) == (1, 2)


def test_a_slot_nobody_had_is_taken_before_one_that_is_left() -> None:
    slots = settled(3, (7, 9), (9,), (9, 11))
    assert (slots.slot_of(9), slots.slot_of(11)) == (2, 3)
    assert slots.object_in(1) is None


def test_who_has_been_gone_longest_is_replaced_first() -> None:
    slots = settled(2, (1, 2), (2,), (), (3,), (3, 4))
    assert (slots.slot_of(3), slots.slot_of(4)) == (1, 2)


def test_where_all_are_taken_an_object_has_none_until_one_leaves() -> None:
    slots = settled(2, (1, 2, 3))
    assert slots.slot_of(3) is None
    assert slots.without == (3,)
    slots.settle((1, 3))
    assert slots.slot_of(3) == 2
    assert slots.without == ()


def test_another_goes_on_with_the_same_slots() -> None:
    before = settled(3, (4, 5, 6), (6,))
    after = Slots(3)
    after.resume(before.state())
    after.settle((5, 6))
    assert (after.slot_of(5), after.slot_of(6)) == (2, 3)


@given(st.lists(st.lists(st.integers(1, 9), unique=True, max_size=6), max_size=20))
def test_whoever_stays_stays_where_it_is(scenes: list[list[int]]) -> None:
    slots = Slots(4)
    before: dict[int, int | None] = {}
    for ids in scenes:
        slots.settle(ids)
        now = {one: slots.slot_of(one) for one in ids}
        placed = [slot for slot in now.values() if slot is not None]
        assert len(set(placed)) == len(placed)
        assert len(placed) == min(len(ids), 4)
        for one, slot in before.items():
            assert slot is None or one not in now or now[one] == slot
        for slot in placed:
            assert now[slots.object_in(slot) or 0] == slot
        before = now
