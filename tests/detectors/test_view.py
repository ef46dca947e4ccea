from datetime import timedelta

from audit_store.event import Phase
from detectors.cases import PERSON, START, Step, events
from detectors.deed import Deed, deed_of
from detectors.view import View
from policies import reasons
from policies.request import Action


def deeds(*steps: Step) -> list[Deed]:
    return [deed for event in events(steps) if (deed := deed_of(event.document)) is not None]


def seen(*steps: Step) -> View:
    view = View()
    for deed in deeds(*steps):
        view.apply(deed)
    return view


def test_what_was_shown_on_a_screen_has_not_left_the_house():
    day = seen(Step(Action.LIST, Phase.RELEASED, range(100)), Step(Action.EXPORT, Phase.RELEASED, range(90, 130))).day(PERSON, START)
    assert (len(day.shown), len(day.left), len(day.asked)) == (130, 40, 40)


def test_an_act_that_is_released_after_a_touch_is_no_stopped_one():
    day = seen(
        Step(Action.LIST, Phase.HELD, range(50), reasons.EXPORT_NEEDS_KEY, act="x"), Step(Action.LIST, Phase.RELEASED, range(50), act="x")
    ).day(PERSON, START)
    assert day.stopped_exports == set()
    assert len(day.left) == 50


def test_a_held_export_that_is_not_confirmed_is_one_act():
    day = seen(
        Step(Action.EXPORT, Phase.HELD, range(50), reasons.EXPORT_NEEDS_KEY, act="x"),
        Step(Action.EXPORT, Phase.NOT_CONFIRMED, range(50), reasons.EXPORT_NEEDS_KEY, act="x"),
    ).day(PERSON, START)
    assert day.stopped_exports == {"x"}
    assert day.left == set()


def test_applying_a_story_twice_changes_nothing():
    steps = (
        Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED, act="a"),
        Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY, act="b"),
        Step(Action.DELETE, Phase.ALLOWED, range(2), act="c"),
    )
    once, twice, story = View(), View(), deeds(*steps)
    for deed in story:
        once.apply(deed)
    for deed in story + story:
        twice.apply(deed)
    assert once.day(PERSON, START) == twice.day(PERSON, START)


def test_people_and_days_are_kept_apart():
    view = seen(Step(Action.EXPORT, Phase.RELEASED, range(5), person="P-2"), Step(Action.EXPORT, Phase.RELEASED, range(7), day=1))
    assert len(view.day("P-2", START).left) == 5
    assert view.day(PERSON, START).left == set()
    assert len(view.day(PERSON, START + timedelta(days=1)).left) == 7


def test_a_usual_day_is_the_median_of_the_days_with_work_before_this_one():
    counts = (10, 40, 50, 0, 60, 900)
    view = seen(*(Step(Action.LIST, Phase.RELEASED, range(count), clear=False, day=day) for day, count in enumerate(counts)))
    assert view.usual(PERSON, START + timedelta(days=6)) == 50


def test_with_too_few_days_there_is_no_usual_one():
    view = seen(*(Step(Action.LIST, Phase.RELEASED, range(40), day=day) for day in range(4)))
    assert view.usual(PERSON, START + timedelta(days=4)) is None
    assert view.usual("P-unknown", START) is None


def test_days_older_than_the_look_back_are_forgotten():
    old = tuple(Step(Action.LIST, Phase.RELEASED, range(40), day=day) for day in range(5))
    view = seen(*old, Step(Action.LIST, Phase.RELEASED, range(40), day=40))
    assert view.usual(PERSON, START + timedelta(days=40)) is None


def test_an_event_of_yesterday_that_arrives_late_is_counted_yesterday():
    view = seen(
        Step(Action.EXPORT, Phase.RELEASED, range(5), day=0),
        Step(Action.EXPORT, Phase.RELEASED, range(5), day=1),
        Step(Action.EXPORT, Phase.RELEASED, range(5, 9), day=0),
    )
    assert len(view.day(PERSON, START).left) == 9
    assert len(view.day(PERSON, START + timedelta(days=1)).left) == 5


def test_an_event_that_arrives_days_late_changes_no_closed_day():
    story = tuple(Step(Action.LIST, Phase.RELEASED, range(40), day=day) for day in range(6))
    assert seen(*story, Step(Action.LIST, Phase.RELEASED, range(900), clear=False, day=0)).usual(PERSON, START + timedelta(days=6)) == 40
